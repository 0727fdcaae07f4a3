"""The renderer `raycast`: numpy shading on cast rays. Textures, area lights and sun with soft shadows, ambient occlusion.

Light is gathered at every sub-pixel sample with few rays, and its noise is removed by an edge-aware filter before it meets
the textures, so that pictures stay sharp.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from pixbench.geometry import Camera, subpixel_centres
from pixbench.rays import RayCaster, triangle_normals
from pixbench.truth import cast

from .scene import Geometry, Light, ViewLook

OFFSET_M = 1e-3
"""Secondary rays start this far off the surface: beyond float32 error, below what a shadow shows."""

OCCLUSION_REACH_M = 1.2
TARGET_LUMINANCE = 0.20
SKY = np.array([0.62, 0.78, 1.0], np.float32)
GROUND = np.array([0.50, 0.47, 0.42], np.float32)

Rgb = Float[np.ndarray, "samples 3"]


@dataclass(frozen=True, eq=False)
class Samples:
    """Surface samples that hit something: where, which way, and which texel."""

    grid: tuple[int, int]
    hit: Bool[np.ndarray, " all"]
    triangle: Int[np.ndarray, " samples"]
    depth: Float[np.ndarray, " samples"]
    point: Float[np.ndarray, "samples 3"]
    normal: Float[np.ndarray, "samples 3"]
    shading_normal: Float[np.ndarray, "samples 3"]
    to_eye: Float[np.ndarray, "samples 3"]
    uv: Float[np.ndarray, "samples 2"]


class RaycastRenderer:
    """Draws a view, (height, width, 3) uint8 sRGB; `supersampling` squared samples a pixel, each with its own shadow rays."""

    def __init__(self, *, supersampling: int = 2):
        self._factor = supersampling
        # The texture is kept beside its pyramid: an id is only unique among living objects.
        self._pyramids: dict[int, tuple[np.ndarray, list[np.ndarray]]] = {}

    def render(
        self,
        geometry: Geometry,
        caster: RayCaster,
        lights: tuple[Light, ...],
        camera: Camera,
        look: ViewLook,
        *,
        rng: np.random.Generator,
    ) -> UInt8[np.ndarray, "height width 3"]:
        """The picture of `camera` under `look`; the same `rng` state gives the same bytes."""
        uv = subpixel_centres(camera.width, camera.height, self._factor)
        samples, rays = _surface_samples(geometry, caster, camera, uv)
        ambient, direct, shine = self._light(samples, caster, lights, look, rng=rng)
        irradiance = _denoise(np.concatenate([ambient, direct, shine], axis=1), samples)
        albedo, emission, gloss = self._surface(geometry, samples, camera)
        lit = albedo * (irradiance[:, :3] + irradiance[:, 3:6] + emission[:, None])
        lit += gloss[:, None] * irradiance[:, 6:9]
        radiance = _sky(rays).astype(np.float32)
        radiance[samples.hit] = lit
        grid = radiance.reshape(camera.height, self._factor, camera.width, self._factor, 3)
        return develop(grid.mean(axis=(1, 3)), samples.hit.reshape(grid.shape[:-1]).mean(axis=(1, 3)) > 0.5, look)

    def _light(
        self,
        samples: Samples,
        caster: RayCaster,
        lights: tuple[Light, ...],
        look: ViewLook,
        *,
        rng: np.random.Generator,
    ) -> tuple[Rgb, Rgb, Rgb]:
        """Irradiance (over pi) of ambient and direct light, and the highlight for a surface with gloss 1."""
        count = len(samples.triangle)
        direct, shine = np.zeros((count, 3), np.float32), np.zeros((count, 3), np.float32)
        fill = np.zeros(3, np.float32)
        for light, gain in zip(lights, look.light_gain, strict=True):
            color = (light.radiance * gain).astype(np.float32)
            towards, distance, strength = _sample_light(light, samples.point, rng=rng)
            cosine = np.einsum("ij,ij->i", samples.shading_normal, towards)
            strength = strength * np.maximum(cosine, 0)
            seen = (strength > 1e-5) & (np.einsum("ij,ij->i", samples.normal, towards) > 0)
            blocked = caster.occluded(_lifted(samples)[seen], towards[seen], distance[seen] - 2 * OFFSET_M)
            strength[seen] *= ~blocked
            strength[~seen] = 0
            direct += strength[:, None] * color
            halfway = towards + samples.to_eye
            halfway /= np.linalg.norm(halfway, axis=1, keepdims=True)
            sharp = np.maximum(np.einsum("ij,ij->i", samples.shading_normal, halfway), 0) ** 48
            shine += (strength * sharp)[:, None] * color
            # What the walls give back once: a share of all that a light sends out.
            fill += color * _power(light) * 0.05
        openness = self._occlusion(samples, caster, rng=rng)
        upward = 0.5 + 0.5 * samples.shading_normal[:, 2:]
        ambient = openness[:, None] * fill * (0.85 + 0.15 * upward * np.array([1.0, 1.0, 1.05]))
        return ambient.astype(np.float32), direct, shine

    @staticmethod
    def _occlusion(samples: Samples, caster: RayCaster, *, rng: np.random.Generator) -> Float[np.ndarray, " samples"]:
        """Openness in [0, 1]: a cosine-distributed ray of limited reach at each sample."""
        z = rng.normal(size=samples.normal.shape).astype(np.float32)
        directions = samples.normal + z / np.linalg.norm(z, axis=1, keepdims=True) * 0.999
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        reach = rng.uniform(0.1, OCCLUSION_REACH_M, len(directions)).astype(np.float32)
        openness: np.ndarray = 1 - 0.8 * caster.occluded(_lifted(samples), directions, reach).astype(np.float32)
        return openness

    def _surface(self, geometry: Geometry, samples: Samples, camera: Camera) -> tuple[Rgb, np.ndarray, np.ndarray]:
        """Linear albedo, emission and gloss of each sample; textures by mip level and bilinear lookup."""
        material = geometry.material[samples.triangle]
        materials = geometry.materials
        albedo = _to_linear(np.array([m.color for m in materials], np.float32))[material]
        emission = np.array([m.emission for m in materials], np.float32)[material]
        gloss = np.array([m.gloss for m in materials], np.float32)[material]
        level = self._levels(geometry, samples, camera)
        order = np.argsort(material, kind="stable")
        borders = np.flatnonzero(np.diff(material[order])) + 1
        for group in np.split(order, borders) if len(order) else []:
            texture = materials[material[group[0]]].texture
            if texture is not None:
                albedo[group] *= self._lookup(texture, samples.uv[group], level[group])
        return albedo, emission, gloss

    def _levels(self, geometry: Geometry, samples: Samples, camera: Camera) -> Float[np.ndarray, " samples"]:
        """log2 of texture repeats that one sample covers, from the triangle's density of uv and its distance."""
        corners, uv = geometry.corners[samples.triangle].astype(np.float32), geometry.uv[samples.triangle]
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        (u1, v1), (u2, v2) = (uv[:, 1] - uv[:, 0]).T, (uv[:, 2] - uv[:, 0]).T
        density = np.sqrt(np.abs(u1 * v2 - u2 * v1) / np.maximum(area, 1e-12))
        cosine = np.maximum(np.abs(np.einsum("ij,ij->i", samples.normal, samples.to_eye)), 0.15)
        footprint = samples.depth / camera.K[0, 0] / self._factor / np.sqrt(cosine)
        levels: np.ndarray = np.log2(np.maximum(density * footprint, 1e-9))
        return levels

    def _lookup(
        self, texture: UInt8[np.ndarray, "rows columns 3"], uv: Float[np.ndarray, "samples 2"], level: Float[np.ndarray, " samples"]
    ) -> Rgb:
        pyramid = self._pyramid(texture)
        size = max(pyramid[0].shape[:2])
        chosen = np.clip(np.round(level + np.log2(size)), 0, len(pyramid) - 1).astype(int)
        out = np.empty((len(uv), 3), np.float32)
        for number in np.unique(chosen):
            at = chosen == number
            out[at] = _bilinear(pyramid[number], uv[at])
        return out

    def _pyramid(self, texture: UInt8[np.ndarray, "rows columns 3"]) -> list[np.ndarray]:
        """Linear-light copies of a texture, each half the one before. Kept until 256 have gathered."""
        if id(texture) not in self._pyramids:
            if len(self._pyramids) > 256:
                self._pyramids.clear()
            levels = [_to_linear(texture.astype(np.float32) / 255)]
            while min(levels[-1].shape[:2]) >= 8:
                last = levels[-1]
                rows, columns = last.shape[0] // 2 * 2, last.shape[1] // 2 * 2
                levels.append(last[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2, 3).mean(axis=(1, 3)))
            self._pyramids[id(texture)] = (texture, levels)
        return self._pyramids[id(texture)][1]


