"""Compiled loops of the renderer `raycast`: surfaces at samples, secondary rays, lights, and the filter of their noise."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, no_type_check

import numpy as np
from jaxtyping import Float, Int

from pixbench.geometry.rays import AHEAD
from pixbench.jit import kernel, prefetch

from ..scene import Geometry, Light
from .texture_atlas import LINEAR, Atlas

if TYPE_CHECKING:
    from .raycast import Samples

    AnySamples = Samples
else:
    AnySamples = Any

SUN_SOFTNESS = 0.02
"""Half width of the sun's disc in radians: made soft, if less than it is at dusk."""

FILTER_STEPS = (1, 2, 4)
NO_COLOR = np.zeros((0, 3, 3), np.uint8)

Rgb = Float[np.ndarray, "samples 3"]
Scalar = Float[np.ndarray, " samples"]


@dataclass(frozen=True, eq=False)
class Rays:
    """Secondary rays, and the sample that each starts from. `reach` is in metres: directions are unit vectors."""

    sample: Int[np.ndarray, " rays"]
    origin: Float[np.ndarray, "rays 3"]
    direction: Float[np.ndarray, "rays 3"]
    reach: Float[np.ndarray, " rays"]

    @classmethod
    def empty(cls, most: int) -> "Rays":
        """Room for `most` rays."""
        return cls(np.empty(most, np.int32), np.empty((most, 3), np.float32), np.empty((most, 3), np.float32), np.empty(most, np.float32))

    def first(self, count: int) -> "Rays":
        """The first `count` of them."""
        return Rays(self.sample[:count], self.origin[:count], self.direction[:count], self.reach[:count])


def fill_samples(
    geometry: Geometry,
    triangle: Int[np.ndarray, " samples"],
    centre: Float[np.ndarray, "3"],
    directions: Float[np.ndarray, "samples 3"],
    pixel_angle: float,
    samples: AnySamples,
) -> None:
    """Points, normals and texture coordinates of samples, interpolated at the exact hit of each with its triangle."""
    _fill_samples(
        geometry.corners, geometry.normals, geometry.uv, geometry.material,
        NO_COLOR if geometry.color is None else geometry.color, LINEAR,
        triangle, centre, directions, pixel_angle,
        samples.material, samples.point, samples.depth, samples.normal, samples.shading_normal, samples.to_eye,
        samples.texel, samples.tint, samples.level,
    )  # fmt: skip


