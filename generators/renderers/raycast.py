"""The renderer `raycast`: shading on cast rays. Textures, area lights and sun with shadows, ambient occlusion, no OpenGL.

`fast` takes one sample a pixel, and hard shadows. `default` takes four, with soft shadows and ambient occlusion of one ray each,
whose noise is removed by an edge-aware filter; surfaces, textures and highlights are never filtered, so pictures stay sharp.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from pixbench.errors import unknown_name
from pixbench.geometry.correspondence import View
from pixbench.geometry.pixels import pixel_centres, pixel_samples
from pixbench.geometry.rays import RayCaster

from ..scene import Geometry, Light, ViewLook
from . import raycast_kernels as shading
from .protocol import PRESETS, SceneRenderer
from .texture_atlas import Atlas, AtlasMaker, look_up, to_srgb

OFFSET_M = 1e-3
"""Secondary rays start this far off the surface: beyond float32 error, below what a shadow shows."""

OCCLUSION_REACH_M = (0.1, 1.2)
OCCLUSION_STRENGTH = 0.8
BOUNCE = 0.05
"""Share of a light's power that the room gives back as ambient light."""

TARGET_LUMINANCE = 0.20
NO_RANDOM = np.full((1, 2), 0.5, np.float32)

Rgb = Float[np.ndarray, "samples 3"]
Scalar = Float[np.ndarray, " samples"]


@dataclass(frozen=True, eq=False)
class Samples:
    """Surface samples of a grid, a row each; a sample that hit nothing has material -1.

    `tint` is the linear vertex colour, `level` log2 of the texture repeats that a sample covers; points in metres.
    """

    grid: tuple[int, int]
    material: Int[np.ndarray, " samples"]
    point: Float[np.ndarray, "samples 3"]
    depth: Scalar
    normal: Float[np.ndarray, "samples 3"]
    shading_normal: Float[np.ndarray, "samples 3"]
    to_eye: Float[np.ndarray, "samples 3"]
    texel: Float[np.ndarray, "samples 2"]
    tint: Rgb
    level: Scalar


class RaycastRenderer:
    """Shading on cast rays: needs no OpenGL, no display, no GPU. Presets fast and default."""

    def __init__(self, *, preset: str = "default"):
        if preset not in PRESETS:
            raise unknown_name("preset", preset, PRESETS)
        self._fine = preset == "default"
        self._atlases = AtlasMaker()

    def scene(self, geometry: Geometry, caster: RayCaster, lights: tuple[Light, ...]) -> SceneRenderer:
        """See `renderer.Renderer`."""
        return RaycastScene(geometry, caster, lights, self._atlases.build(geometry.materials), fine=self._fine)


class RaycastScene:
    """Draws one scene."""

    def __init__(self, geometry: Geometry, caster: RayCaster, lights: tuple[Light, ...], atlas: Atlas, *, fine: bool):
        self._geometry, self._caster, self._lights, self._atlas, self._fine = geometry, caster, lights, atlas, fine

    def draw(self, view: View, look: ViewLook, *, rng: np.random.Generator) -> UInt8[np.ndarray, "height width 3"]:
        """See `renderer.SceneRenderer`."""
        samples, directions = self._samples(view)
        albedo = np.empty_like(samples.tint)
        look_up(self._atlas, samples.material, samples.texel, samples.level, albedo)
        albedo *= samples.tint
        openness = self._openness(samples, rng=rng) if self._fine else np.full(len(albedo), 0.75, np.float32)
        visibility = [self._visibility(samples, light, rng=rng) for light in self._lights]
        if self._fine:
            openness, *visibility = shading.smooth(np.stack([openness, *visibility]), samples)
        radiance = np.empty_like(albedo)
        fill = np.zeros(3, np.float32)
        light_sum, shine = np.zeros_like(albedo), np.zeros_like(albedo)
        for light, gain, seen in zip(self._lights, look.light_gain, visibility, strict=True):
            color = (light.radiance * gain).astype(np.float32)
            shading.add_light(samples, self._atlas, light, color, seen, light_sum, shine)
            fill += color * np.float32(BOUNCE * shading.power(light))
        shading.compose(samples, self._atlas, albedo, openness, fill, light_sum, shine, radiance)
        missed = samples.material < 0
        radiance[missed] = sky(directions[missed])
        indoors = view.triangle >= 0
        return develop(shading.pixel_means(radiance.reshape(*samples.grid, 3), *indoors.shape), indoors, look)

    def _samples(self, view: View) -> tuple[Samples, Float[np.ndarray, "samples 3"]]:
        """The surface at each sample; the triangles are those that the view has found already."""
        height, width = view.triangle.shape
        triangle, uv = (view.sample_triangle, pixel_samples(width, height)) if self._fine else (view.triangle, pixel_centres(width, height))
        directions = view.camera.rays(uv.reshape(-1, 2))
        count = len(directions)
        samples = Samples(
            triangle.shape,
            np.empty(count, np.int32),
            np.empty((count, 3), np.float32),
            np.empty(count, np.float32),
            np.empty((count, 3), np.float32),
            np.empty((count, 3), np.float32),
            np.empty((count, 3), np.float32),
            np.empty((count, 2), np.float32),
            np.ones((count, 3), np.float32),
            np.empty(count, np.float32),
        )
        pixel_angle = 1.0 / view.camera.K[0, 0] / (2 if self._fine else 1)
        shading.fill_samples(self._geometry, triangle.reshape(-1), view.camera.centre, directions, pixel_angle, samples)
        return samples, directions

    def _openness(self, samples: Samples, *, rng: np.random.Generator) -> Scalar:
        """Ambient light that arrives, in [0, 1]: a cosine-distributed ray of limited reach at each sample."""
        numbers = rng.random((len(samples.material), 3), np.float32)
        rays = shading.occlusion_rays(samples, numbers, OCCLUSION_REACH_M, OFFSET_M)
        openness = np.ones(len(numbers), np.float32)
        openness[rays.sample] -= np.float32(OCCLUSION_STRENGTH) * self._caster.occluded(rays.origin, rays.direction, rays.reach)
        return openness

    def _visibility(self, samples: Samples, light: Light, *, rng: np.random.Generator) -> Scalar:
        """Whether the light's centre, or a random place of it, is seen from each sample; 0 where it cannot shine."""
        numbers = rng.random((len(samples.material), 2), np.float32) if self._fine else NO_RANDOM
        rays = shading.shadow_rays(samples, light, numbers, OFFSET_M)
        visibility = np.zeros(len(samples.material), np.float32)
        visibility[rays.sample] = ~self._caster.occluded(rays.origin, rays.direction, rays.reach)
        return visibility


