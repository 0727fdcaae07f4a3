"""The renderer `raycast`: shades textures, area lights and the sun with shadows, and ambient occlusion by casting rays, without OpenGL.

The preset `fast` takes one sample per pixel and casts hard shadows. The preset `default` takes four samples per pixel, with one ray
each for soft shadows and for ambient occlusion. The noise of these is removed by an edge-aware filter. Surfaces, textures and
highlights are never filtered, so that images stay sharp.
"""

import numpy as np
from jaxtyping import Float, UInt8

from pixbench.errors import unknown_name
from pixbench.geometry.correspondence import View
from pixbench.geometry.pixels import pixel_centres, pixel_samples
from pixbench.geometry.rays import RayCaster

from ..scene import Geometry, Light, ViewAppearance
from .denoising import denoise
from .lighting import AMBIENT_SHARE, add_light, relative_power, shade
from .protocol import PRESETS, SceneRenderer
from .secondary_rays import occlusion_rays, shadow_rays
from .sky import sky
from .surface_samples import Scalar, SurfaceSamples, fill_samples
from .texture_atlas import Atlas, AtlasMaker, look_up
from .tone_mapping import develop, pixel_means

OFFSET_M = 1e-3
"""Secondary rays start this far off the surface: more than the error of float32, less than is visible in a shadow."""

OCCLUSION_REACH_M = (0.1, 1.2)
"""Shortest and longest occlusion ray."""

OCCLUSION_STRENGTH = 0.8
"""Share of the ambient light that an occluded sample loses."""

MEAN_AMBIENT_VISIBILITY = 0.75
"""Share of the ambient light that arrives at a sample where occlusion is not computed."""

CENTRE_OF_LIGHT = np.full((1, 2), 0.5, np.float32)
"""Replaces random numbers, so that all shadow rays go to the centre of the light."""


class RaycastRenderer:
    """Shading on cast rays: needs no OpenGL, no display, no GPU. Presets fast and default.

    Raises UserError for an unknown preset.
    """

    def __init__(self, *, preset: str = "default"):
        if preset not in PRESETS:
            raise unknown_name("preset", preset, PRESETS)
        self._fine = preset == "default"
        self._atlases = AtlasMaker()

    def scene(self, geometry: Geometry, caster: RayCaster, lights: tuple[Light, ...]) -> SceneRenderer:
        """See `protocol.Renderer`."""
        return RaycastScene(geometry, caster, lights, self._atlases.build(geometry.materials), fine=self._fine)


class RaycastScene:
    """Renders the views of one scene; `fine` selects the preset `default`."""

    def __init__(self, geometry: Geometry, caster: RayCaster, lights: tuple[Light, ...], atlas: Atlas, *, fine: bool):
        self._geometry, self._caster, self._lights, self._atlas, self._fine = geometry, caster, lights, atlas, fine

    def draw(self, view: View, appearance: ViewAppearance, *, rng: np.random.Generator) -> UInt8[np.ndarray, "height width 3"]:
        """See `protocol.SceneRenderer`."""
        samples, directions = self._samples(view)
        albedo = np.empty_like(samples.tint)
        look_up(self._atlas, samples.material, samples.texel, samples.level, albedo)
        albedo *= samples.tint
        ambient_visibility, light_visibility = self._visibilities(samples, rng=rng)
        radiance = np.empty_like(albedo)
        ambient = np.zeros(3, np.float32)
        direct, specular = np.zeros_like(albedo), np.zeros_like(albedo)
        for light, gain, visibility in zip(self._lights, appearance.light_gain, light_visibility, strict=True):
            color = (light.radiance * gain).astype(np.float32)
            add_light(samples, self._atlas, light, color, visibility, direct, specular)
            ambient += color * np.float32(AMBIENT_SHARE * relative_power(light))
        shade(samples, self._atlas, albedo, ambient_visibility, ambient, direct, specular, radiance)
        missed = samples.material < 0
        radiance[missed] = sky(directions[missed])
        indoors = view.triangle >= 0
        return develop(pixel_means(radiance.reshape(*samples.grid, 3), *indoors.shape), indoors, appearance)

    def _samples(self, view: View) -> tuple[SurfaceSamples, Float[np.ndarray, "samples 3"]]:
        """The surface at each sample, and the directions of the rays. The triangles are those that the view was traced with."""
        height, width = view.triangle.shape
        triangle, uv = (view.sample_triangle, pixel_samples(width, height)) if self._fine else (view.triangle, pixel_centres(width, height))
        directions = view.camera.rays(uv.reshape(-1, 2))
        rows, columns = triangle.shape
        samples = SurfaceSamples.empty((rows, columns))
        pixel_angle = 1.0 / view.camera.K[0, 0] / (2 if self._fine else 1)
        fill_samples(self._geometry, triangle.reshape(-1), view.camera.centre, directions, pixel_angle, samples)
        return samples, directions

    def _visibilities(self, samples: SurfaceSamples, *, rng: np.random.Generator) -> tuple[Scalar, list[Scalar]]:
        """Share of the ambient light, and of each light, that arrives at each sample."""
        count = len(samples.material)
        ambient = self._ambient_visibility(samples, rng=rng) if self._fine else np.full(count, MEAN_AMBIENT_VISIBILITY, np.float32)
        lights = [self._light_visibility(samples, light, rng=rng) for light in self._lights]
        if self._fine:
            ambient, *lights = denoise(np.stack([ambient, *lights]), samples)
        return ambient, lights

    def _ambient_visibility(self, samples: SurfaceSamples, *, rng: np.random.Generator) -> Scalar:
        """Share of the ambient light that arrives, in [0, 1], from one cosine-distributed ray of limited reach per sample."""
        numbers = rng.random((len(samples.material), 3), np.float32)
        rays = occlusion_rays(samples, numbers, OCCLUSION_REACH_M, OFFSET_M)
        visibility = np.ones(len(numbers), np.float32)
        visibility[rays.sample] -= np.float32(OCCLUSION_STRENGTH) * self._caster.occluded(rays.origin, rays.direction, rays.reach)
        return visibility

    def _light_visibility(self, samples: SurfaceSamples, light: Light, *, rng: np.random.Generator) -> Scalar:
        """1 where a sample sees the centre of the light (with `fine`, a random point of it), 0 elsewhere."""
        numbers = rng.random((len(samples.material), 2), np.float32) if self._fine else CENTRE_OF_LIGHT
        rays = shadow_rays(samples, light, numbers, OFFSET_M)
        visibility = np.zeros(len(samples.material), np.float32)
        visibility[rays.sample] = ~self._caster.occluded(rays.origin, rays.direction, rays.reach)
        return visibility
