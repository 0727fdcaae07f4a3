"""The default ray caster: Embree through the package `embreex`, which needs no system libraries."""

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from jaxtyping import Bool, Float, Int


class EmbreeCaster:
    """Embree through embreex: the default, needs no system library.

    Casts rays into a fixed set of triangles, given as corners in metres, (triangles, 3, 3). They are rounded to float32.
    """

    def __init__(self, corners: Float[np.ndarray, "triangles 3 3"]):
        self._scene = EmbreeScene()
        self._mesh = TriangleMesh(self._scene, np.ascontiguousarray(corners, dtype=np.float32))

    def first_hit(
        self, origins: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> tuple[Int[np.ndarray, " rays"], Float[np.ndarray, " rays"]]:
        """See `pixbench.geometry.rays.RayCaster`."""
        found = self._scene.run(
            np.ascontiguousarray(origins, dtype=np.float32),
            np.ascontiguousarray(directions, dtype=np.float32),
            output=True,
        )
        triangle = np.asarray(found["primID"], dtype=np.int32)
        return triangle, np.where(triangle >= 0, found["tfar"], np.float32(np.inf))

    def occluded(
        self,
        origins: Float[np.ndarray, "rays 3"],
        directions: Float[np.ndarray, "rays 3"],
        reach: Float[np.ndarray, " rays"],
    ) -> Bool[np.ndarray, " rays"]:
        """See `pixbench.geometry.rays.RayCaster`."""
        found = self._scene.run(
            np.ascontiguousarray(origins, dtype=np.float32),
            np.ascontiguousarray(directions, dtype=np.float32),
            # Embree treats a negative reach as an occlusion that was already found.
            dists=np.maximum(np.ascontiguousarray(reach, dtype=np.float32), 0),
            query="OCCLUDED",
        )
        return np.asarray(found) >= 0
