"""Strata of queries: local change of scale and anisotropy between the views, and texture strength."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from ....geometry.cameras import Camera
from ....geometry.correspondence import EDGE_DEPTH
from ....geometry.pixels import nearest_pixel_index, pixel_centre

TEXTURE_PX = 9
"""Side of the square whose contrast is a query's texture strength."""

MATCHABLE_TEXTURE, MATCHABLE_SCALE, MATCHABLE_ANISOTROPY = 4.0, 2.0, 2.0
"""Bounds of matchable queries, which local appearance identifies: least texture strength, largest change of scale either way, largest
anisotropy.
"""


@dataclass(frozen=True, eq=False)
class Strata:
    """Strata of queries. `scale`: local magnification from image a to image b, the mean over both axes; `anisotropy`: ratio of the larger
    to the smaller stretch; `texture`: standard deviation of brightness (0 to 255) around the query in image a; `on_edge`: ambiguous pixels
    whose centre's true match the target shows.
    """

    scale: Float[np.ndarray, " queries"]
    anisotropy: Float[np.ndarray, " queries"]
    texture: Float[np.ndarray, " queries"]
    on_edge: Bool[np.ndarray, " queries"]

    @property
    def matchable(self) -> Bool[np.ndarray, " queries"]:
        """Queries within the bounds of texture, scale and anisotropy."""
        change = np.maximum(self.scale, 1 / self.scale)
        return (self.texture >= MATCHABLE_TEXTURE) & (change <= MATCHABLE_SCALE) & (self.anisotropy <= MATCHABLE_ANISOTROPY)

    def near_bounds(self) -> Bool[np.ndarray, " queries"]:
        """Queries so near to a bound of `BINS` that rounding on another processor may move them to the other side."""
        near = np.zeros(len(self.scale), bool)
        for name, edges in BINS.items():
            inner = np.array([edge for edge in edges if 0 < edge < np.inf])
            near |= (np.abs(getattr(self, name)[:, None] / inner - 1) <= NEAR[name]).any(axis=1)
        return near


@dataclass(frozen=True, eq=False)
class Queries:
    """The query pixels (column, row) of a pair, in reading order, and their strata."""

    pixel: Int[np.ndarray, "queries 2"]
    strata: Strata

    def place(self, values: Float[np.ndarray, " queries"] | Bool[np.ndarray, " queries"], width: int, height: int) -> np.ndarray:
        """Values of the queries as an image; NaN or False at other pixels."""
        image = np.zeros((height, width), bool) if values.dtype == bool else np.full((height, width), np.nan)
        image[self.pixel[:, 1], self.pixel[:, 0]] = values
        return image


BINS: Mapping[str, tuple[float, ...]] = {
    "scale": (0.0, 0.5, 0.8, 1.25, 2.0, np.inf),
    "anisotropy": (1.0, 1.3, 2.0, 4.0, np.inf),
    "texture": (0.0, 2.0, 4.0, 8.0, 16.0, np.inf),
}
"""Edges of the half-open bins of each stratum, by which scores are split."""

NEAR: Mapping[str, float] = {"scale": 1e-4, "anisotropy": 1e-4, "texture": 1e-2}
"""Relative differences between two processors' copies of a set: of the geometry, in floats, and of the brightness, which is rounded."""


@dataclass(frozen=True, eq=False)
class Surface:
    """Surface of a view at some pixels or positions: world points in metres, and unit normals."""

    point: Float[np.ndarray, "points 3"]
    normal: Float[np.ndarray, "points 3"]


def stretch(
    surface: Surface, uv_a: Float[np.ndarray, "points 2"], a: Camera, b: Camera
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """Scale and anisotropy of the map from view a to view b around positions of a: the singular values of its derivative.

    The derivative is that of the surface's tangent plane, in closed form.
    """
    ray, normal = a.rays(uv_a), surface.normal
    depth = np.einsum("ij,ij->i", surface.point - a.centre, normal) / np.einsum("ij,ij->i", ray, normal)
    sideways = a.pixel_to_world[:, :2].T
    tilt = np.einsum("aj,ij->ia", sideways, normal) / np.einsum("ij,ij->i", ray, normal)[:, None]
    moved = depth[:, None, None] * (sideways[None] - tilt[..., None] * ray[:, None, :])
    seen = (surface.point - b.centre) @ b.world_to_pixel.T
    change = moved @ b.world_to_pixel.T
    derivative = (change[..., :2] - change[..., 2:] * (seen[:, None, :2] / seen[:, None, 2:])) / seen[:, None, 2:]
    longest, shortest = np.linalg.svd(derivative, compute_uv=False).T
    return np.sqrt(longest * shortest), longest / np.maximum(shortest, 1e-9)


def texture_strength(rgb: UInt8[np.ndarray, "height width 3"]) -> Float[np.ndarray, "height width"]:
    """Standard deviation of the mean of the three channels in a square of TEXTURE_PX around each pixel; the border is mirrored."""
    from scipy.ndimage import uniform_filter

    brightness = rgb.mean(axis=2)
    mean, square = (uniform_filter(each, TEXTURE_PX, mode="mirror") for each in (brightness, brightness**2))
    return np.sqrt(np.maximum(square - mean**2, 0.0))


def shown(
    point: Float[np.ndarray, "points 3"],
    b: Camera,
    depth_b: Float[np.ndarray, "height width"],
    normal_b: Float[np.ndarray, "height width 3"],
) -> Bool[np.ndarray, " points"]:
    """Whether points inside the frame of view b are visible there: they lie within EDGE_DEPTH of the plane that b's pixel sees.

    A point whose pixel also contains the edge of another surface counts as not shown.
    """
    uv, depth = b.project(point)
    column, row = nearest_pixel_index(uv, b.width, b.height).T
    anchor = b.unproject(pixel_centre(column, row), depth_b[row, column]) - b.centre
    normal = normal_b[row, column].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.einsum("ij,ij->i", anchor, normal) / np.einsum("ij,ij->i", b.rays(uv), normal)
        return np.abs(expected / depth - 1) <= EDGE_DEPTH


def surface_at(
    camera: Camera,
    depth_m: Float[np.ndarray, "height width"],
    normal: Float[np.ndarray, "height width 3"],
    pixel: Int[np.ndarray, "points 2"],
) -> Surface:
    """The surface of a view at its pixels (column, row)."""
    column, row = pixel.T
    return Surface(camera.unproject(pixel_centre(column, row), depth_m[row, column]), normal[row, column].astype(np.float64))