@kernel
@no_type_check
def _fill_samples(
    corners, normals, texels, materials, colors, linear, triangle, centre, directions, pixel_angle,
    material, point, depth, normal, shading_normal, to_eye, texel, tint, level,
):  # fmt: skip
    for i in range(len(triangle)):
        ahead = triangle[min(i + AHEAD, len(triangle) - 1)]
        if ahead >= 0:
            prefetch(corners, ahead)
            if len(colors):
                prefetch(colors, ahead)
        k = triangle[i]
        if k < 0:
            material[i], depth[i], level[i] = -1, 0.0, 0.0
            point[i], normal[i], shading_normal[i], to_eye[i], texel[i] = 0.0, 0.0, 0.0, 0.0, 0.0
            continue
        material[i] = materials[k]
        corner = corners[k]
        ax, ay, az = np.float64(corner[0, 0]), np.float64(corner[0, 1]), np.float64(corner[0, 2])
        e1x, e1y, e1z = corner[1, 0] - ax, corner[1, 1] - ay, corner[1, 2] - az
        e2x, e2y, e2z = corner[2, 0] - ax, corner[2, 1] - ay, corner[2, 2] - az
        dx, dy, dz = directions[i, 0], directions[i, 1], directions[i, 2]
        sx, sy, sz = centre[0] - ax, centre[1] - ay, centre[2] - az
        px, py, pz = dy * e2z - dz * e2y, dz * e2x - dx * e2z, dx * e2y - dy * e2x
        qx, qy, qz = sy * e1z - sz * e1y, sz * e1x - sx * e1z, sx * e1y - sy * e1x
        determinant = e1x * px + e1y * py + e1z * pz
        inverse = 1.0 / determinant if determinant != 0 else 0.0
        t = (e2x * qx + e2y * qy + e2z * qz) * inverse
        v = min(max((sx * px + sy * py + sz * pz) * inverse, 0.0), 1.0)
        w = min(max((dx * qx + dy * qy + dz * qz) * inverse, 0.0), 1.0)
        u = 1.0 - v - w
        nx, ny, nz = e1y * e2z - e1z * e2y, e1z * e2x - e1x * e2z, e1x * e2y - e1y * e2x
        area = np.sqrt(nx * nx + ny * ny + nz * nz)
        length = np.sqrt(dx * dx + dy * dy + dz * dz)
        scale = 1.0 / max(area, 1e-30)
        # Normals look at the camera; shading normals look where their triangle's does.
        facing = (nx * dx + ny * dy + nz * dz) * scale / length
        if facing > 0:
            scale = -scale
        nx, ny, nz = nx * scale, ny * scale, nz * scale
        normal[i, 0], normal[i, 1], normal[i, 2] = nx, ny, nz
        mx = u * normals[k, 0, 0] + v * normals[k, 1, 0] + w * normals[k, 2, 0]
        my = u * normals[k, 0, 1] + v * normals[k, 1, 1] + w * normals[k, 2, 1]
        mz = u * normals[k, 0, 2] + v * normals[k, 1, 2] + w * normals[k, 2, 2]
        size = np.sqrt(mx * mx + my * my + mz * mz)
        if size < 1e-6:
            mx, my, mz = nx, ny, nz
        else:
            turn = -1.0 / size if mx * nx + my * ny + mz * nz < 0 else 1.0 / size
            mx, my, mz = mx * turn, my * turn, mz * turn
        shading_normal[i, 0], shading_normal[i, 1], shading_normal[i, 2] = mx, my, mz
        depth[i] = t
        for axis in range(3):
            point[i, axis] = centre[axis] + t * directions[i, axis]
            to_eye[i, axis] = -directions[i, axis] / length
        u1, v1 = texels[k, 1, 0] - texels[k, 0, 0], texels[k, 1, 1] - texels[k, 0, 1]
        u2, v2 = texels[k, 2, 0] - texels[k, 0, 0], texels[k, 2, 1] - texels[k, 0, 1]
        for axis in range(2):
            texel[i, axis] = u * texels[k, 0, axis] + v * texels[k, 1, axis] + w * texels[k, 2, axis]
        density = np.sqrt(abs(u1 * v2 - u2 * v1) / max(area, 1e-12))
        footprint = t * pixel_angle / np.sqrt(max(abs(facing), 0.15))
        level[i] = np.log2(max(density * footprint, 1e-9))
        if len(colors):
            for axis in range(3):
                mixed = u * colors[k, 0, axis] + v * colors[k, 1, axis] + w * colors[k, 2, axis]
                tint[i, axis] = linear[int(min(max(mixed, 0.0), 255.0) + 0.5)]


def occlusion_rays(samples: AnySamples, numbers: Float[np.ndarray, "samples 3"], reach_m: tuple[float, float], offset_m: float) -> Rays:
    """A cosine-distributed ray from each sample, its reach uniform within `reach_m`."""
    rays = Rays.empty(len(numbers))
    count = _occlusion_rays(
        samples.material, samples.point, samples.normal, numbers, reach_m[0], reach_m[1], offset_m,
        rays.sample, rays.origin, rays.direction, rays.reach,
    )  # fmt: skip
    return rays.first(count)


