"""Self-test of a scene's ground truth: the same measures at generation, from triangles, and later, from files alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from .cameras import Camera
from .correspondence import GRAZING_COSINE, PairTruth, Status, View, cast
from .pixels import nearest_pixel_index, pixel_centre
from .rays import RayCaster
from .selftest_result import CYCLE_LIMIT_PX, SHIFT_PX, SelfTest

EDGE_PX = 1e-4
"""Distance from an edge, in pixels, within which the stored map, with errors up to 5e-5 px, does not decide on which side a ray passes."""

DEPTH_TEST_TOLERANCE = 0.01
FLAT_LEVELS = 1.5
SAMPLE = 1500
"""At generation, at most about this many visible pixels of a pair are followed; `pixbench verify` follows all of them."""

FlatColor = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""sRGB in [0, 1], (points, 3), of points given by triangle and barycentric weights, under flat light."""


@dataclass(frozen=True, eq=False)
class StoredPair:
    """An ordered pair as read from files: both views' arrays (depth and points in metres, rgb uint8, unit normals, ids of triangles), the
    map `uv_b` in pixels recomputed from depth, and the stored status.
    """

    camera_a: Camera
    camera_b: Camera
    depth_b: Float[np.ndarray, "height width"]
    normal_a: Float[np.ndarray, "height width 3"]
    normal_b: Float[np.ndarray, "height width 3"]
    triangle_a: Int[np.ndarray, "height width"]
    triangle_b: Int[np.ndarray, "height width"]
    rgb_a: UInt8[np.ndarray, "height width 3"]
    rgb_b: UInt8[np.ndarray, "height width 3"]
    points_a: Float[np.ndarray, "height width 3"]
    uv_b: Float[np.ndarray, "height width 2"]
    status: UInt8[np.ndarray, "height width"]

    @property
    def visible(self) -> Bool[np.ndarray, "height width"]:
        """Pixels of a that b sees."""
        return self.status == Status.VISIBLE

    def target_pixel(self, uv: Float[np.ndarray, "*batch 2"]) -> Int[np.ndarray, "*batch 2"]:
        """(column, row) of the pixel of b at uv."""
        return nearest_pixel_index(uv, self.camera_b.width, self.camera_b.height)


Pixels = tuple[Int[np.ndarray, "_"], Int[np.ndarray, "_"]]
"""Rows and columns of pixels, as indices into an image."""

LANDED = np.isin(np.arange(len(Status)), (Status.VISIBLE, Status.OCCLUDED, Status.AMBIGUOUS))
"""Whether a pixel of each status has its point inside the target's frame."""


def near_grazing(
    normal: Float[np.ndarray, "points 3"], point: Float[np.ndarray, "points 3"], camera: Camera
) -> Bool[np.ndarray, " points"]:
    """Surfaces seen at less than three times the grazing cosine, where a small error in depth moves a point a long way."""
    ray = point - camera.centre
    return np.abs(np.einsum("ij,ij->i", normal, ray)) < 3 * GRAZING_COSINE * np.linalg.norm(ray, axis=1)


def stored_depth_at(pair: StoredPair, uv: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, " points"]:
    """z-depth of view b at sub-pixel uv: on the stored plane (depth and normal) of the pixel that covers it."""
    column, row = pair.target_pixel(uv).T
    anchors = pair.camera_b.unproject(pixel_centre(column, row), pair.depth_b[row, column])
    normal = pair.normal_b[row, column].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        z: np.ndarray = np.einsum("ij,ij->i", anchors - pair.camera_b.centre, normal) / np.einsum(
            "ij,ij->i", pair.camera_b.rays(uv), normal
        )
    return z


