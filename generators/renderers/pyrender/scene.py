"""A scene of pyrender, whose camera and lights are updated for each view."""

import numpy as np
from jaxtyping import Float

from pixbench.geometry.cameras import Camera

from ...scene import Geometry, Light, ViewAppearance
from ..lighting import AMBIENT_SHARE, relative_power
from ..raycast import MEAN_AMBIENT_VISIBILITY
from .backend import load_pyrender
from .lights import drawn_lights, light_node, set_strength
from .meshes import mesh_parts, set_emission

GAMMA = 2.2
"""Gamma of the bytes that the shader of pyrender writes."""

NEAR_M, FAR_M = 0.01, 1000.0
GL_FROM_CV = np.diag([1.0, -1.0, -1.0, 1.0])
"""From OpenGL's camera frame (y up, looking along -z) to OpenCV's (y down, looking along z)."""


class OpenGLScene:
    """Builds the pyrender scene `scene` once, for all views."""

    def __init__(self, geometry: Geometry, lights: tuple[Light, ...]):
        self._pyrender = load_pyrender()
        self.scene = self._pyrender.Scene()
        self._parts, self._lights = mesh_parts(geometry), lights
        self.scene.add(self._pyrender.Mesh([part for part, _ in self._parts]))
        self._nodes = {index: light_node(index, lights[index]) for index in drawn_lights(lights)}
        for node in self._nodes.values():
            self.scene.add_node(node)
        self._eye = self.scene.add(self._pyrender.PerspectiveCamera(1.0))

    def aim(self, camera: Camera, factor: int) -> None:
        """Set the camera; each of its pixels is rendered as `factor` x `factor` pixels. OpenGL has the same pixel convention."""
        K = camera.K * factor
        self._eye.camera = self._pyrender.IntrinsicsCamera(K[0, 0], K[1, 1], K[0, 2], K[1, 2], znear=NEAR_M, zfar=FAR_M)
        self.scene.set_pose(self._eye, camera.T_world_cam @ GL_FROM_CV)

    def light_up(self, appearance: ViewAppearance, scale: float) -> None:
        """Set lights and emission for a view; all radiances are multiplied by `scale`."""
        for index, node in self._nodes.items():
            set_strength(node, self._lights[index], appearance.light_gain[index] * scale)
        for part, material in self._parts:
            set_emission(part, material, scale)
        self.scene.ambient_light = MEAN_AMBIENT_VISIBILITY * scale * self.fill(appearance)
        # It is visible only where multisampled edges blend with it: it is as bright as the sky, which replaces it elsewhere.
        self.scene.bg_color = np.full(4, min(scale, 1.0) ** (1 / GAMMA))

    def fill(self, appearance: ViewAppearance) -> Float[np.ndarray, "3"]:
        """Ambient radiance of a view, the same as in the renderer `raycast`."""
        lit = zip(self._lights, appearance.light_gain, strict=True)
        total: np.ndarray = sum((light.radiance * gain * AMBIENT_SHARE * relative_power(light) for light, gain in lit), np.zeros(3))
        return total
