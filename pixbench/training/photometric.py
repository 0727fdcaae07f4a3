"""Photometric transformations of the two views (kornia): colour jitter, blur, grey. Geometry is untouched."""

import warnings

from torch import nn


def photometric(strength: float) -> nn.Module:
    """A module that changes each image of a (B, 3, H, W) batch in [0, 1] on its own; at strength 1 as the method's 3D code does."""
    if strength == 0:
        return nn.Identity()
    with warnings.catch_warnings():
        # kornia warns about its own optional parts when it is imported.
        warnings.simplefilter("ignore")
        from kornia import augmentation
    return augmentation.AugmentationSequential(
        augmentation.ColorJiggle(0.3 * strength, 0.2 * strength, 0.3 * strength, min(0.1 * strength, 0.5), p=0.9),
        augmentation.RandomGaussianBlur((5, 5), (0.3, 1.2), p=0.1 * strength),
        augmentation.RandomGrayscale(p=0.05 * strength),
        data_keys=["input"],
    )
