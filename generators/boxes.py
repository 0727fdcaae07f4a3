"""Boxes of objects in views: around what is seen, and around all of it."""

import numpy as np
from jaxtyping import Float, UInt16

from pixbench.geometry import Camera, pixel_corners, transform_points

from .scene import Placed

NEAR_M = 0.01


def visible_boxes(instance: UInt16[np.ndarray, "views height width"], objects: int) -> Float[np.ndarray, "objects views 4"]:
    """Left, top, right and bottom edge in pixels of each object's pixels in each view; NaN where there are none."""
    views, height, width = instance.shape
    edges = pixel_corners(width, height)
    boxes = np.full((objects, views, 4), np.nan, np.float32)
    for view in range(views):
        for index in np.unique(instance[view][instance[view] >= 2]):
            rows, columns = np.nonzero(instance[view] == index)
            low, high = edges[rows.min(), columns.min()], edges[rows.max() + 1, columns.max() + 1]
            boxes[int(index) - 2, view] = [*low, *high]
    return boxes


def amodal_boxes(objects: tuple[Placed, ...], cameras: tuple[Camera, ...]) -> Float[np.ndarray, "objects views 4"]:
    """Left, top, right and bottom in pixels of each whole object, whatever hides it, not cut at the image's border.

    NaN where a part of it lies behind the camera, where it has no box.
    """
    boxes = np.full((len(objects), len(cameras), 4), np.nan, np.float32)
    for index, placed in enumerate(objects):
        world = transform_points(placed.T_world_obj, np.asarray(placed.asset.mesh.vertices, np.float64))
        for view, camera in enumerate(cameras):
            uv, depth = camera.project(world)
            if depth.min() > NEAR_M:
                boxes[index, view] = [*uv.min(axis=0), *uv.max(axis=0)]
    return boxes
