"""The renderer `pyrender`: images by OpenGL. Ground truth never depends on it."""

import numpy as np
from jaxtyping import Float, UInt8

from pixbench.errors import unknown_name
from pixbench.geometry.correspondence import View
from pixbench.geometry.pixels import pixel_centres
from pixbench.geometry.rays import RayCaster

from ...scene import Geometry, Light, ViewAppearance
from ..protocol import PRESETS, SceneRenderer
from ..sky import sky
from ..tone_mapping import develop, pixel_means
from .backend import load_pyrender, offscreen
from .scene import GAMMA, OpenGLScene

DECODED = ((np.arange(256) / 255) ** GAMMA).astype(np.float32)
"""Linear radiance of each byte that the shader of pyrender writes."""

MEAN_OF_FILL = 0.25
"""Typical luminance of a view, in units of its ambient light."""

MEAN_LEVEL = 0.08
"""Level of that luminance in the rendered image: white, twelve times as bright, is not clipped, and shadows keep many levels."""


class PyrenderRenderer:
    """OpenGL through pyrender, on a GPU or in software: the extra `pyrender`, needs system libraries.

    Raises UserError for an unknown preset, and if pyrender or OpenGL is missing.
    """

    def __init__(self, *, preset: str = "default"):
        if preset not in PRESETS:
            raise unknown_name("preset", preset, PRESETS)
        load_pyrender()
        self._fine = preset == "default"

    def scene(self, geometry: Geometry, caster: RayCaster, lights: tuple[Light, ...]) -> SceneRenderer:
        """See `protocol.Renderer`."""
        return PyrenderScene(OpenGLScene(geometry, lights), fine=self._fine)


class PyrenderScene:
    """Renders the views of one scene.

    `fine` renders four samples per pixel and the shadows of all lights. Otherwise only the sun casts shadows: without them it would
    shine through walls.
    """

    def __init__(self, scene: OpenGLScene, *, fine: bool):
        self._scene, self._factor = scene, 2 if fine else 1
        flags = load_pyrender().RenderFlags
        self._flags = flags.SHADOWS_DIRECTIONAL | (flags.SHADOWS_SPOT if fine else flags.NONE)

    def draw(self, view: View, appearance: ViewAppearance, *, rng: np.random.Generator) -> UInt8[np.ndarray, "height width 3"]:
        """See `protocol.SceneRenderer`. Uses no random numbers."""
        radiance = self._radiance(view, appearance)
        return develop(pixel_means(radiance, *view.triangle.shape), view.triangle >= 0, appearance)

    def _radiance(self, view: View, appearance: ViewAppearance) -> Float[np.ndarray, "rows columns 3"]:
        """Linear radiance of every sample on a regular grid; the sky where OpenGL rendered no surface."""
        # A scene without lights has only emissive surfaces.
        scale = MEAN_LEVEL / (MEAN_OF_FILL * float(self._scene.fill(appearance).mean()) or 1.0)
        self._scene.aim(view.camera, self._factor)
        self._scene.light_up(appearance, scale)
        target = offscreen()
        target.viewport_height, target.viewport_width = (self._factor * size for size in view.triangle.shape)
        encoded, depth = target.render(self._scene.scene, self._flags)
        radiance = DECODED[encoded] / np.float32(scale)
        missed = depth == 0
        uv = pixel_centres(*depth.shape[::-1]) / self._factor
        radiance[missed] = sky(view.camera.rays(uv[missed]))
        return radiance
