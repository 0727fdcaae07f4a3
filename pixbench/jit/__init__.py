"""Compilation of kernels with Numba: loops over pixels and rays that would take many passes over memory in NumPy."""

import os
import stat
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ..assets.paths import cache_folder

Function = TypeVar("Function")

INSTALLED = bool({"site-packages", "dist-packages"} & set(Path(__file__).parts))
"""Whether this is an installed copy. pip leaves files behind that it did not write, and a folder `pixbench` with only such files would hide
the package that is installed next."""


def kernel(function: Function) -> Function:
    """Compile a function of arrays and numbers when it is first called, keep the machine code on disk, run on one thread.

    Division by zero gives inf and NaN as in numpy; sums are not reordered, so that results do not depend on compiler optimisations.
    Write `@no_type_check` below it: run-time type checkers cannot look into compiled code.
    """
    return _compiled(function)


def inlined(function: Function) -> Function:
    """Like `kernel`, for functions that are inlined into other kernels."""
    return _compiled(function, forceinline=True)


def reordering_kernel(function: Function) -> Function:
    """Like `kernel`, but the compiler may reorder sums and assume that no value is NaN or infinite: for reductions over short rows.

    Results may then differ in the last digits between processors, and NaN is not detected.
    """
    relaxed = {"reassoc", "nnan", "nsz", "contract"}
    return _compiled(function, fastmath=relaxed)


def _compiled(function: Function, **options: Any) -> Function:
    """Compile with a cache on disk: of a checkout beside the source, else in the cache folder, else in a temporary one, else without."""
    settings: Any = numba.config
    # None: where Numba chooses, or where it was told to by the user or by an earlier kernel.
    first = () if INSTALLED and not settings.CACHE_DIR else (None,)
    # Folders are created one by one: the next one only if the previous one cannot be used.
    for place in chain(first, _places()):
        if place is not None:
            settings.CACHE_DIR = str(place)
        try:
            compiled: Any = numba.njit(cache=True, error_model="numpy", nogil=True, **options)(function)
        except RuntimeError as error:  # Numba's, if it finds no writable folder
            if "no locator" not in str(error):
                raise
        else:
            return cast(Function, compiled)
    _warn_once()
    return cast(Function, numba.njit(error_model="numpy", nogil=True, **options)(function))


def _places() -> Iterator[Path]:
    """Cache folders that only this user can write, because cached machine code is executed."""
    temporary = Path(tempfile.gettempdir()) / f"pixbench-kernels-{getattr(os, 'getuid', lambda: 0)()}"
    for place in (cache_folder() / "kernels", temporary):
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = place.lstat()
        except OSError:
            continue
        mine = not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o022)
        if mine and stat.S_ISDIR(found.st_mode) and os.access(place, os.W_OK):
            yield place


@cache
def _warn_once() -> None:
    warnings.warn("compiled kernels cannot be kept (no folder can be written): set PIXBENCH_CACHE to one, to start faster", stacklevel=2)


@intrinsic
def prefetch(_typing: Any, array: Any, row: Any) -> Any:
    """In a kernel: prefetch a row of an array, two cache lines of it, while other work is done.

    The rows of triangle ids are scattered over memory, and waiting for each takes longer than the arithmetic on it: without prefetching,
    `exact_hits` of 262,144 rays in a million triangles takes 1.9 times as long (3.5 times with triangles in random order).
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0])
        stride = builder.extract_value(data.strides, 0)
        index = context.cast(builder, arguments[1], signature.args[1], types.intp)
        start = builder.add(builder.ptrtoint(data.data, stride.type), builder.mul(index, stride))
        byte = ir.IntType(8).as_pointer()
        number = ir.IntType(32)
        fetch = builder.module.declare_intrinsic("llvm.prefetch", (byte,), ir.FunctionType(ir.VoidType(), (byte, number, number, number)))
        for offset in (0, 64):
            address = builder.inttoptr(builder.add(start, ir.Constant(stride.type, offset)), byte)
            # To read, keep in all levels, data.
            builder.call(fetch, [address, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, row), generate
