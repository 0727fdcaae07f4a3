"""Collision tests of meshes: two triangles intersect where an edge of one crosses the other, which a ray caster finds."""

import numpy as np
from jaxtyping import Float

from pixbench.geometry.cameras import inverse_rigid, transform_points
from pixbench.geometry.rays import RayCaster

from .scene_cache import CachedAsset, CachedRoom

Segments = Float[np.ndarray, "segments 2 3"]
Bounds = Float[np.ndarray, "2 3"]


def box_of(bounds: Bounds, T: Float[np.ndarray, "4 4"]) -> Bounds:
    """Lowest and highest corner of the axis-aligned bounding box of a box transformed by T."""
    centre, half = transform_points(T, bounds.mean(axis=0)), np.abs(T[:3, :3]) @ (bounds[1] - bounds[0]) / 2
    return np.stack([centre - half, centre + half])


def boxes_overlap(first: Bounds, T_first: Float[np.ndarray, "4 4"], second: Bounds, T_second: Float[np.ndarray, "4 4"]) -> bool:
    """Whether two boxes with rotations about z overlap, by the separating axis theorem (Gottschalk et al., 1996)."""
    a, b = box_of(first, T_first), box_of(second, T_second)
    if (a[0] > b[1]).any() or (b[0] > a[1]).any():
        return False
    corners = [transform_points(T, _base(bounds))[:, :2] for bounds, T in ((first, T_first), (second, T_second))]
    for axis in (*T_first[:2, :2].T, *T_second[:2, :2].T):
        one, other = (points @ axis for points in corners)
        if one.max() < other.min() or other.max() < one.min():
            return False
    return True


def _base(bounds: Bounds) -> Float[np.ndarray, "4 3"]:
    (x0, y0, z0), (x1, y1, _) = bounds
    return np.array([[x0, y0, z0], [x1, y0, z0], [x1, y1, z0], [x0, y1, z0]])


def meets_object(first: CachedAsset, T_first: Float[np.ndarray, "4 4"], second: CachedAsset, T_second: Float[np.ndarray, "4 4"]) -> bool:
    """Whether two placed objects intersect."""
    T = inverse_rigid(T_second) @ T_first
    return _crossed(second.caster, first.edges, T, second.bounds) or _crossed(first.caster, second.edges, inverse_rigid(T), first.bounds)


def meets_room(shape: CachedAsset, T: Float[np.ndarray, "4 4"], room: CachedRoom) -> bool:
    """Whether a placed object intersects the room."""
    if _crossed(room.caster, shape.edges, T, None):
        return True
    near = room.near(box_of(shape.bounds, T))
    edges = near[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2, 3)
    return _crossed(shape.caster, edges, inverse_rigid(T), shape.bounds)


def _crossed(caster: RayCaster, edges: Segments, T_caster_edges: Float[np.ndarray, "4 4"], bounds: Bounds | None) -> bool:
    """Whether an edge crosses a triangle of the caster, whose bounding box is `bounds`. A subset, tested first, finds most collisions."""
    T = T_caster_edges.astype(np.float32)
    some = edges[:: max(len(edges) // 500, 1)]
    for part in (some, edges) if len(some) < len(edges) else (edges,):
        start, along = transform_points(T, part[:, 0]), (part[:, 1] - part[:, 0]) @ T[:3, :3].T
        if bounds is not None:
            end = start + along
            near = (np.minimum(start, end) <= bounds[1]).all(axis=1) & (np.maximum(start, end) >= bounds[0]).all(axis=1)
            start, along = start[near], along[near]
        if len(start) and caster.occluded(start, along, np.ones(len(start), np.float32)).any():
            return True
    return False
