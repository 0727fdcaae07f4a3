"""The renderer `raycast`: numpy shading on cast rays. Textures, area lights and sun with soft shadows, ambient occlusion.

Light is gathered at every sub-pixel sample with few rays, and its noise is removed by an edge-aware filter before it meets
the textures, so that pictures stay sharp.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from pixbench.geometry import Camera, subpixel_centres
from pixbench.rays import RayCaster, exact_hits, triangle_normals

from .scene import Geometry, Light, Material, ViewLook

OFFSET_M = 1e-3
"""Secondary rays start this far off the surface: beyond float32 error, below what a shadow shows."""

OCCLUSION_REACH_M = 1.4
TARGET_LUMINANCE = 0.17
BOUNCE = 0.038
"""Share of what the lights send out that comes back from everywhere, before occlusion and the room's colour."""

SKY_BRIGHTNESS = 6.0
"""The sky's brightness over the mean of the room: real skies are far brighter, but then windows would be blank white."""

PYRAMID_BYTES = 160 * 2**20
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)

Rgb = Float[np.ndarray, "samples 3"]
Scalar = Float[np.ndarray, " samples"]
Vectors = Float[np.ndarray, "samples 3"]
Texture = UInt8[np.ndarray, "rows columns 3"]


@dataclass(frozen=True, eq=False)
class Triangles:
    """What shading needs of each triangle: unit normal, and texture repeats per metre."""

    normal: Float[np.ndarray, "triangles 3"]
    density: Float[np.ndarray, " triangles"]


@dataclass(frozen=True, eq=False)
class Samples:
    """Surface samples that hit something: where, which way, and which texel. `normal` faces the eye."""

    grid: tuple[int, int]
    hit: Bool[np.ndarray, " all"]
    triangle: Int[np.ndarray, " samples"]
    depth: Scalar
    point: Vectors
    normal: Vectors
    shading_normal: Vectors
    to_eye: Vectors
    uv: Float[np.ndarray, "samples 2"]

    @property
    def lifted(self) -> Vectors:
        """Where secondary rays start."""
        return self.point + np.float32(OFFSET_M) * self.normal


