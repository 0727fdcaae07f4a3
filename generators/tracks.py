"""Surface points that are followed through all views of a scene."""

from itertools import product

import numpy as np
from jaxtyping import Bool, Float, Int

from pixbench.geometry.correspondence import View, point_status
from pixbench.geometry.instances import FIRST_OBJECT
from pixbench.geometry.rays import RayCaster

from .scene_arrays import TrackArrays


def track_points(
    views: list[View],
    caster: RayCaster,
    corners: Float[np.ndarray, "triangles 3 3"],
    instance_of_triangle: Int[np.ndarray, " triangles"],
    count: int,
    *,
    rng: np.random.Generator,
) -> TrackArrays:
    """Position and status in every view of at most `count` surface points, half of them on objects where possible.

    Each point is what some view sees at the centre of a pixel that is not ambiguous. `corners` are in metres.
    """
    clear = [np.flatnonzero((view.triangle >= 0) & ~view.ambiguous) for view in views]
    owner = np.repeat(np.arange(len(views)), [len(pixels) for pixels in clear])
    pixel = np.concatenate(clear)
    instance = np.concatenate([instance_of_triangle[view.triangle.reshape(-1)[pixels]] for view, pixels in zip(views, clear, strict=True)])
    chosen = _balanced(instance >= FIRST_OBJECT, count, rng=rng)

    def picked(field: str, *shape: int) -> np.ndarray:
        values = [getattr(views[owner[k]], field).reshape(-1, *shape)[pixel[k]] for k in chosen]
        return np.array(values).reshape(len(chosen), *shape)

    point, normal, triangle = picked("point", 3), picked("normal", 3), picked("triangle").astype(np.int32)
    uv, status = np.empty((len(point), len(views), 2)), np.empty((len(point), len(views)), np.uint8)
    for source, view in product(np.unique(owner[chosen]), range(len(views))):
        from_source = owner[chosen] == source
        uv[from_source, view], status[from_source, view] = point_status(
            caster, corners, point[from_source], normal[from_source], triangle[from_source], views[source].camera, views[view]
        )
    return TrackArrays(
        track_point=point,
        track_instance=instance[chosen].astype(np.uint16),
        track_uv=uv,
        track_status=status,
    )


def _balanced(on_object: Bool[np.ndarray, " points"], count: int, *, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Sorted indices of at most `count` random points, half of them with `on_object` where there are enough of both."""
    objects, room = np.flatnonzero(on_object), np.flatnonzero(~on_object)
    wanted = min(count // 2, len(objects)) if len(room) >= count - count // 2 else count - len(room)
    parts = [rng.choice(pool, size=min(size, len(pool)), replace=False) for pool, size in ((objects, wanted), (room, count - wanted))]
    return np.sort(np.concatenate(parts))
