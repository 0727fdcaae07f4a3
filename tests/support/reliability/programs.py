"""Models in files as other programs write them."""

import warnings
from pathlib import Path

import torch


class Plain(torch.nn.Module):
    """A network of one layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layer(images)


def write_programs(folder: Path) -> None:
    """Models in files that other programs write."""
    from kornia.feature import XFeatModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch, on what others still write
        torch.jit.script(Plain()).save(folder / "model.pt")  # type: ignore[no-untyped-call]
    torch.save(XFeatModel().state_dict(), folder / "xfeat.pt")
