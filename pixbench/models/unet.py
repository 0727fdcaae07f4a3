"""The descriptor network: a U-Net (Ronneberger et al., 2015) that gives every pixel a raw, unnormalised descriptor.

Its architecture is that of the reference implementation (see the page on the method): residual blocks with SiLU and group norms (of one
group, but for the last), average pooling down, nearest-neighbour up, and skips that are added inside a block, after a norm of their own,
not concatenated.
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

HEAD_GROUPS = 8
"""Default number of groups of the norm before the last convolution. The inner norms have one group."""

NAMED: dict[str, dict[str, Any]] = {
    "small": {},
    "paper": {"widths": (32, 64, 64), "blocks": (1, 2, 2), "channels": 32, "dropout": (0.0, 0.1, 0.1)},
    "paper-3d": {"widths": (16, 16, 32, 32), "blocks": (1, 1, 1, 1), "channels": 32},
    "experiment1-cpu": {"widths": (8, 16, 32), "blocks": (1, 1, 1), "channels": 16},
}
"""Configurations by name. `paper` is that of the paper's first experiment: 993,664 parameters."""


class UNetConfig(BaseModel):
    """A network: widths of the stages, residual blocks per stage, descriptor channels D, attention heads in the middle (0: none).

    Each stage works at half the resolution of the one before; the middle, below the last, at half of that. `dropout` is per
    stage, empty for none. `head_groups` is the number of groups of the norm before the last convolution. Instead of all this, a name:
    small, paper, paper-3d or experiment1-cpu.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    widths: tuple[int, ...] = (8, 32, 64, 64)
    blocks: tuple[int, ...] = (1, 1, 1, 1)
    channels: int = Field(32, ge=1)
    heads: int = Field(4, ge=0)
    dropout: tuple[float, ...] = ()
    # Records of runs and checkpoints have it only if it was set, as those of earlier versions.
    head_groups: int = Field(HEAD_GROUPS, ge=1, exclude_if=lambda groups: groups == HEAD_GROUPS)

    @model_validator(mode="before")
    @classmethod
    def _named(cls, values: Any) -> Any:
        if not isinstance(values, str):
            return values
        if values not in NAMED:
            raise ValueError(f"unknown network '{values}': known are {', '.join(NAMED)}")
        return NAMED[values]

    @model_validator(mode="after")
    def _consistent(self) -> "UNetConfig":
        if len(self.widths) != len(self.blocks) or not self.widths:
            raise ValueError(f"widths {self.widths} and blocks {self.blocks} must have the same length, at least 1")
        if len(self.widths) > 16 or max(self.widths) > 8192 or sum(self.blocks) > 512 or self.channels > 8192:
            raise ValueError(f"widths {self.widths}, blocks {self.blocks} and {self.channels} channels are more than a network may have")
        if any(count < 1 for count in self.blocks):
            raise ValueError(f"blocks {self.blocks} must be at least 1 each")
        if any(width < 1 for width in self.widths):
            raise ValueError(f"widths {self.widths} must be at least 1 each")
        if self.widths[0] % self.head_groups:
            raise ValueError(f"the first of widths {self.widths} must be a multiple of head_groups, {self.head_groups}")
        if self.heads and self.widths[-1] % self.heads:
            raise ValueError(f"heads {self.heads} must divide the last width {self.widths[-1]}")
        if self.dropout and (len(self.dropout) != len(self.widths) or not all(0 <= share < 1 for share in self.dropout)):
            raise ValueError(f"dropout {self.dropout} must be a number from 0 to below 1 for each of the {len(self.widths)} stages")
        return self


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, each after group norm and SiLU, added to the input; a skip is added to the first norm's output."""

    def __init__(self, channels: int, dropout: float, *, joins: bool = False):
        super().__init__()
        self.norm_in = _norm(channels)
        self.norm_skip = _norm(channels) if joins else None
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm_out = _norm(channels)
        self.dropout = nn.Dropout(dropout)
        # A block begins as the identity.
        self.second = _zeroed(nn.Conv2d(channels, channels, 3, padding=1))

    def forward(
        self, x: Float[Tensor, "batch channels height width"], skip: Float[Tensor, "batch channels height width"] | None = None
    ) -> Float[Tensor, "batch channels height width"]:
        """Output of the same shape as `x`. `skip` is given only to blocks that join one."""
        inside = self.norm_in(x)
        if self.norm_skip is not None:
            inside = (inside + self.norm_skip(skip)) / math.sqrt(2)
        inside = self.first(functional.silu(inside))
        out: Tensor = x + self.second(self.dropout(functional.silu(self.norm_out(inside))))
        return out