def _surface_samples(
    geometry: Geometry, caster: RayCaster, camera: Camera, uv: Float[np.ndarray, "rows columns 2"]
) -> tuple[Samples, Float[np.ndarray, "all 3"]]:
    triangle, depth, rays = cast(caster, geometry.corners, camera, uv.reshape(-1, 2))
    hit = triangle >= 0
    triangle, depth, towards = triangle[hit], depth[hit], rays[hit]
    point = (camera.centre + depth[:, None] * towards).astype(np.float32)
    to_eye = (-towards / np.linalg.norm(towards, axis=1, keepdims=True)).astype(np.float32)
    corners = geometry.corners[triangle]
    weights = _barycentric(corners, point)
    normal = triangle_normals(corners).astype(np.float32)
    normal *= np.where(np.einsum("ij,ij->i", normal, to_eye) < 0, -1, 1)[:, None].astype(np.float32)
    shading = np.einsum("ij,ijk->ik", weights, geometry.normals[triangle])
    shading /= np.maximum(np.linalg.norm(shading, axis=1, keepdims=True), 1e-6)
    shading *= np.where(np.einsum("ij,ij->i", shading, normal) < 0, -1, 1)[:, None]
    texel = np.einsum("ij,ijk->ik", weights, geometry.uv[triangle])
    samples = Samples(uv.shape[:2], hit, triangle, depth.astype(np.float32), point, normal, shading.astype(np.float32), to_eye, texel)
    return samples, rays


