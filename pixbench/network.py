"""The descriptor network: a U-Net that gives every pixel a raw, unnormalised descriptor."""

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional


class UNetConfig(BaseModel):
    """Widths of the stages (each after the first at half the resolution), residual blocks per stage, descriptor channels D."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    widths: tuple[int, ...] = (8, 32, 64, 64)
    blocks: tuple[int, ...] = (1, 1, 1, 1)
    channels: int = Field(32, ge=1)
    attention: bool = True
    dropout: float = Field(0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _consistent(self) -> "UNetConfig":
        if len(self.widths) != len(self.blocks) or not self.widths:
            raise ValueError(f"widths {self.widths} and blocks {self.blocks} must have the same length, at least 1")
        if any(count < 1 for count in self.blocks):
            raise ValueError(f"blocks {self.blocks} must be at least 1 each")
        if any(width % 8 or width < 8 for width in self.widths):
            raise ValueError(f"widths {self.widths} must be multiples of 8 (group norm uses groups of 8 channels)")
        return self


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, each after group norm and SiLU, added to the input."""

    def __init__(self, inputs: int, outputs: int, dropout: float):
        super().__init__()
        self.body = nn.Sequential(
            nn.GroupNorm(inputs // 8, inputs),
            nn.SiLU(),
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.GroupNorm(outputs // 8, outputs),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Conv2d(outputs, outputs, 3, padding=1),
        )
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Float[Tensor, "batch inputs height width"]) -> Float[Tensor, "batch outputs height width"]:
        """The same resolution, `outputs` channels."""
        out: Tensor = self.body(x) + self.skip(x)
        return out


class Attention(nn.Module):
    """One head of self-attention over all positions, added to the input."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.GroupNorm(channels // 8, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels height width"]:
        """The same shape."""
        q, k, v = self.qkv(self.norm(x)).flatten(2).transpose(1, 2).chunk(3, dim=-1)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        out: Tensor = x + self.out(mixed.transpose(1, 2).reshape(x.shape))
        return out


class UNet(nn.Module):
    """(B, 3, H, W) images in [0, 1] to (B, D, H, W) descriptors; any H and W (padded to the stride and cropped back)."""

    def __init__(self, config: UNetConfig):
        super().__init__()
        self.config = config
        widths, dropout = config.widths, config.dropout
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            _stage(widths[max(level - 1, 0)], widths[level], config.blocks[level], dropout) for level in range(len(widths))
        )
        self.middle = Attention(widths[-1]) if config.attention else nn.Identity()
        self.up = nn.ModuleList(
            _stage(widths[level + 1] + widths[level], widths[level], config.blocks[level], dropout)
            for level in reversed(range(len(widths) - 1))
        )
        self.head = nn.Sequential(nn.GroupNorm(widths[0] // 8, widths[0]), nn.SiLU(), nn.Conv2d(widths[0], config.channels, 3, padding=1))

    @property
    def stride(self) -> int:
        """Ratio of the input's resolution to the coarsest one's."""
        return int(2 ** (len(self.config.widths) - 1))

    def forward(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels height width"]:
        """Descriptors of every pixel."""
        height, width = image.shape[-2:]
        pad = (0, -width % self.stride, 0, -height % self.stride)
        # Channels last: the layout in which convolutions on a CPU, and in half precision on a GPU, are fastest.
        padded = functional.pad(image - 0.5, pad, mode="replicate").contiguous(memory_format=torch.channels_last)
        x = self.stem(padded)
        skips: list[Tensor] = []
        for level, stage in enumerate(self.down):
            x = stage(functional.avg_pool2d(x, 2) if level else x)
            skips.append(x)
        x = self.middle(skips.pop())
        for stage in self.up:
            x = stage(torch.cat([functional.interpolate(x, scale_factor=2.0, mode="nearest"), skips.pop()], dim=1))
        out: Tensor = self.head(x)[..., :height, :width]
        return out


def _stage(inputs: int, outputs: int, blocks: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(inputs if block == 0 else outputs, outputs, dropout) for block in range(blocks)))


def parameter_count(module: nn.Module) -> int:
    """Number of trainable numbers."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