def measure_exact(
    pair: StoredPair, truth: PairTruth, a: View, caster: RayCaster, corners: Float[np.ndarray, "triangles 3 3"], flat: FlatColor
) -> SelfTest:
    """Self-test at generation: the reader's map against the exact one, and the cycle a -> b -> a through a ray cast from b.

    About SAMPLE pixels of each kind are measured; the counts of the result refer to those.
    """
    framed = _pixels(LANDED[truth.status], SAMPLE)
    map_error = np.linalg.norm(pair.uv_b[framed].astype(np.float64) - truth.uv_b[framed], axis=1)
    at = _pixels(pair.visible, SAMPLE)
    uv = pair.uv_b[at].astype(np.float64)
    hits, rays = cast(caster, corners, pair.camera_b, uv)
    returned = pair.camera_b.centre + hits.t[:, None] * rays
    _recast_at_edges(returned, uv, pair, at, caster, corners)
    test = _measure(pair, returned, at, at, _pixels(pair.status == Status.OCCLUDED, SAMPLE))
    found = hits.triangle >= 0
    seen_a, seen_b = flat(a.triangle[at][found], a.barycentric[at][found]), flat(hits.triangle[found], hits.barycentric[found])
    differ = np.abs(seen_a - seen_b).max(axis=1) * 255 > FLAT_LEVELS
    test.flat_points, test.flat_differ = len(found), int(differ.sum() + (~found).sum())
    return _with_map_error(test, map_error)


def _recast_at_edges(
    returned: Float[np.ndarray, "points 3"],
    uv: Float[np.ndarray, "points 2"],
    pair: StoredPair,
    at: Pixels,
    caster: RayCaster,
    corners: Float[np.ndarray, "triangles 3 3"],
) -> None:
    """Replace, in place, the points of cycles that miss only because their ray passes an edge within the precision of the map.

    The map is stored in float32: such a ray may fall on either side of the edge. It is cast again in four directions, EDGE_PX further.
    """
    missed = np.flatnonzero((_cycle(pair, returned, at) > CYCLE_LIMIT_PX) & ~_grazing(pair, at))
    for shift in EDGE_PX * np.array([(1, 0), (-1, 0), (0, 1), (0, -1)]):
        if not len(missed):
            return
        hits, rays = cast(caster, corners, pair.camera_b, uv[missed] + shift)
        again = pair.camera_b.centre + hits.t[:, None] * rays
        within = _cycle(pair, again, (at[0][missed], at[1][missed])) <= CYCLE_LIMIT_PX
        returned[missed[within]] = again[within]
        missed = missed[~within]


def _cycle(pair: StoredPair, returned: Float[np.ndarray, "points 3"], at: Pixels) -> Float[np.ndarray, " points"]:
    """Distance in pixels of a between the centres of its pixels `at` and the points that came back."""
    back, _ = pair.camera_a.project(returned)
    return np.nan_to_num(np.linalg.norm(back - pixel_centre(at[1], at[0]), axis=1), nan=np.inf)


def _grazing(pair: StoredPair, at: Pixels) -> Bool[np.ndarray, " points"]:
    points, normal = pair.points_a[at], pair.normal_a[at].astype(np.float64)
    return near_grazing(normal, points, pair.camera_a) | near_grazing(normal, points, pair.camera_b)


