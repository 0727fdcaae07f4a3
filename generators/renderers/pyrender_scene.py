"""A PixBench scene as one of pyrender's, with camera and lights set anew for each view."""

import numpy as np
from jaxtyping import Float

from pixbench.geometry.cameras import Camera

from ..scene import Geometry, Light, ViewAppearance
from .lighting import AMBIENT_SHARE, relative_power
from .pyrender_backend import load_pyrender
from .pyrender_lights import drawn_lights, light_node, set_strength
from .pyrender_meshes import mesh_parts, set_emission
from .raycast import MEAN_AMBIENT_VISIBILITY

GAMMA = 2.2
"""Of the bytes that pyrender's shader writes."""

NEAR_M, FAR_M = 0.01, 1000.0
GL_FROM_CV = np.diag([1.0, -1.0, -1.0, 1.0])
"""OpenGL's cameras look along -z with y up."""


class OpenGLScene:
    """`scene` is pyrender's, built once."""

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
        """Look through a camera whose every pixel is `factor` x `factor` of OpenGL's, whose pixel centres lie at .5 too."""
        K = camera.K * factor
        self._eye.camera = self._pyrender.IntrinsicsCamera(K[0, 0], K[1, 1], K[0, 2], K[1, 2], znear=NEAR_M, zfar=FAR_M)
        self.scene.set_pose(self._eye, camera.T_world_cam @ GL_FROM_CV)

    def light_up(self, appearance: ViewAppearance, scale: float) -> None:
        """Light a view; radiances in the picture will be `scale` times themselves."""
        for index, node in self._nodes.items():
            set_strength(node, self._lights[index], appearance.light_gain[index] * scale)
        for part, material in self._parts:
            set_emission(part, material, scale)
        self.scene.ambient_light = MEAN_AMBIENT_VISIBILITY * scale * self.fill(appearance)
        # Shows where multisampled edges are mixed with it: as bright as the sky, which replaces it elsewhere.
        self.scene.bg_color = np.full(4, min(scale, 1.0) ** (1 / GAMMA))

    def fill(self, appearance: ViewAppearance) -> Float[np.ndarray, "3"]:
        """Ambient radiance of a view, as the renderer `raycast` has it."""
        lit = zip(self._lights, appearance.light_gain, strict=True)
        total: np.ndarray = sum((light.radiance * gain * AMBIENT_SHARE * relative_power(light) for light, gain in lit), np.zeros(3))
        return total