@kernel
@no_type_check
def _occlusion_rays(material, point, normal, numbers, nearest, farthest, offset, sample, origin, direction, reach):
    count = 0
    for i in range(len(material)):
        if material[i] < 0:
            continue
        # A point on the sphere that touches the surface in the sample: directions to it are cosine-distributed.
        z = 2.0 * numbers[i, 0] - 1.0
        ring, angle = np.sqrt(max(1.0 - z * z, 0.0)), 2.0 * np.pi * numbers[i, 1]
        x, y, z = normal[i, 0] + 0.999 * ring * np.cos(angle), normal[i, 1] + 0.999 * ring * np.sin(angle), normal[i, 2] + 0.999 * z
        scale = 1.0 / np.sqrt(x * x + y * y + z * z)
        direction[count, 0], direction[count, 1], direction[count, 2] = x * scale, y * scale, z * scale
        for axis in range(3):
            origin[count, axis] = point[i, axis] + offset * normal[i, axis]
        reach[count] = nearest + (farthest - nearest) * numbers[i, 2]
        sample[count] = i
        count += 1
    return count


def shadow_rays(samples: AnySamples, light: Light, numbers: Float[np.ndarray, "numbers 2"], offset_m: float) -> Rays:
    """Rays from the samples that face a light to a place of it: one row of numbers in [0, 1] for each sample, or one for all."""
    rays = Rays.empty(len(samples.material))
    count = _shadow_rays(
        samples.material, samples.point, samples.normal, samples.shading_normal, *_plain(light), numbers, offset_m,
        rays.sample, rays.origin, rays.direction, rays.reach,
    )  # fmt: skip
    return rays.first(count)


def _plain(light: Light) -> tuple[bool, np.ndarray, np.ndarray, np.ndarray]:
    """A light as compiled code takes it: whether it is a sun, its place or direction, its half axes."""
    sun = light.kind == "sun"
    softness = SUN_SOFTNESS if sun else 1.0
    return sun, light.position.astype(np.float32), (light.u * softness).astype(np.float32), (light.v * softness).astype(np.float32)


@kernel
@no_type_check
def _shadow_rays(material, point, normal, shading_normal, sun, position, u, v, numbers, offset, sample, origin, direction, reach):
    count = 0
    fx, fy, fz = u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]
    for i in range(len(material)):
        if material[i] < 0:
            continue
        number = i if len(numbers) > 1 else 0
        a, b = 2.0 * numbers[number, 0] - 1.0, 2.0 * numbers[number, 1] - 1.0
        x, y, z = position[0] + a * u[0] + b * v[0], position[1] + a * u[1] + b * v[1], position[2] + a * u[2] + b * v[2]
        far = np.float32(50.0)
        if not sun:
            x, y, z = x - point[i, 0], y - point[i, 1], z - point[i, 2]
        length = max(np.sqrt(x * x + y * y + z * z), 1e-6)
        if not sun:
            far = length
            if x * fx + y * fy + z * fz >= 0:
                continue
        x, y, z = x / length, y / length, z / length
        if x * normal[i, 0] + y * normal[i, 1] + z * normal[i, 2] <= 0:
            continue
        if x * shading_normal[i, 0] + y * shading_normal[i, 1] + z * shading_normal[i, 2] <= 0:
            continue
        direction[count, 0], direction[count, 1], direction[count, 2] = x, y, z
        for axis in range(3):
            origin[count, axis] = point[i, axis] + offset * normal[i, axis]
        reach[count] = far - 2 * offset
        sample[count] = i
        count += 1
    return count


def power(light: Light) -> float:
    """What a light of radiance 1 sends into the room, up to a factor common to all."""
    return 0.3 if light.kind == "sun" else float(4 * np.linalg.norm(np.cross(light.u, light.v)))


