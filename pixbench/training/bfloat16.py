"""bfloat16 on CPUs that have no instructions for it: operands are rounded to bfloat16 and multiplied in float32.

A product of two bfloat16 numbers is exact in float32, and GPUs and AMX add such products in float32 too: results differ from theirs only by
the order of the sums. Torch's own fallback takes five times as long.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from lightning_fabric.plugins.precision import MixedPrecision
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from .precision import BFLOAT16

PRODUCTS = frozenset({torch.conv2d, functional.linear, torch.matmul, torch.bmm, Tensor.matmul, Tensor.__matmul__, Tensor.bmm})
"""Functions that are computed in this way. Torch computes all others, attention among them, as on any CPU."""


class RoundedOperands(TorchFunctionMode):
    """Within this context convolutions and matrix products take and return bfloat16, and compute in float32; so do their gradients."""

    def __torch_function__(self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None) -> Any:
        """Call `func`, with rounded operands if it is a product."""
        named = kwargs or {}
        if func not in PRODUCTS:
            return func(*args, **named)
        with torch.autocast("cpu", enabled=False):
            out: Tensor = func(*map(_rounded, args), **{name: _rounded(value) for name, value in named.items()})
        return out.bfloat16()


def _rounded(value: Any) -> Any:
    return value.bfloat16().float() if isinstance(value, Tensor) else value


class EmulatedBfloat16(MixedPrecision):
    """Lightning's `bf16-mixed` for CPUs, with `RoundedOperands`."""

    def __init__(self) -> None:
        super().__init__(BFLOAT16, "cpu")

    @contextmanager
    def forward_context(self) -> Iterator[None]:
        """Autocast to bfloat16, with products in float32."""
        with super().forward_context(), RoundedOperands():
            yield