def sky(rays: Float[np.ndarray, "rays 3"]) -> Float[np.ndarray, "rays 3"]:
    """A blue sky with soft clouds over far hills and meadows, around luminance 1, by direction alone."""
    d = (rays / np.linalg.norm(rays, axis=1, keepdims=True)).astype(np.float32)
    up, angle = d[:, 2], np.arctan2(d[:, 1], d[:, 0])
    clouds = np.clip(0.9 * _waves(angle, up, ((3, 5), (7, -11), (13, 23), (29, 41))) + 0.25, 0, 1)[:, None]
    clear = np.array([0.62, 0.80, 1.02]) + np.clip(up, 0, 1)[:, None] * np.array([-0.36, -0.26, -0.05])
    above = clear * (1 - clouds) + 1.25 * clouds
    shade = _waves(angle, up, ((11, 60), (31, -90), (67, 170)))[:, None]
    ground = np.array([0.20, 0.27, 0.13]) * (1 + 0.45 * shade) + 0.10 * np.clip(1 + 5 * up, 0, 1)[:, None]
    ridge = 0.035 + 0.03 * _waves(angle, 0 * up, ((4, 0), (9, 0), (23, 0), (61, 0)))
    blend = np.clip((up - ridge) * 90 + 0.5, 0, 1)[:, None]
    mixed: np.ndarray = blend * above + (1 - blend) * ground
    return mixed.astype(np.float32)


def _waves(angle: Scalar, up: Scalar, frequencies: tuple[tuple[int, int], ...]) -> Scalar:
    """A sum of sines of falling strength, about in [-1, 1]; whole turns, so that it closes around the horizon."""
    total = sum(np.sin(a * angle + z * up + 1.7 * k) / (1 + 0.5 * k) for k, (a, z) in enumerate(frequencies))
    waves: np.ndarray = total / np.sqrt(len(frequencies))
    return waves


def develop(
    radiance: Float[np.ndarray, "height width 3"], indoors: Bool[np.ndarray, "height width"], look: ViewLook
) -> UInt8[np.ndarray, "height width 3"]:
    """Expose by the mean log luminance of the room (not of the sky), then a filmic curve and sRGB."""
    metered = radiance[indoors] if indoors.any() else radiance.reshape(-1, 3)
    luminance = metered @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    exposure = TARGET_LUMINANCE / np.exp(np.mean(np.log(luminance + 1e-4)))
    film = _film(radiance * (exposure * 2.0**look.exposure_ev * look.white_balance).astype(np.float32))
    return np.asarray(np.round(to_srgb(film) * 255), np.uint8)


def _film(x: Float[np.ndarray, "height width 3"]) -> Float[np.ndarray, "height width 3"]:
    """A toe by a power about middle grey, then Reinhard's shoulder with white at 5: gentler on colours than ACES fits."""
    toned = 0.18 * (np.maximum(x, 0) / 0.18) ** 1.3 * 1.25
    shoulder: np.ndarray = toned * (1 + toned / 25) / (1 + toned)
    return shoulder
