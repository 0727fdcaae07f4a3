"""Bounding boxes of objects in views: of the visible pixels, and of the whole object (amodal)."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, UInt16

from pixbench.geometry.cameras import Camera, inverse_rigid
from pixbench.geometry.instances import FIRST_OBJECT
from pixbench.geometry.pixels import pixel_corners
from pixbench.jit import kernel

from .scene import Placed

NEAR_M = 0.01


def visible_boxes(instance: UInt16[np.ndarray, "views height width"], objects: int) -> Float[np.ndarray, "objects views 4"]:
    """Bounding box (left, top, right, bottom) in pixels of each object's visible pixels in each view; NaN where there are none."""
    views, height, width = instance.shape
    edges = pixel_corners(width, height)
    boxes = np.full((objects, views, 4), np.nan, np.float32)
    for view in range(views):
        for index in np.unique(instance[view][instance[view] >= FIRST_OBJECT]):
            rows, columns = np.nonzero(instance[view] == index)
            low, high = edges[rows.min(), columns.min()], edges[rows.max() + 1, columns.max() + 1]
            boxes[int(index) - FIRST_OBJECT, view] = [*low, *high]
    return boxes


def amodal_boxes(objects: tuple[Placed, ...], cameras: tuple[Camera, ...]) -> Float[np.ndarray, "objects views 4"]:
    """Bounding box (left, top, right, bottom) in pixels of each whole object, ignoring occlusion and not clipped to the image.

    NaN where a part of the object lies behind the camera.
    """
    boxes = np.full((len(objects), len(cameras), 4), np.nan, np.float32)
    for index, placed in enumerate(objects):
        vertices = np.asarray(placed.asset.mesh.vertices)
        for view, camera in enumerate(cameras):
            _amodal_box(camera.K, inverse_rigid(camera.T_world_cam) @ placed.T_world_obj, vertices, boxes[index, view])
    return boxes


@kernel
@no_type_check
def _amodal_box(K, T, vertices, box):
    left, top, right, bottom = np.inf, np.inf, -np.inf, -np.inf
    for i in range(len(vertices)):
        x, y, z = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        depth = T[2, 0] * x + T[2, 1] * y + T[2, 2] * z + T[2, 3]
        if depth <= NEAR_M:
            return
        a = (T[0, 0] * x + T[0, 1] * y + T[0, 2] * z + T[0, 3]) / depth
        b = (T[1, 0] * x + T[1, 1] * y + T[1, 2] * z + T[1, 3]) / depth
        u, v = K[0, 0] * a + K[0, 1] * b + K[0, 2], K[1, 1] * b + K[1, 2]
        left, top, right, bottom = min(left, u), min(top, v), max(right, u), max(bottom, v)
    box[0], box[1], box[2], box[3] = left, top, right, bottom
