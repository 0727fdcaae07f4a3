"""Secondary rays of the renderer `raycast`: from surface samples into the room around them, and towards lights."""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int

from pixbench.jit import kernel

from ..scene import Light
from .lighting import light_arguments
from .surface_samples import SurfaceSamples


@dataclass(frozen=True, eq=False)
class Rays:
    """Secondary rays, and the index of the sample that each starts at. `direction` are unit vectors, `reach` is in metres."""

    sample: Int[np.ndarray, " rays"]
    origin: Float[np.ndarray, "rays 3"]
    direction: Float[np.ndarray, "rays 3"]
    reach: Float[np.ndarray, " rays"]

    @classmethod
    def empty(cls, most: int) -> "Rays":
        """Uninitialised arrays for at most `most` rays."""
        return cls(np.empty(most, np.int32), np.empty((most, 3), np.float32), np.empty((most, 3), np.float32), np.empty(most, np.float32))

    def first(self, count: int) -> "Rays":
        """The first `count` rays (views)."""
        return Rays(self.sample[:count], self.origin[:count], self.direction[:count], self.reach[:count])


def occlusion_rays(samples: SurfaceSamples, numbers: Float[np.ndarray, "samples 3"], reach_m: tuple[float, float], offset_m: float) -> Rays:
    """One cosine-distributed ray from each sample that hit a surface; `numbers` are uniform in [0, 1], reaches uniform in `reach_m`."""
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
        # Directions to uniform points of the sphere that touches the surface at the sample are cosine-distributed.
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


def shadow_rays(samples: SurfaceSamples, light: Light, numbers: Float[np.ndarray, "numbers 2"], offset_m: float) -> Rays:
    """Rays from the samples that face a light to a point of it: `numbers` in [0, 1] has a row for each sample, or one for all."""
    rays = Rays.empty(len(samples.material))
    count = _shadow_rays(
        samples.material, samples.point, samples.normal, samples.shading_normal, *light_arguments(light), numbers, offset_m,
        rays.sample, rays.origin, rays.direction, rays.reach,
    )  # fmt: skip
    return rays.first(count)


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
