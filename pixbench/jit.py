"""Compiled kernels: loops over pixels and rays that numpy would make in many passes over memory."""

from typing import Any, TypeVar

import numba

Function = TypeVar("Function")


def kernel(function: Function) -> Function:
    """Compile a function of arrays and numbers when it is first called, keep the machine code on disk, run on one thread.

    Division by zero gives inf and NaN as in numpy; sums are not reordered, so that results do not depend on the compiler's mood.
    Write `@no_type_check` below it: run-time type checkers cannot look into compiled code.
    """
    compiled: Any = numba.njit(cache=True, error_model="numpy", nogil=True)(function)
    return compiled
