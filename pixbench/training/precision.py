"""Numeric precision of training: bfloat16 where the hardware supports it, else float32."""

from typing import Literal

import torch

from ..errors import UserError

AUTO = "auto"
FLOAT32 = "32-true"
BFLOAT16: Literal["bf16-mixed"] = "bf16-mixed"
"""Lightning's names. Mixed: convolutions and matrix products in bfloat16; weights, losses and the optimizer in float32."""


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
    here = hardware_precision(accelerator)
    if recorded is None:
        return (here if wanted == AUTO else wanted), None
    if wanted not in (AUTO, recorded):
        raise UserError(f"--precision {wanted}: the run was started with {recorded}; leave --precision out, or choose another --out")
    differs = f"precision {recorded}, as the run was started with; a new run would take {here} on this machine"
    return recorded, differs if wanted == AUTO and here != recorded else None