class Attention(nn.Module):
    """Self-attention over all positions (Vaswani et al., 2017) with normalised queries and keys, added to the input."""

    def __init__(self, channels: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm = _norm(channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.norm_q, self.norm_k = (nn.LayerNorm(channels // heads) for _ in range(2))
        self.out = _zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels height width"]:
        """The same shape."""
        batch, channels, height, width = x.shape
        # (3, batch, heads, positions, channels of a head)
        q, k, v = self.qkv(self.norm(x)).reshape(batch, 3, self.heads, channels // self.heads, height * width).permute(1, 0, 2, 4, 3)
        mixed = functional.scaled_dot_product_attention(self.norm_q(q), self.norm_k(k), v)
        out: Tensor = x + self.out(mixed.transpose(2, 3).reshape(x.shape))
        return out


class UNet(nn.Module):
    """(B, 3, H, W) images in [0, 1] to (B, D, H, W) descriptors; any H and W (padded to the stride and cropped back)."""

    def __init__(self, config: UNetConfig):
        super().__init__()
        self.config = config
        widths, dropout = config.widths, config.dropout or (0.0,) * len(config.widths)
        below = (*widths[1:], widths[-1])
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1)
        self.down = nn.ModuleList(_blocks(width, config.blocks[k], dropout[k]) for k, width in enumerate(widths))
        self.shrink = nn.ModuleList(nn.Conv2d(*pair, 1) for pair in zip(widths, below, strict=True))
        middle: list[nn.Module] = [ResidualBlock(widths[-1], dropout[-1]), ResidualBlock(widths[-1], dropout[-1])]
        if config.heads:
            middle.insert(1, Attention(widths[-1], config.heads))
        self.middle = nn.Sequential(*middle)
        self.grow = nn.ModuleList(nn.Conv2d(*pair, 1) for pair in zip(below, widths, strict=True))
        # One block a skip, and one more.
        self.up = nn.ModuleList(_blocks(width, config.blocks[k], dropout[k], joins=True) for k, width in enumerate(widths))
        self.finish = nn.ModuleList(ResidualBlock(width, dropout[k]) for k, width in enumerate(widths))
        self.head = nn.Sequential(GroupNorm(config.head_groups, widths[0]), nn.SiLU(), nn.Conv2d(widths[0], config.channels, 3, padding=1))

    @property
    def stride(self) -> int:
        """Ratio of the input's resolution to the coarsest one's."""
        return int(2 ** len(self.config.widths))

    def forward(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels height width"]:
        """Descriptors of every pixel."""
        height, width = image.shape[-2:]
        pad = (0, -width % self.stride, 0, -height % self.stride)
        # Channels last: the layout in which convolutions on a CPU, and in half precision on a GPU, are fastest.
        padded = functional.pad(image - 0.5, pad, mode="replicate").contiguous(memory_format=torch.channels_last)
        x = self.stem(padded)
        skips: list[Tensor] = []
        for blocks, shrink in zip(self.down, self.shrink, strict=True):
            for block in _each(blocks):
                x = block(x)
                skips.append(x)
            x = shrink(functional.avg_pool2d(x, 2))
        x = self.middle(x)
        for grow, blocks, finish in zip(*(reversed(_each(part)) for part in (self.grow, self.up, self.finish)), strict=True):
            x = functional.interpolate(grow(x), scale_factor=2.0, mode="nearest")
            for block in _each(blocks):
                x = block(x, skips.pop())
            x = finish(x)
        out: Tensor = self.head(x)[..., :height, :width]
        return out


class GroupNorm(nn.GroupNorm):
    """Group norm (Wu and He, 2018) whose input is centred first, which changes nothing but its rounding.

    On a CPU torch computes the variance of channels-last images as a difference of large numbers: descriptors of rooms were off by a fifth
    of their spread, and differed between batch sizes. About a mean of zero there is nothing large to subtract.
    """

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels height width"]:
        """Group norm of the centred input. No gradient flows through the shift: the norm does not depend on it."""
        batch, channels = x.shape[:2]
        means = x.detach().mean(dim=(2, 3)).view(batch, self.num_groups, -1)
        shift = means.mean(dim=2, keepdim=True).expand_as(means).reshape(batch, channels, 1, 1)
        return super().forward(x - shift)


def _norm(channels: int) -> nn.GroupNorm:
    return GroupNorm(1, channels)


def _zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _blocks(channels: int, count: int, dropout: float, *, joins: bool = False) -> nn.ModuleList:
    return nn.ModuleList(ResidualBlock(channels, dropout, joins=joins) for _ in range(count))


def _each(modules: nn.Module) -> list[Any]:
    return list(modules.children())


def parameter_count(module: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