def add_light(
    samples: AnySamples, atlas: Atlas, light: Light, color: Float[np.ndarray, "3"], visibility: Scalar, direct: Rgb, shine: Rgb
) -> None:
    """Add a light's irradiance over pi, and its highlight for a surface with gloss 1, as far as it is seen."""
    _add_light(
        samples.material, samples.point, samples.shading_normal, samples.to_eye, atlas.gloss, atlas.exponent,
        *_plain(light), color, visibility, direct, shine,
    )  # fmt: skip


@kernel
@no_type_check
def _add_light(material, point, normal, to_eye, gloss, exponent, sun, position, u, v, color, visibility, direct, shine):
    fx, fy, fz = u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]
    places = 1 if sun else 4
    for i in range(len(material)):
        if material[i] < 0 or visibility[i] <= 0:
            continue
        m = material[i]
        received, mirrored = np.float32(0.0), np.float32(0.0)
        # An area light is four lights, at the middles of its quarters.
        for place in range(places):
            a, b = np.float32((place & 1) - 0.5), np.float32((place >> 1) - 0.5)
            if sun:
                a, b = np.float32(0.0), np.float32(0.0)
            x, y, z = position[0] + a * u[0] + b * v[0], position[1] + a * u[1] + b * v[1], position[2] + a * u[2] + b * v[2]
            if not sun:
                x, y, z = x - point[i, 0], y - point[i, 1], z - point[i, 2]
            square = max(x * x + y * y + z * z, np.float32(0.0025))
            scale = np.float32(1.0) / np.sqrt(square)
            x, y, z = x * scale, y * scale, z * scale
            cosine = x * normal[i, 0] + y * normal[i, 1] + z * normal[i, 2]
            strength = np.float32(1.0)
            if not sun:
                # The rectangle's area, 4 |u x v|, times the cosine at the light, in one product.
                strength = max(-(x * fx + y * fy + z * fz), np.float32(0.0)) * np.float32(4.0 / np.pi) / square
            if cosine <= 0 or strength <= 0:
                continue
            received += strength * cosine
            if gloss[m] > 0:
                hx, hy, hz = x + to_eye[i, 0], y + to_eye[i, 1], z + to_eye[i, 2]
                half = np.float32(1.0) / np.sqrt(max(hx * hx + hy * hy + hz * hz, np.float32(1e-12)))
                along = max((hx * normal[i, 0] + hy * normal[i, 1] + hz * normal[i, 2]) * half, np.float32(0.0))
                mirrored += strength * cosine * along ** exponent[m]
        share = visibility[i] / places
        for k in range(3):
            direct[i, k] += received * share * color[k]
            shine[i, k] += mirrored * share * color[k]


def compose(
    samples: AnySamples, atlas: Atlas, albedo: Rgb, openness: Scalar, fill: Float[np.ndarray, "3"], direct: Rgb, shine: Rgb, radiance: Rgb
) -> None:
    """Radiance towards the camera. The room gives back the lights' colour times its own mean colour, a little more from above."""
    mean = albedo[samples.material >= 0].mean(axis=0) if (samples.material >= 0).any() else np.ones(3)
    back = (0.55 + 0.45 * mean / max(float(mean.mean()), 1e-6)).astype(np.float32)
    _compose(samples.material, samples.shading_normal, atlas.emission, atlas.gloss, albedo, openness, fill * back, direct, shine, radiance)


@kernel
@no_type_check
def _compose(material, normal, emission, gloss, albedo, openness, fill, direct, shine, radiance):
    for i in range(len(material)):
        m = material[i]
        if m < 0:
            radiance[i] = 0.0
            continue
        upward = np.float32(0.925) + np.float32(0.075) * normal[i, 2]
        for k in range(3):
            ambient = openness[i] * upward * fill[k]
            radiance[i, k] = albedo[i, k] * (ambient + direct[i, k] + emission[m]) + gloss[m] * shine[i, k]


