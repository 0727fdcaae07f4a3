"""Matches between two pictures, and their table."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from ..geometry.pixels import resize_uv
from ..io.files import write_whole

Size = tuple[int, int]
"""Width and height."""


@dataclass(frozen=True, eq=False)
class ImageMatches:
    """Matches between two pictures, in pixels of the pictures as they are: the first pixel's centre is (0.5, 0.5).

    `uv_a`, `uv_b`: where each match lies. `distance` of the descriptors in the model's norm; `ratio` of it to the best rival's more
    than 5 px away; `cycle_px`: how far from `uv_a` the answer is matched back to. A matcher of points gives NaN for these three.
    `inliers` and `matrix`, where a geometry was asked for: the matches that agree with H (carries uv_a to uv_b), E or F, and the matrix,
    None where none was found.
    `focal_px`: the focal lengths that E was computed with, and `focal_source` where they are from.
    """

    uv_a: Float[np.ndarray, "matches 2"]
    uv_b: Float[np.ndarray, "matches 2"]
    distance: Float[np.ndarray, " matches"]
    ratio: Float[np.ndarray, " matches"]
    cycle_px: Float[np.ndarray, " matches"]
    inliers: Bool[np.ndarray, " matches"] | None = None
    matrix: Float[np.ndarray, "3 3"] | None = None
    focal_px: tuple[float, float] | None = None
    focal_source: str = ""

    def __len__(self) -> int:
        return len(self.uv_a)

    def kept(self, cycle_px: float, ratio: float) -> "ImageMatches":
        """The matches with at most this cycle error, in pixels, and at most this ratio."""
        # A value that the model does not provide (NaN) excludes nothing.
        keep = ~(self.cycle_px > cycle_px) & ~(self.ratio > ratio) & np.isfinite(self.uv_b).all(axis=1)
        return ImageMatches(self.uv_a[keep], self.uv_b[keep], self.distance[keep], self.ratio[keep], self.cycle_px[keep])

    def resized(self, from_a: Size, to_a: Size, from_b: Size, to_b: Size) -> "ImageMatches":
        """The same matches when image a and b are resized as wholes."""
        scale = max(to_a) / max(from_a)
        uv_a, uv_b = resize_uv(self.uv_a, from_a, to_a), resize_uv(self.uv_b, from_b, to_b)
        return replace(self, uv_a=uv_a, uv_b=uv_b, cycle_px=self.cycle_px * scale)


def write_csv(found: ImageMatches, path: Path) -> None:
    """One line per match, in pixels of the original pictures; `inlier` (1 or 0) where a geometry was asked for. Unknown is empty."""
    columns = {
        "u_a": found.uv_a[:, 0],
        "v_a": found.uv_a[:, 1],
        "u_b": found.uv_b[:, 0],
        "v_b": found.uv_b[:, 1],
        "distance": found.distance,
        "ratio": found.ratio,
        "cycle_error": found.cycle_px,
    }
    if found.inliers is not None:
        columns["inlier"] = found.inliers.astype(float)
    rows = np.stack(list(columns.values()), axis=1)
    lines = [",".join("" if np.isnan(value) else f"{value:.7g}" for value in row) for row in rows]
    write_whole(path, "\n".join([",".join(columns), *lines]) + "\n")
