"""Annotations of a scene: segmentation, pairs, objects and lights, as the arrays that a shard stores."""

import numpy as np
from jaxtyping import Float, Int, UInt8, UInt16

from pixbench.dataset.schema import text_array
from pixbench.geometry.correspondence import PairTruth, Status, View
from pixbench.geometry.instances import FIRST_OBJECT, NO_INSTANCE, ROOM_INSTANCE
from pixbench.geometry.selftest import LANDED

from .boxes import amodal_boxes, visible_boxes
from .scene import Geometry, Light, Scene, ViewAppearance
from .scene_arrays import LightArrays, ObjectArrays, PairArrays, ViewArrays

CONTROL_POINTS = 64
"""Number of exact matches that are stored for each pair."""

MEDIAN_POINTS = 1000
"""The parallax of a pair is measured at about this many points."""

Labels = Int[np.ndarray, "views height width"]


def view_arrays(
    views: list[View], rgb: UInt8[np.ndarray, "views height width 3"], instance: Labels, semantic: Labels, names: list[str]
) -> ViewArrays:
    """The arrays of traced views, in metres and pixels as their fields say. `names` are the semantic classes that `semantic` indexes."""
    return ViewArrays(
        rgb=rgb,
        depth_m=np.stack([view.depth_m for view in views]).astype(np.float32),
        normal_world=np.stack([view.normal for view in views]).astype(np.float16),
        instance=instance.astype(np.uint16),
        semantic=semantic.astype(np.uint16),
        triangle=stacked_triangles(views).astype(np.int32),
        K=np.stack([view.camera.K for view in views]),
        T_world_cam=np.stack([view.camera.T_world_cam for view in views]),
        semantic_names=text_array("semantic_names", names),
    )


def stacked_triangles(views: list[View]) -> Labels:
    """The triangle at each pixel of each view, -1 where there is none."""
    return np.stack([view.triangle for view in views])


def segmentation(scene: Scene, geometry: Geometry, views: list[View], categories: tuple[str, ...]) -> tuple[Labels, Labels, list[str]]:
    """Instance and semantic class of each pixel, and the names of the classes: none, the object categories, then the room's parts."""
    triangle = stacked_triangles(views)
    hit, safe = triangle >= 0, np.maximum(triangle, 0)
    class_of_instance = np.array([0] * FIRST_OBJECT + [1 + categories.index(placed.asset.category) for placed in scene.objects])
    instance = np.where(hit, geometry.instance[safe], NO_INSTANCE)
    semantic = np.where(instance == ROOM_INSTANCE, 1 + len(categories) + geometry.part[safe], class_of_instance[instance])
    return instance, semantic, ["none", *categories, *scene.room.part_names]


def pair_arrays(pairs: list[tuple[int, int]], truths: list[PairTruth], views: list[View], *, rng: np.random.Generator) -> PairArrays:
    """The stored ground truth of each ordered pair of views: status, share of visible pixels, baseline angle in degrees, and exact matches
    in pixels.
    """
    controls = [_control_points(truth, rng=rng) for truth in truths]
    angles = [_parallax(views[a], views[b], truth) for (a, b), truth in zip(pairs, truths, strict=True)]
    return PairArrays(
        pairs=np.array(pairs, np.int32),
        status=np.stack([truth.status for truth in truths]),
        pair_overlap=np.array([np.mean(truth.status == Status.VISIBLE) for truth in truths], np.float32),
        pair_angle_deg=np.array(angles, np.float32),
        control_pixel=np.stack([pixel for pixel, _ in controls]).astype(np.int32),
        control_uv=np.stack([uv for _, uv in controls]),
    )


def _parallax(a: View, b: View, truth: PairTruth) -> float:
    """Median angle in degrees between the rays to the two cameras, at points that both see; NaN where there are none."""
    seen = np.flatnonzero(truth.status == Status.VISIBLE)
    if not len(seen):
        return float("nan")
    points = a.point.reshape(-1, 3)[seen[:: max(len(seen) // MEDIAN_POINTS, 1)]]
    first, second = (_unit(view.camera.centre - points) for view in (a, b))
    return float(np.degrees(np.median(np.arccos(np.clip(np.einsum("ij,ij->i", first, second), -1, 1)))))


def _unit(vectors: Float[np.ndarray, "vectors 3"]) -> Float[np.ndarray, "vectors 3"]:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _control_points(truth: PairTruth, *, rng: np.random.Generator) -> tuple[Int[np.ndarray, "controls 2"], Float[np.ndarray, "controls 2"]]:
    """Random source pixels (column, row) that project into the target, and their exact uv; NaN where no pixel does."""
    landed = np.flatnonzero(LANDED[truth.status])
    if not len(landed):
        return np.zeros((CONTROL_POINTS, 2), int), np.full((CONTROL_POINTS, 2), np.nan)
    row, column = np.divmod(landed[rng.integers(len(landed), size=CONTROL_POINTS)], truth.status.shape[1])
    return np.stack([column, row], axis=1), truth.uv_b[row, column]


def object_arrays(scene: Scene, instance: UInt16[np.ndarray, "views height width"]) -> ObjectArrays:
    """The objects of a scene, and how each appears in each view: poses and boxes in metres, boxes in views in pixels."""
    objects = scene.objects
    seen = [np.bincount(view.ravel(), minlength=len(objects) + FIRST_OBJECT)[FIRST_OBJECT:] for view in instance]
    return ObjectArrays(
        object_id=text_array("object_id", [placed.asset.id for placed in objects]),
        object_category=text_array("object_category", [placed.asset.category for placed in objects]),
        object_synset=text_array("object_synset", [placed.asset.synset for placed in objects]),
        object_T_world_obj=np.stack([placed.T_world_obj for placed in objects]).astype(np.float64),
        object_bounds_m=np.stack([placed.asset.mesh.bounds for placed in objects]),
        object_support=np.array([placed.support for placed in objects], np.int32),
        object_visible_pixels=np.stack(seen, axis=1).astype(np.int32),
        object_box_visible=visible_boxes(instance, len(objects)),
        object_box_amodal=amodal_boxes(objects, scene.cameras),
    )


def light_arrays(lights: tuple[Light, ...], appearances: tuple[ViewAppearance, ...]) -> LightArrays:
    """The lights of a scene, in metres and linear RGB, and the lighting, exposure (in stops) and white balance of each view."""
    return LightArrays(
        light_kind=text_array("light_kind", [light.kind for light in lights]),
        light_position_m=np.stack([light.position for light in lights]).astype(np.float64),
        light_axes_m=np.stack([[light.u, light.v] for light in lights]).astype(np.float64),
        light_radiance=np.stack([light.radiance for light in lights]).astype(np.float64),
        light_gain=np.stack([appearance.light_gain for appearance in appearances]).astype(np.float64),
        exposure_ev=np.array([appearance.exposure_ev for appearance in appearances], np.float64),
        white_balance=np.stack([appearance.white_balance for appearance in appearances]).astype(np.float64),
    )