def _barycentric(corners: Float[np.ndarray, "samples 3 3"], point: Float[np.ndarray, "samples 3"]) -> Float[np.ndarray, "samples 3"]:
    """Weights of the three corners of points in their triangles."""
    e1, e2, offset = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0], point - corners[:, 0]
    d11, d12, d22 = (np.einsum("ij,ij->i", x, y) for x, y in ((e1, e1), (e1, e2), (e2, e2)))
    p1, p2 = np.einsum("ij,ij->i", offset, e1), np.einsum("ij,ij->i", offset, e2)
    scale = 1 / np.maximum(d11 * d22 - d12 * d12, 1e-20)
    v, w = (d22 * p1 - d12 * p2) * scale, (d11 * p2 - d12 * p1) * scale
    return np.stack([1 - v - w, v, w], axis=1).astype(np.float32)


def _lifted(samples: Samples) -> Float[np.ndarray, "samples 3"]:
    return samples.point + OFFSET_M * samples.normal


def _sample_light(
    light: Light, point: Float[np.ndarray, "samples 3"], *, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "samples 3"], Float[np.ndarray, " samples"], Float[np.ndarray, " samples"]]:
    """Unit direction and distance to a random point of the light, and the radiance factor, cosine at the receiver left out."""
    jitter = rng.uniform(-1, 1, (len(point), 2)).astype(np.float32)
    if light.kind == "sun":
        directions = light.position + 0.02 * (jitter[:, :1] * light.u + jitter[:, 1:] * light.v)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        return (
            directions.astype(np.float32),
            np.full(len(point), 50.0, np.float32),
            np.full(len(point), 1.0, np.float32),
        )
    offset = (light.position + jitter[:, :1] * light.u + jitter[:, 1:] * light.v).astype(np.float32) - point
    distance = np.maximum(np.linalg.norm(offset, axis=1), 0.05)
    directions = offset / distance[:, None]
    facing = np.cross(light.u, light.v)
    area = 4 * np.linalg.norm(facing)
    cosine = np.maximum(-directions @ (facing / np.linalg.norm(facing)).astype(np.float32), 0)
    return directions, distance, (area * cosine / (np.pi * distance**2)).astype(np.float32)


def _power(light: Light) -> float:
    return 0.3 if light.kind == "sun" else float(4 * np.linalg.norm(np.cross(light.u, light.v)))


def _denoise(light: Float[np.ndarray, "samples channels"], samples: Samples) -> Float[np.ndarray, "samples channels"]:
    """Edge-avoiding a-trous filter (Dammertz et al. 2010) over the grid of samples, guided by normals and planes."""
    rows, columns = samples.grid
    full = np.zeros((rows * columns, light.shape[1] + 7), np.float32)
    full[samples.hit, : light.shape[1]] = light
    full[samples.hit, -7:-4], full[samples.hit, -4:-1], full[samples.hit, -1] = (
        samples.normal,
        samples.point,
        samples.depth,
    )
    image = full.reshape(rows, columns, -1)
    guide, values = image[..., -7:], image[..., : light.shape[1]]
    hit = samples.hit.reshape(rows, columns)
    for step in (1, 2, 4, 8):
        values = _a_trous(values, guide, hit, step)
    return values.reshape(rows * columns, -1)[samples.hit]


