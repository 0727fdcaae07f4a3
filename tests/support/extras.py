"""Optional packages in tests: skipped where they are missing, but never in CI, which installs them."""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

import pytest

from pixbench.errors import UserError

T = TypeVar("T")


def needs(make: Callable[[], T]) -> T:
    """The result of `make`; a UserError about a missing package skips the test, but fails it in CI."""
    try:
        return make()
    except UserError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


def module(name: str) -> Any:
    """An optional module; where it is missing the test is skipped, and fails in CI."""
    if os.environ.get("CI") == "true":
        return import_module(name)
    return pytest.importorskip(name)