def _pixels(mask: Bool[np.ndarray, "height width"], most: int | None = None) -> Pixels:
    """The pixels that are set, subsampled evenly to about `most`."""
    at = np.flatnonzero(mask)
    rows, columns = np.divmod(at[:: max(len(at) // most, 1)] if most else at, mask.shape[1])
    return rows, columns


def measure_files(pair: StoredPair, control_pixel: Int[np.ndarray, "controls 2"], control_uv: Float[np.ndarray, "controls 2"]) -> SelfTest:
    """Self-test from files alone: the reader's map against the stored exact points, and the cycle through b's own stored planes.

    The way back takes the plane (depth and normal) of the pixel of b on which a point falls, where both see the same triangle.
    """
    column, row = pair.target_pixel(pair.uv_b).transpose(2, 0, 1)
    same = _pixels(pair.visible & (pair.triangle_b[row, column] == pair.triangle_a))
    uv = pair.uv_b[same].astype(np.float64)
    z = stored_depth_at(pair, uv)
    rays = pair.camera_b.rays(uv)
    test = _measure(pair, pair.camera_b.centre + z[:, None] * rays, same, _pixels(pair.visible), _pixels(pair.status == Status.OCCLUDED))
    # A pair without overlap has no exact matches to store; its controls are NaN.
    stored = np.isfinite(control_uv).all(axis=1)
    error = np.linalg.norm(pair.uv_b[control_pixel[stored, 1], control_pixel[stored, 0]] - control_uv[stored], axis=1)
    return _with_map_error(test, error)


def _with_map_error(test: SelfTest, error_px: Float[np.ndarray, " points"]) -> SelfTest:
    """The self-test with the map's error; a missing position counts as an infinite error."""
    error = np.nan_to_num(error_px, nan=np.inf)
    test.map_pixels, test.map_max_px = len(error), float(error.max(initial=0.0))
    test.map_median_px = float(np.median(error)) if len(error) else 0.0
    return test


def _measure(
    pair: StoredPair,
    returned: Float[np.ndarray, "points 3"],
    at: Pixels,
    visible: Pixels,
    occluded: Pixels,
) -> SelfTest:
    """The measures that both tests share: cycle of the `returned` points of the pixels `at`, depth test, photometric agreement."""
    cycle, grazing = _cycle(pair, returned, at), _grazing(pair, at)
    over = cycle > CYCLE_LIMIT_PX
    expected = pair.camera_b.project(pair.points_a[visible])[1]
    hidden = ~(expected <= stored_depth_at(pair, pair.uv_b[visible].astype(np.float64)) * (1 + DEPTH_TEST_TOLERANCE))
    correlation, shifted = _correlations(pair)
    return SelfTest(
        pairs=1,
        pixels=pair.status.size,
        visible=len(visible[0]),
        cycle_pixels=len(cycle),
        cycle_max_px=float(cycle.max(initial=0.0)),
        cycle_over=int(over.sum()),
        cycle_over_grazing=int((over & grazing).sum()),
        depth_disagree=int(hidden.sum()),
        occluded=len(occluded[0]),
        doubtful=_doubtful(pair, occluded),
        photometric_correlation=correlation,
        photometric_shifted=shifted,
    )


def _doubtful(pair: StoredPair, hidden: Pixels) -> int:
    """Number of pixels called occluded although b's own pixel shows their triangle, from its front, at their depth within 0.1 %."""
    points, uv = pair.points_a[hidden], pair.uv_b[hidden].astype(np.float64)
    column, row = pair.target_pixel(uv).T
    expected = pair.camera_b.project(points)[1]
    facing = np.einsum("ij,ij->i", pair.normal_a[hidden].astype(np.float64), points - pair.camera_b.centre) < 0
    same = facing & (pair.triangle_b[row, column] == pair.triangle_a[hidden])
    return int((np.abs(stored_depth_at(pair, uv)[same] / expected[same] - 1) < 1e-3).sum())


def _correlations(pair: StoredPair) -> tuple[float, float]:
    """Correlation of brightness between a's visible pixels and b where the map says, and the best of four maps moved by SHIFT_PX."""
    at = _pixels(pair.visible, SAMPLE)
    uv = pair.uv_b[at].astype(np.float64)
    ways = np.array([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]) * SHIFT_PX
    column, row = pair.target_pixel(uv[None] + ways[:, None]).transpose(2, 0, 1)
    x, ys = pair.rgb_a[at] @ np.ones(3), pair.rgb_b[row, column] @ np.ones(3)
    first, *moved = (_pearson(x, y) for y in ys)
    return first, max(moved)


def _pearson(x: Float[np.ndarray, " points"], y: Float[np.ndarray, " points"]) -> float:
    """Pearson's correlation; 0 without contrast."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    x, y = x - x.mean(), y - y.mean()
    return float((x @ y) / np.sqrt((x @ x) * (y @ y)))