def pixel_means(radiance: Float[np.ndarray, "rows columns 3"], height: int, width: int) -> Float[np.ndarray, "height width 3"]:
    """The mean over the samples of each pixel."""
    means = np.zeros((height, width, 3), np.float32)
    _pixel_means(radiance, radiance.shape[0] // height, means)
    return means


@kernel
@no_type_check
def _pixel_means(radiance, factor, means):
    share = np.float32(1.0 / factor**2)
    for row in range(radiance.shape[0]):
        for column in range(radiance.shape[1]):
            for k in range(3):
                means[row // factor, column // factor, k] += share * radiance[row, column, k]


def smooth(values: Float[np.ndarray, "channels samples"], samples: AnySamples) -> Float[np.ndarray, "channels samples"]:
    """Edge-avoiding a-trous filter (Dammertz et al. 2010) over the grid of samples, guided by normals and planes."""
    rows, columns = samples.grid
    guide = np.empty((7, rows, columns), np.float32)
    _guide(samples.normal, samples.point, samples.depth, guide.reshape(7, -1))
    image = values.reshape(len(values), rows, columns)
    weight, total = np.empty((rows, columns), np.float32), np.empty_like(image)
    for step in FILTER_STEPS:
        _a_trous(image, guide, step, weight, total)
        image, total = total, image
    return image.reshape(len(values), -1)


@kernel
@no_type_check
def _guide(normal, point, depth, guide):
    for i in range(len(depth)):
        for axis in range(3):
            guide[axis, i], guide[3 + axis, i] = normal[i, axis], point[i, axis]
        guide[6, i] = depth[i]


@kernel
@no_type_check
def _a_trous(image, guide, step, weight, total):
    """One pass, row by row and neighbour by neighbour, so that the inner loops run over columns without a branch."""
    channels, rows, columns = image.shape
    like = np.empty(columns, np.float32)
    for row in range(rows):
        weight[row, :] = np.float32(1.0)
        for c in range(channels):
            total[c, row, :] = image[c, row, :]
        for dy in range(-1, 2):
            other = row + dy * step
            if other < 0 or other >= rows:
                continue
            for dx in range(-1, 2):
                if dy == 0 and dx == 0:
                    continue
                shift = dx * step
                low, high = max(0, -shift), min(columns, columns - shift)
                if high <= low:
                    continue
                near = np.float32(0.5) if dy != 0 and dx != 0 else np.float32(0.75)
                _likeness(guide, row, other, low, high, shift, near, like)
                weigh = weight[row]
                for x in range(low, high):
                    weigh[x] += like[x]
                for c in range(channels):
                    target, source = total[c, row], image[c, other]
                    for x in range(low, high):
                        target[x] += like[x] * source[x + shift]
        for c in range(channels):
            target, weigh = total[c, row], weight[row]
            for x in range(columns):
                target[x] /= weigh[x]


@kernel
@no_type_check
def _likeness(guide, row, other, low, high, shift, near, like):
    """Weights of the samples at `shift` in another row: `near` on one smooth surface, 0 across edges and where nothing was hit."""
    ax, ay, az, apx, apy, apz, ad = (
        guide[0, row], guide[1, row], guide[2, row], guide[3, row], guide[4, row], guide[5, row], guide[6, row],
    )  # fmt: skip
    bx, by, bz, bpx, bpy, bpz, bd = (
        guide[0, other], guide[1, other], guide[2, other], guide[3, other], guide[4, other], guide[5, other], guide[6, other],
    )  # fmt: skip
    for x in range(low, high):
        y = x + shift
        alike = (ax[x] * bx[y] + ay[x] * by[y] + az[x] * bz[y]) * np.float32(8.0) - np.float32(7.0)
        off = ax[x] * (apx[x] - bpx[y]) + ay[x] * (apy[x] - bpy[y]) + az[x] * (apz[x] - bpz[y])
        alike = min(max(alike, np.float32(0.0)), np.float32(1.0))
        like[x] = near * alike if abs(off) < np.float32(0.006) * (ad[x] + bd[y]) else np.float32(0.0)
