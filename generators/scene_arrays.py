"""Turns a made scene into the arrays of the shard's schema."""

import numpy as np
from jaxtyping import Float

from pixbench.dataset.schema import text_array
from pixbench.geometry.correspondence import PairTruth, Status, View
from pixbench.geometry.selftest import LANDED

from .boxes import amodal_boxes, visible_boxes
from .scene import Geometry, Light, Scene, ViewLook

CONTROL_POINTS = 64

Arrays = dict[str, np.ndarray]


def view_arrays(scene: Scene, geometry: Geometry, views: list[View], rgb: np.ndarray, categories: tuple[str, ...]) -> Arrays:
    """What each view shows. Semantic classes are none, the object categories, then the room's parts."""
    triangle = np.stack([view.triangle for view in views])
    hit, safe = triangle >= 0, np.maximum(triangle, 0)
    names = ["none", *categories, *scene.room.part_names]
    of_instance = np.array([0, 0] + [1 + categories.index(placed.asset.category) for placed in scene.objects])
    instance = np.where(hit, geometry.instance[safe], 0)
    semantic = np.where(instance == 1, 1 + len(categories) + geometry.part[safe], of_instance[instance])
    return {
        "rgb": rgb,
        "depth_m": np.stack([view.depth_m for view in views]).astype(np.float32),
        "normal_world": np.stack([view.normal for view in views]).astype(np.float16),
        "instance": instance.astype(np.uint16),
        "semantic": semantic.astype(np.uint16),
        "triangle": triangle.astype(np.int32),
        "K": np.stack([camera.K for camera in scene.cameras]),
        "T_world_cam": np.stack([camera.T_world_cam for camera in scene.cameras]),
        "semantic_names": text_array("semantic_names", names),
    }


def pair_arrays(pairs: list[tuple[int, int]], truths: list[PairTruth], views: list[View], *, rng: np.random.Generator) -> Arrays:
    """What is stored of the truth of each ordered pair."""
    controls = [_controls(truth, rng=rng) for truth in truths]
    angles = [_parallax(views[a], views[b], truth) for (a, b), truth in zip(pairs, truths, strict=True)]
    return {
        "pairs": np.array(pairs, np.int32),
        "status": np.stack([truth.status for truth in truths]),
        "pair_overlap": np.array([np.mean(truth.status == Status.VISIBLE) for truth in truths], np.float32),
        "pair_angle_deg": np.array(angles, np.float32),
        "control_pixel": np.stack([pixel for pixel, _ in controls]).astype(np.int32),
        "control_uv": np.stack([uv for _, uv in controls]),
    }


def _parallax(a: View, b: View, truth: PairTruth) -> float:
    """Median angle in degrees at the points that both see, between the rays to the two cameras; NaN where there are none."""
    seen = np.flatnonzero(truth.status == Status.VISIBLE)
    if not len(seen):
        return float("nan")
    points = a.point.reshape(-1, 3)[seen[:: max(len(seen) // 1000, 1)]]
    first, second = (_unit(view.camera.centre - points) for view in (a, b))
    return float(np.degrees(np.median(np.arccos(np.clip(np.einsum("ij,ij->i", first, second), -1, 1)))))


def _unit(vectors: Float[np.ndarray, "vectors 3"]) -> Float[np.ndarray, "vectors 3"]:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _controls(truth: PairTruth, *, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random source pixels (column, row) that land in the target, with their exact uv; NaN where none does."""
    landed = np.flatnonzero(LANDED[truth.status])
    if not len(landed):
        return np.zeros((CONTROL_POINTS, 2), int), np.full((CONTROL_POINTS, 2), np.nan)
    row, column = np.divmod(landed[rng.integers(len(landed), size=CONTROL_POINTS)], truth.status.shape[1])
    return np.stack([column, row], axis=1), truth.uv_b[row, column]


def object_arrays(scene: Scene, instance: np.ndarray) -> Arrays:
    """The table of objects, and how each appears in each view."""
    objects = scene.objects
    seen = [np.bincount(view.ravel(), minlength=len(objects) + 2)[2:] for view in instance]
    return {
        "object_id": text_array("object_id", [placed.asset.id for placed in objects]),
        "object_category": text_array("object_category", [placed.asset.category for placed in objects]),
        "object_synset": text_array("object_synset", [placed.asset.synset for placed in objects]),
        "object_T_world_obj": np.stack([placed.T_world_obj for placed in objects]).astype(np.float64),
        "object_bounds_m": np.stack([placed.asset.mesh.bounds for placed in objects]),
        "object_support": np.array([placed.support for placed in objects], np.int32),
        "object_visible_pixels": np.stack(seen, axis=1).astype(np.int32),
        "object_box_visible": visible_boxes(instance, len(objects)),
        "object_box_amodal": amodal_boxes(objects, scene.cameras),
    }


def light_arrays(lights: tuple[Light, ...], looks: tuple[ViewLook, ...]) -> Arrays:
    """The table of lights, and how each view was lit and developed."""
    return {
        "light_kind": text_array("light_kind", [light.kind for light in lights]),
        "light_position_m": np.stack([light.position for light in lights]).astype(np.float64),
        "light_axes_m": np.stack([[light.u, light.v] for light in lights]).astype(np.float64),
        "light_radiance": np.stack([light.radiance for light in lights]).astype(np.float64),
        "light_gain": np.stack([look.light_gain for look in looks]).astype(np.float64),
        "exposure_ev": np.array([look.exposure_ev for look in looks], np.float64),
        "white_balance": np.stack([look.white_balance for look in looks]).astype(np.float64),
    }