def _a_trous(
    values: Float[np.ndarray, "rows columns channels"],
    guide: Float[np.ndarray, "rows columns 7"],
    hit: Bool[np.ndarray, "rows columns"],
    step: int,
) -> Float[np.ndarray, "rows columns channels"]:
    total, weight = values.copy(), np.ones((*hit.shape, 1), np.float32)
    for dy, dx in ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)):
        here, there = _shifted(dy * step, dx * step, hit.shape)
        a, b = guide[here], guide[there]
        alike = np.einsum("ijk,ijk->ij", a[..., :3], b[..., :3])
        off_plane = np.abs(np.einsum("ijk,ijk->ij", a[..., :3], a[..., 3:6] - b[..., 3:6]))
        w = np.clip(alike * 8 - 7, 0, 1) * (off_plane < 0.012 * a[..., 6]) * hit[there]
        w = (w * (0.5 if dy and dx else 0.75))[..., None].astype(np.float32)
        total[here] += w * values[there]
        weight[here] += w
    result: np.ndarray = total / weight
    return result


def _shifted(dy: int, dx: int, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Slices of all places whose neighbour at (dy, dx) exists, and of those neighbours."""

    def along(d: int, size: int) -> tuple[slice, slice]:
        return slice(max(-d, 0), size - max(d, 0)), slice(max(d, 0), size - max(-d, 0))

    (y0, y1), (x0, x1) = along(dy, shape[0]), along(dx, shape[1])
    return (y0, x0), (y1, x1)


def _bilinear(texture: Float[np.ndarray, "rows columns 3"], uv: Float[np.ndarray, "samples 2"]) -> Rgb:
    """Repeating bilinear lookup; v runs down the rows and texel centres lie at .5."""
    rows, columns = texture.shape[:2]
    x, y = uv[:, 0] * columns - 0.5, uv[:, 1] * rows - 0.5
    x0, y0 = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = (x - x0).astype(np.float32)[:, None], (y - y0).astype(np.float32)[:, None]
    left, right, top, bottom = x0 % columns, (x0 + 1) % columns, y0 % rows, (y0 + 1) % rows
    upper = texture[top, left] * (1 - fx) + texture[top, right] * fx
    lower = texture[bottom, left] * (1 - fx) + texture[bottom, right] * fx
    mixed: np.ndarray = upper * (1 - fy) + lower * fy
    return mixed


def _sky(rays: Float[np.ndarray, "all 3"]) -> Float[np.ndarray, "all 3"]:
    """A sky with soft clouds above a hazy ground, by direction alone."""
    d = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    up = d[:, 2]
    angle = np.arctan2(d[:, 1], d[:, 0])
    waves: list[Callable[[np.ndarray, np.ndarray], np.ndarray]] = [
        lambda a, z: np.sin(3 * a + 4 * z),
        lambda a, z: np.sin(7 * a - 9 * z + 1),
        lambda a, z: 0.5 * np.sin(13 * a + 21 * z + 2),
    ]
    clouds = np.clip(sum(wave(angle, up) for wave in waves) / 2.5, 0, 1)[:, None]
    sky = SKY * (1.2 - 0.5 * np.clip(up, 0, 1))[:, None] * (1 - 0.5 * clouds) + 0.5 * clouds * 1.1
    blend = np.clip(up * 25 + 0.5, 0, 1)[:, None]
    mixed: np.ndarray = 3.0 * (blend * sky + (1 - blend) * GROUND * 0.6)
    return mixed


def _to_linear(srgb: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """sRGB in [0, 1] to linear light (IEC 61966-2-1)."""
    linear: np.ndarray = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return linear


def develop(
    radiance: Float[np.ndarray, "height width 3"], indoors: Bool[np.ndarray, "height width"], look: ViewLook
) -> UInt8[np.ndarray, "height width 3"]:
    """Expose by the mean log luminance of the room (not of the sky), then the filmic curve of Narkowicz (2015) and sRGB."""
    luminance = radiance @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    metered = luminance[indoors] if indoors.any() else luminance
    exposure = TARGET_LUMINANCE / np.exp(np.mean(np.log(metered + 1e-4))) * 2.0**look.exposure_ev
    x = radiance * exposure * look.white_balance * 0.6
    film = np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0, 1)
    srgb = np.where(film <= 0.0031308, film * 12.92, 1.055 * film ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(srgb * 255), np.uint8)