class RaycastRenderer:
    """Draws a view, (height, width, 3) uint8 sRGB, from `supersampling` squared samples a pixel.

    Every sample casts `shadow_rays` to each light and `occlusion_rays` into its surroundings.
    """

    def __init__(self, *, supersampling: int = 2, shadow_rays: int = 1, occlusion_rays: int = 1):
        self._factor, self._shadow_rays, self._occlusion_rays = supersampling, shadow_rays, occlusion_rays
        # What an id stands for is kept beside what was made of it: an id is only unique among living objects.
        self._pyramids: dict[int, tuple[np.ndarray, list[np.ndarray]]] = {}
        self._last: tuple[Geometry, Triangles] | None = None

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
        triangles = self._triangles(geometry)
        samples, rays = _surface_samples(geometry, triangles, caster, camera, uv)
        albedo, emission, gloss = self._surface(geometry, triangles, samples, camera)
        direct, shine, fill = self._direct(samples, caster, lights, look, rng=rng)
        openness = self._openness(samples, caster, rng=rng)
        smooth = _denoise(np.concatenate([direct, shine[:, None], openness[:, None]], axis=1), samples)
        light = smooth[:, :3] + _ambient(samples, smooth[:, 4], fill, albedo)
        lit = albedo * (light + emission[:, None]) + (gloss * smooth[:, 3])[:, None] * _tint(fill)
        radiance = np.empty((len(rays), 3), np.float32)
        radiance[samples.hit] = lit
        radiance[~samples.hit] = _sky(rays[~samples.hit]) * (SKY_BRIGHTNESS * (_mean_log(lit) if len(lit) else 1.0))
        grid = radiance.reshape(camera.height, self._factor, camera.width, self._factor, 3)
        return develop(grid.mean(axis=(1, 3)), samples.hit.reshape(grid.shape[:-1]).mean(axis=(1, 3)) > 0.5, look)

    def _triangles(self, geometry: Geometry) -> Triangles:
        """Facts of all triangles, kept for the next view of the same scene."""
        if self._last is None or self._last[0] is not geometry:
            self._last = (geometry, _triangle_facts(geometry))
        return self._last[1]

    def _direct(
        self, samples: Samples, caster: RayCaster, lights: tuple[Light, ...], look: ViewLook, *, rng: np.random.Generator
    ) -> tuple[Rgb, Scalar, Float[np.ndarray, "3"]]:
        """Irradiance over pi, the strength of a highlight on gloss 1, and what all lights send out together."""
        direct, shine = np.zeros((len(samples.triangle), 3), np.float32), np.zeros(len(samples.triangle), np.float32)
        fill = np.zeros(3, np.float32)
        for light, gain in zip(lights, look.light_gain, strict=True):
            color = (light.radiance * gain).astype(np.float32)
            fill += color * np.float32(_power(light))
            for jitter in self._strata(samples, self._shadow_rays, rng=rng):
                strength, sharp = _received(light, samples, caster, jitter)
                direct += strength[:, None] * (color / self._shadow_rays)
                shine += strength * sharp * (float(color @ LUMA) / self._shadow_rays)
        return direct, shine, fill

    def _openness(self, samples: Samples, caster: RayCaster, *, rng: np.random.Generator) -> Scalar:
        """1 in the open, towards 0 in corners: cosine-distributed rays of limited reach."""
        openness = np.zeros(len(samples.triangle), np.float32)
        for jitter in self._strata(samples, self._occlusion_rays, rng=rng):
            z, angle = 2 * jitter[:, 0] - 1, np.float32(2 * np.pi) * jitter[:, 1]
            radius = np.sqrt(np.maximum(1 - z * z, 0)) * np.float32(0.999)
            # A point of the unit sphere added to the normal is cosine-distributed about it.
            ball = np.stack([radius * np.cos(angle), radius * np.sin(angle), z * np.float32(0.999)], axis=1)
            directions = _unit(samples.normal + ball)
            reach = rng.uniform(0.1, OCCLUSION_REACH_M, len(directions)).astype(np.float32)
            openness += 1 - 0.85 * caster.occluded(samples.lifted, directions, reach).astype(np.float32)
        return openness / self._occlusion_rays

    @staticmethod
    def _strata(samples: Samples, rays: int, *, rng: np.random.Generator) -> Iterator[Float[np.ndarray, "samples 2"]]:
        """Random places in the unit square, once for each ray: every 4 x 4 block of samples covers all 16 cells of it."""
        rows, columns = samples.grid
        for _ in range(rays):
            cell = np.tile(rng.permutation(16).reshape(4, 4), (rows // 4 + 1, columns // 4 + 1))[:rows, :columns]
            corner = np.stack([cell % 4, cell // 4], axis=-1).reshape(-1, 2)[samples.hit]
            yield ((corner + rng.random(corner.shape, dtype=np.float32)) / 4).astype(np.float32)

    def _surface(self, geometry: Geometry, triangles: Triangles, samples: Samples, camera: Camera) -> tuple[Rgb, Scalar, Scalar]:
        """Linear albedo, emission and gloss of each sample; textures by mip level and bilinear lookup."""
        material = geometry.material[samples.triangle]
        albedo, emission, gloss = (column[material] for column in _material_table(geometry.materials))
        cosine = np.maximum(np.abs(_dot(samples.normal, samples.to_eye)), 0.15)
        footprint = samples.depth / np.float32(camera.K[0, 0] * self._factor) / np.sqrt(cosine)
        level = np.log2(np.maximum(triangles.density[samples.triangle] * footprint, 1e-9))
        order = np.argsort(material, kind="stable")
        borders = np.flatnonzero(np.diff(material[order])) + 1
        for group in np.split(order, borders) if len(order) else []:
            texture = geometry.materials[material[group[0]]].texture
            if texture is not None:
                albedo[group] *= self._lookup(texture, samples.uv[group], level[group])
        return albedo, emission, gloss

    def _lookup(self, texture: Texture, uv: Float[np.ndarray, "samples 2"], level: Scalar) -> Rgb:
        """`level` is log2 of the texture repeats that a sample covers."""
        pyramid = self._pyramid(texture)
        chosen = np.clip(np.round(level + np.log2(max(texture.shape[:2]))), 0, len(pyramid) - 1).astype(int)
        out = np.empty((len(uv), 3), np.float32)
        for number in np.unique(chosen):
            at = chosen == number
            out[at] = _bilinear(pyramid[number], uv[at])
        return out

    def _pyramid(self, texture: Texture) -> list[np.ndarray]:
        """Linear-light copies of a texture, each half the one before; the oldest are dropped beyond PYRAMID_BYTES."""
        if id(texture) not in self._pyramids:
            self._pyramids[id(texture)] = (texture, _mip_levels(texture))
            sizes = {key: sum(level.nbytes for level in kept[1]) for key, kept in self._pyramids.items()}
            excess = sum(sizes.values()) - PYRAMID_BYTES
            for key in list(sizes)[:-1]:
                if excess <= 0:
                    break
                excess -= sizes[key]
                del self._pyramids[key]
        return self._pyramids[id(texture)][1]


def _dot(a: Vectors, b: Vectors) -> Scalar:
    """Row by row; faster than einsum or a sum over so short an axis."""
    total: np.ndarray = a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2]
    return total


def _unit(vectors: Vectors) -> Vectors:
    scaled: np.ndarray = vectors / np.maximum(np.sqrt(_dot(vectors, vectors)), np.float32(1e-6))[:, None]
    return scaled


def _mean_log(radiance: Rgb) -> float:
    """The geometric mean of the luminance, which a few bright spots do not move."""
    return float(np.exp(np.mean(np.log(radiance @ LUMA + 1e-4))))


def _tint(color: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """A colour brought to luminance 1."""
    tint: np.ndarray = color / np.maximum(color @ LUMA, np.float32(1e-6))
    return tint


def _triangle_facts(geometry: Geometry) -> Triangles:
    corners, uv = geometry.corners.astype(np.float32), geometry.uv
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    (u1, v1), (u2, v2) = (uv[:, 1] - uv[:, 0]).T, (uv[:, 2] - uv[:, 0]).T
    density = np.sqrt(np.abs(u1 * v2 - u2 * v1) / np.maximum(area, 1e-12))
    return Triangles(triangle_normals(geometry.corners).astype(np.float32), density.astype(np.float32))


def _surface_samples(
    geometry: Geometry, triangles: Triangles, caster: RayCaster, camera: Camera, uv: Float[np.ndarray, "rows columns 2"]
) -> tuple[Samples, Float[np.ndarray, "all 3"]]:
    rays = camera.rays(uv.reshape(-1, 2))
    origins = np.broadcast_to(camera.centre, rays.shape)
    hits = exact_hits(geometry.corners, caster.first_triangle(origins, rays), origins, rays)
    hit = hits.triangle >= 0
    triangle, depth = hits.triangle[hit], hits.t[hit]
    point = (camera.centre + depth[:, None] * rays[hit]).astype(np.float32)
    to_eye = _unit(-rays[hit].astype(np.float32))
    w = hits.barycentric[hit].astype(np.float32)
    weights = np.stack([1 - w[:, 0] - w[:, 1], w[:, 0], w[:, 1]], axis=1)
    normal = triangles.normal[triangle]
    normal *= np.where(_dot(normal, to_eye) < 0, np.float32(-1), np.float32(1))[:, None]
    shading = _unit(_interpolated(geometry.normals, triangle, weights))
    shading *= np.where(_dot(shading, normal) < 0, np.float32(-1), np.float32(1))[:, None]
    texel = _interpolated(geometry.uv, triangle, weights)
    return Samples(uv.shape[:2], hit, triangle, depth.astype(np.float32), point, normal, shading, to_eye, texel), rays


def _interpolated(
    values: Float[np.ndarray, "triangles 3 channels"], triangle: Int[np.ndarray, " samples"], weights: Vectors
) -> Float[np.ndarray, "samples channels"]:
    """Values at corners, mixed by barycentric weights."""
    mixed: np.ndarray = sum(weights[:, k, None] * values[triangle, k] for k in range(3))
    return mixed


def _received(light: Light, samples: Samples, caster: RayCaster, jitter: Float[np.ndarray, "samples 2"]) -> tuple[Scalar, Scalar]:
    """Irradiance over pi of one light of radiance 1 with its shadow, and how near the mirror direction it lies, in [0, 1]."""
    towards, distance, strength = _towards_light(light, samples.point, 2 * jitter - 1)
    strength = strength * np.maximum(_dot(samples.shading_normal, towards), 0)
    seen = np.flatnonzero((strength > 1e-5) & (_dot(samples.normal, towards) > 0))
    blocked = caster.occluded(samples.lifted[seen], towards[seen], distance[seen] - np.float32(2 * OFFSET_M))
    received = np.zeros_like(strength)
    received[seen] = strength[seen] * ~blocked
    halfway = _unit(towards + samples.to_eye)
    return received, np.maximum(_dot(samples.shading_normal, halfway), 0) ** 48


def _towards_light(light: Light, point: Vectors, place: Float[np.ndarray, "samples 2"]) -> tuple[Vectors, Scalar, Scalar]:
    """Unit direction and distance to a place in [-1, 1] squared of the light, and its strength but for the receiver's cosine."""
    u, v = light.u.astype(np.float32), light.v.astype(np.float32)
    reached = light.position.astype(np.float32) + (place[:, :1] * u + place[:, 1:] * v) * np.float32(_softness(light))
    if light.kind == "sun":
        return _unit(reached), np.full(len(point), 50.0, np.float32), np.ones(len(point), np.float32)
    offset = reached - point
    distance = np.maximum(np.sqrt(_dot(offset, offset)), np.float32(0.05))
    directions = offset / distance[:, None]
    facing = np.cross(u, v)
    # area times the cosine at the light, in one product
    cosine = np.maximum(-(directions @ facing), 0)
    return directions, distance, 4 * cosine / (np.float32(np.pi) * distance**2)


def _softness(light: Light) -> float:
    """Half width of what sends out light, in units of `u` and `v`: a sun's edge is made soft, if less than it is at dusk."""
    return 0.02 if light.kind == "sun" else 1.0


def _power(light: Light) -> float:
    return 0.3 if light.kind == "sun" else float(4 * np.linalg.norm(np.cross(light.u, light.v)))


def _ambient(samples: Samples, openness: Scalar, fill: Float[np.ndarray, "3"], albedo: Rgb) -> Rgb:
    """What the room gives back: the lights' colour times the mean colour of what is seen, a little stronger from above."""
    if not len(albedo):
        return albedo
    back = 0.55 + 0.45 * _tint(albedo.mean(axis=0))
    upward = np.float32(0.85) + np.float32(0.15) * (np.float32(0.5) + np.float32(0.5) * samples.shading_normal[:, 2])
    ambient: np.ndarray = (openness * upward)[:, None] * (fill * np.float32(BOUNCE) * back)
    return ambient


def _denoise(light: Float[np.ndarray, "samples channels"], samples: Samples) -> Float[np.ndarray, "samples channels"]:
    """Edge-avoiding a-trous filter (Dammertz et al. 2010) over the grid of samples, guided by normals and planes.

    Planes of one channel each, because numpy is slow along short last axes.
    """
    rows, columns = samples.grid
    planes = np.zeros((light.shape[1] + 7, rows * columns), np.float32)
    planes[:, samples.hit] = np.concatenate([light, samples.normal, samples.point, samples.depth[:, None]], axis=1).T
    image = planes.reshape(-1, rows, columns)
    # Where nothing was hit the normal is zero, so that no weight crosses into it.
    values, guide = image[: light.shape[1]], image[light.shape[1] :]
    for step in (1, 2, 4, 8):
        values = _a_trous(values, guide, step)
    return values.reshape(len(values), -1)[:, samples.hit].T


def _a_trous(
    values: Float[np.ndarray, "channels rows columns"], guide: Float[np.ndarray, "7 rows columns"], step: int
) -> Float[np.ndarray, "channels rows columns"]:
    """One pass. Weights are symmetric, so each of the four pairs of opposite neighbours is weighed once."""
    total, weight = values.copy(), np.ones(values.shape[1:], np.float32)
    for dy, dx in ((0, 1), (1, -1), (1, 0), (1, 1)):
        here, there = _shifted(dy * step, dx * step, values.shape[1:])
        w = _likeness(guide[:, *here], guide[:, *there]) * np.float32(0.5 if dy and dx else 0.75)
        weight[here] += w
        weight[there] += w
        for channel, source in zip(total, values, strict=True):
            channel[here] += w * source[there]
            channel[there] += w * source[here]
    return total / weight


def _likeness(a: Float[np.ndarray, "7 rows columns"], b: Float[np.ndarray, "7 rows columns"]) -> Float[np.ndarray, "rows columns"]:
    """1 for samples of one smooth surface, 0 across edges; a guide holds normal, point and depth."""
    alike = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    off_plane = a[0] * (a[3] - b[3]) + a[1] * (a[4] - b[4]) + a[2] * (a[5] - b[5])
    return np.clip(alike * 8 - 7, 0, 1) * (np.abs(off_plane) < 0.006 * (a[6] + b[6]))


def _shifted(dy: int, dx: int, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Slices of all places whose neighbour at (dy, dx) exists, and of those neighbours."""

    def along(d: int, size: int) -> tuple[slice, slice]:
        return slice(max(-d, 0), size - max(d, 0)), slice(max(d, 0), size - max(-d, 0))

    (y0, y1), (x0, x1) = along(dy, shape[0]), along(dx, shape[1])
    return (y0, x0), (y1, x1)


def _material_table(materials: tuple[Material, ...]) -> tuple[Rgb, Scalar, Scalar]:
    """Linear colour, emission and gloss, a row for each material."""
    colors = _to_linear(np.array([m.color for m in materials], np.float32))
    return colors, np.array([m.emission for m in materials], np.float32), np.array([m.gloss for m in materials], np.float32)


def _mip_levels(texture: Texture) -> list[np.ndarray]:
    levels = [_to_linear(np.arange(256, dtype=np.float32) / 255)[texture]]
    while min(levels[-1].shape[:2]) >= 8:
        last = levels[-1]
        last = last[: last.shape[0] // 2 * 2, : last.shape[1] // 2 * 2]
        levels.append((last[::2, ::2] + last[1::2, ::2] + last[::2, 1::2] + last[1::2, 1::2]) / 4)
    return levels


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


def _sky(rays: Float[np.ndarray, "rays 3"]) -> Float[np.ndarray, "rays 3"]:
    """A blue sky with soft clouds over far hills and meadows, around luminance 1, by direction alone."""
    d = _unit(rays.astype(np.float32))
    up, angle = d[:, 2], np.arctan2(d[:, 1], d[:, 0])
    clouds = np.clip(0.9 * _waves(angle, up, ((3, 5), (7, -11), (13, 23), (29, 41))) + 0.25, 0, 1)[:, None]
    clear = np.array([0.62, 0.80, 1.02]) + np.clip(up, 0, 1)[:, None] * np.array([-0.36, -0.26, -0.05])
    sky = clear * (1 - clouds) + 1.25 * clouds
    shade = _waves(angle, up, ((11, 60), (31, -90), (67, 170)))[:, None]
    ground = np.array([0.20, 0.27, 0.13]) * (1 + 0.45 * shade) + 0.10 * np.clip(1 + 5 * up, 0, 1)[:, None]
    ridge = 0.035 + 0.03 * _waves(angle, 0 * up, ((4, 0), (9, 0), (23, 0), (61, 0)))
    blend = np.clip((up - ridge) * 90 + 0.5, 0, 1)[:, None]
    mixed: np.ndarray = blend * sky + (1 - blend) * ground
    return mixed.astype(np.float32)


def _waves(angle: Scalar, up: Scalar, frequencies: tuple[tuple[int, int], ...]) -> Scalar:
    """A sum of sines of falling strength, about in [-1, 1]; whole turns, so that it closes around the horizon."""
    total = sum(np.sin(a * angle + z * up + 1.7 * k) / (1 + 0.5 * k) for k, (a, z) in enumerate(frequencies))
    waves: np.ndarray = total / np.sqrt(len(frequencies))
    return waves


def _to_linear(srgb: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """sRGB in [0, 1] to linear light (IEC 61966-2-1)."""
    linear: np.ndarray = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return linear


def develop(
    radiance: Float[np.ndarray, "height width 3"], indoors: Bool[np.ndarray, "height width"], look: ViewLook
) -> UInt8[np.ndarray, "height width 3"]:
    """Expose by the mean log luminance of the room (not of the sky), then a filmic curve and sRGB."""
    exposure = TARGET_LUMINANCE / _mean_log(radiance[indoors] if indoors.any() else radiance.reshape(-1, 3))
    film = _film(radiance * (exposure * 2.0**look.exposure_ev * look.white_balance))
    srgb = np.where(film <= 0.0031308, film * 12.92, 1.055 * film ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(np.clip(srgb, 0, 1) * 255), np.uint8)


def _film(x: Float[np.ndarray, "height width 3"]) -> Float[np.ndarray, "height width 3"]:
    """A toe by a power about middle grey, then Reinhard's shoulder with white at 5: gentler on colours than ACES fits."""
    toned = 0.18 * (np.maximum(x, 0) / 0.18) ** 1.3 * 1.25
    shoulder: np.ndarray = np.clip(toned * (1 + toned / 25) / (1 + toned), 0, 1)
    return shoulder
