"""Numeric precision of training: bfloat16 where the hardware supports it, else float32."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from lightning_fabric.plugins.precision import DoublePrecision, MixedPrecision, Precision
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from ..errors import UserError

AUTO = "auto"
FLOAT32 = "32-true"
FLOAT64 = "64-true"
BFLOAT16: Literal["bf16-mixed"] = "bf16-mixed"
FLOAT16 = "16-mixed"
PRECISIONS = (AUTO, FLOAT32, FLOAT64, BFLOAT16, FLOAT16)
"""Lightning's names. True: everything in float32 or float64. Mixed: convolutions and matrix products in bfloat16 (or float16);
weights, losses and the optimizer in float32."""


def hardware_precision(accelerator: str) -> str:
    """What `auto` means on this machine: bfloat16 on a GPU that has it, and on a CPU with matrix tiles (AMX)."""
    if accelerator != "cpu" and torch.cuda.is_available():
        return BFLOAT16 if torch.cuda.is_bf16_supported(including_emulation=False) else FLOAT32
    return BFLOAT16 if cpu_multiplies_bfloat16() else FLOAT32


def cpu_multiplies_bfloat16() -> bool:
    """Whether the CPU has matrix instructions for it that torch uses, so that it is faster than float32."""
    return torch.cpu._is_amx_tile_supported() and bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


def cpu_lacks_bfloat16() -> bool:
    """Whether the CPU has no instructions for it at all."""
    return not (cpu_multiplies_bfloat16() or torch.cpu._is_avx512_bf16_supported())


def run_precision(wanted: str, recorded: str | None, accelerator: str) -> tuple[str, str | None]:
    """The precision of a run, and a line to tell where it is not what this machine would choose.

    A resumed run keeps the precision that it was begun with. Raises UserError if another one is `wanted`.
    """
    if wanted not in PRECISIONS:
        raise UserError(f"--precision {wanted}: expected {', '.join(PRECISIONS)}")
    if wanted == FLOAT16 and (accelerator == "cpu" or not torch.cuda.is_available()):
        raise UserError(f"--precision {wanted}: a CPU does not train in float16; expected bf16-mixed, 32-true, 64-true or auto")
    here = hardware_precision(accelerator)
    if recorded is None:
        return (here if wanted == AUTO else wanted), None
    if wanted not in (AUTO, recorded):
        raise UserError(f"--precision {wanted}: the run was started with {recorded}; leave --precision out, or choose another --out")
    differs = f"precision {recorded}, as the run was started with; a new run would take {here} on this machine"
    return recorded, differs if wanted == AUTO and here != recorded else None


def fabric_options(precision: str, accelerator: str) -> dict[str, Any]:
    """Arguments of `Fabric` for a precision."""
    if precision == FLOAT64:
        return {"plugins": Float64()}
    on_cpu = accelerator == "cpu" or (accelerator == AUTO and not torch.cuda.is_available())
    if precision == BFLOAT16 and on_cpu and cpu_lacks_bfloat16():
        return {"plugins": EmulatedBfloat16()}
    return {"precision": precision}


def emulation(plugin: Precision) -> str | None:
    """A warning if a precision is emulated, else None."""
    if not isinstance(plugin, EmulatedBfloat16):
        return None
    return (
        f"precision {BFLOAT16}: this CPU lacks instructions for it: operands are rounded, and multiplied in float32, slower than {FLOAT32}"
    )


class Float64(DoublePrecision):
    """Lightning's `64-true`, with descriptors in float64 too, from which the loss is computed: Lightning's own returns float32."""

    def convert_output(self, data: Any) -> Any:
        """Keep what the network returned."""
        return data


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
    """Lightning's `bf16-mixed` for CPUs that have no instructions for it: operands are rounded to bfloat16 and multiplied in float32.

    A product of two bfloat16 numbers is exact in float32, and GPUs and AMX add such products in float32 too: results differ from theirs
    only by the order of the sums. Torch's own fallback takes five times as long.
    """

    def __init__(self) -> None:
        super().__init__(BFLOAT16, "cpu")

    @contextmanager
    def forward_context(self) -> Iterator[None]:
        """Autocast to bfloat16, with products in float32."""
        with super().forward_context(), RoundedOperands():
            yield
