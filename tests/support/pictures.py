"""Pictures with texture everywhere, and pairs of them under a known homography."""

import numpy as np
import torch

from pixbench.image.homography import from_corners, warped


def textured(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Noise of many sizes, uint8 (height, width, 3): no two places look alike."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for cell in (4, 8, 16, 32, 64):
        coarse = torch.from_numpy(rng.normal(size=(1, 3, height // cell + 2, width // cell + 2)))
        fine = torch.nn.functional.interpolate(coarse, scale_factor=cell, mode="bilinear")[0, :, :height, :width]
        total += fine.numpy().transpose(1, 2, 0)
    return np.clip(128 + 30 * total, 0, 255).astype(np.uint8)


def view(picture: np.ndarray, H: np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture under H, uint8 (height, width, 3)."""
    seen = warped(torch.from_numpy(picture).permute(2, 0, 1).float(), H, width, height)
    return seen.permute(1, 2, 0).round().clamp(0, 255).byte().numpy()


def perspective(width: int, height: int) -> np.ndarray:
    """A homography that moves the corners of an image inwards and askew, by up to a tenth."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * [float(width), height]
    by = np.array([[0.06, 0.04], [-0.03, 0.07], [-0.08, -0.03], [0.05, -0.08]])
    return from_corners(corners, corners + by * [width, height])
