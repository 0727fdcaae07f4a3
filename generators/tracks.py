"""Points of the scene's surfaces followed through all of its views."""

import numpy as np
from jaxtyping import Float, Int

from pixbench.geometry.correspondence import View, point_status
from pixbench.geometry.rays import RayCaster


def follow(
    views: list[View],
    caster: RayCaster,
    corners: Float[np.ndarray, "triangles 3 3"],
    of_triangle: Int[np.ndarray, " triangles"],
    count: int,
    *,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """`count` points, each seen by some view's pixel, half of them on objects where possible, with their place and status in every view.

    `of_triangle` is the instance of each triangle.
    """
    clear = [np.flatnonzero((view.triangle >= 0) & ~view.ambiguous) for view in views]
    owner = np.repeat(np.arange(len(views)), [len(pixels) for pixels in clear])
    pixel = np.concatenate(clear)
    instance = np.concatenate([of_triangle[view.triangle.reshape(-1)[pixels]] for view, pixels in zip(views, clear, strict=True)])
    chosen = _balanced(instance >= 2, count, rng=rng)

    def picked(field: str, *shape: int) -> np.ndarray:
        values = [getattr(views[owner[k]], field).reshape(-1, *shape)[pixel[k]] for k in chosen]
        return np.array(values).reshape(len(chosen), *shape)

    point, normal, triangle = picked("point", 3), picked("normal", 3), picked("triangle").astype(np.int32)
    places = [point_status(caster, corners, point, normal, triangle, view) for view in views]
    return {
        "track_point": point,
        "track_instance": instance[chosen].astype(np.uint16),
        "track_uv": np.stack([uv for uv, _ in places], axis=1).reshape(len(point), len(views), 2),
        "track_status": np.stack([status for _, status in places], axis=1).reshape(len(point), len(views)).astype(np.uint8),
    }


def _balanced(on_object: np.ndarray, count: int, *, rng: np.random.Generator) -> np.ndarray:
    """Indices, half of them where `on_object` is true as far as there are enough."""
    objects, room = np.flatnonzero(on_object), np.flatnonzero(~on_object)
    wanted = min(count // 2, len(objects)) if len(room) >= count - count // 2 else count - len(room)
    parts = [rng.choice(pool, size=min(size, len(pool)), replace=False) for pool, size in ((objects, wanted), (room, count - wanted))]
    return np.sort(np.concatenate(parts))
