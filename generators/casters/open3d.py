"""The second ray caster: RaycastingScene of Open3D, an independent build of Embree to check the first one against."""

from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from pixbench.errors import UserError

FAR = 1e6
"""Largest reach of an occlusion ray, in units of the length of its direction."""


class Open3DCaster:
    """Embree through Open3D: the extra `open3d`, needs system libraries, casts on all cores.

    Casts rays into a fixed set of triangles, given as corners in metres, (triangles, 3, 3). They are rounded to float32.
    Raises UserError if Open3D is not installed.
    """

    def __init__(self, corners: Float[np.ndarray, "triangles 3 3"]):
        self._open3d = _open3d()
        self._scene = self._open3d.t.geometry.RaycastingScene()
        vertices = np.ascontiguousarray(corners, dtype=np.float32).reshape(-1, 3)
        triangles = np.arange(len(vertices), dtype=np.uint32).reshape(-1, 3)
        self._scene.add_triangles(self._open3d.core.Tensor(vertices), self._open3d.core.Tensor(triangles))

    def first_hit(
        self, origins: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> tuple[Int[np.ndarray, " rays"], Float[np.ndarray, " rays"]]:
        """See `pixbench.geometry.rays.RayCaster`."""
        rays = np.concatenate([origins, directions], axis=1, dtype=np.float32, casting="same_kind")
        found = self._scene.cast_rays(self._open3d.core.Tensor(rays))
        # Open3D marks a miss by the largest uint32, which is -1 as int32.
        return found["primitive_ids"].numpy().view(np.int32), found["t_hit"].numpy()

    def occluded(
        self,
        origins: Float[np.ndarray, "rays 3"],
        directions: Float[np.ndarray, "rays 3"],
        reach: Float[np.ndarray, " rays"],
    ) -> Bool[np.ndarray, " rays"]:
        """See `pixbench.geometry.rays.RayCaster`."""
        # Open3D has one reach for all rays: directions are scaled so that each ray's own reach becomes 1.
        scaled = directions * np.clip(reach, 0, FAR)[:, None]
        rays = np.concatenate([origins, scaled], axis=1, dtype=np.float32, casting="same_kind")
        return self._scene.test_occlusions(self._open3d.core.Tensor(rays), tfar=1.0).numpy()


def _open3d() -> Any:
    try:
        return import_module("open3d")
    except (ImportError, OSError) as error:
        libraries = "the system libraries libegl1 libgl1 libusb-1.0-0"
        raise UserError(f'caster open3d needs the package open3d: pip install "pixbench[open3d]" and {libraries} ({error})') from None
