"""Photometric transformations of the two views (kornia): colour jitter, blur, grey. Blurs are symmetric, so that nothing moves."""

import warnings
from collections.abc import Mapping
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

Kind = Literal["3d", "2d"]

SHARED = ("order", "idx", "forward_input_shape")
"""Parameters that kornia draws once for a batch; all others it draws for each image."""


def photometric(strength: float, kind: Kind = "3d") -> nn.Module:
    """A module that augments each image of a (B, 3, H, W) batch in [0, 1] independently; strength 0 changes nothing.

    `3d` is the augmentation of the method's code for rendered views; `2d` that of its paper for warped pictures: brightness, saturation,
    hue and motion blur.
    """
    if strength == 0:
        return nn.Identity()
    with warnings.catch_warnings():
        # kornia warns about its own optional parts when it is imported.
        warnings.simplefilter("ignore")
        from kornia import augmentation
    parts = _rendered(augmentation, strength) if kind == "3d" else _warped(augmentation, strength)
    return augmentation.AugmentationSequential(*parts, data_keys=["input"])


def _rendered(augmentation: Any, strength: float) -> list[Any]:
    return [
        augmentation.ColorJiggle(0.3 * strength, 0.2 * strength, 0.3 * strength, min(0.1 * strength, 0.5), p=0.9),
        augmentation.RandomGaussianBlur((5, 5), (0.3, 1.2), p=0.1 * strength),
        augmentation.RandomGrayscale(p=0.05 * strength),
    ]


def _warped(augmentation: Any, strength: float) -> list[Any]:
    return [
        augmentation.ColorJiggle(0.3 * strength, 0.0, 0.3 * strength, min(0.15 * strength, 0.5), p=0.9),
        # A direction other than 0 weights one side of the kernel more, which moves the image by up to half a pixel.
        augmentation.RandomMotionBlur(3, 180.0, 0.0, p=0.2 * strength),
    ]


def augmented_share(
    augment: nn.Module, images: Float[Tensor, "share 3 height width"], rows: Int[Tensor, " share"], total: int
) -> Float[Tensor, "share 3 height width"]:
    """Augment images that are `rows` of a batch of `total`, with the parameters that they would get in the whole batch."""
    if isinstance(augment, nn.Identity):
        return images
    drawn = augment.forward_parameters(torch.Size((total, *images.shape[1:])))  # type: ignore[operator]
    augmented: Tensor = augment(images, params=[each._replace(data=_of_rows(each.data, rows)) for each in drawn])
    return augmented


def _of_rows(drawn: Mapping[str, Tensor], rows: Int[Tensor, " share"]) -> dict[str, Tensor]:
    applied = drawn["batch_prob"] > 0.5
    # Some versions of kornia draw only for the images that an operation changes.
    rows_by_length = {len(applied): rows, int(applied.sum()): (applied.cumsum(0) - 1)[rows[applied[rows]]]}
    return {name: value if name in SHARED else value[rows_by_length[len(value)]] for name, value in drawn.items()}
