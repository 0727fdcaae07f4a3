"""Lighting of surface samples: area lights, the sun, highlights, and ambient light."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float

from pixbench.jit import kernel

from ..scene import Light
from .surface_samples import Rgb, Scalar, SurfaceSamples
from .texture_atlas import Atlas

SUN_SOFTNESS = 0.02
"""Angular radius of the sun in radians: larger than the real one, so that its shadows are soft."""

AMBIENT_SHARE = 0.05
"""Share of a light's power that the room reflects as ambient light."""


def relative_power(light: Light) -> float:
    """Power that a light of radiance 1 emits into the room, in square metres, up to a factor that all lights share."""
    return 0.3 if light.kind == "sun" else float(4 * np.linalg.norm(np.cross(light.u, light.v)))


def light_arguments(light: Light) -> tuple[bool, np.ndarray, np.ndarray, np.ndarray]:
    """A light as arguments of a kernel: whether it is a sun, its position in metres (unit direction of a sun), and its half axes u and v in
    metres.
    """
    sun = light.kind == "sun"
    softness = SUN_SOFTNESS if sun else 1.0
    return sun, light.position.astype(np.float32), (light.u * softness).astype(np.float32), (light.v * softness).astype(np.float32)


def add_light(
    samples: SurfaceSamples, atlas: Atlas, light: Light, color: Float[np.ndarray, "3"], visibility: Scalar, direct: Rgb, specular: Rgb
) -> None:
    """Add what a light contributes to each sample, times its visibility.

    `direct` receives irradiance divided by pi, `specular` the highlight of a surface with gloss 1. `color` is linear RGB.
    """
    _add_light(
        samples.material, samples.point, samples.shading_normal, samples.to_eye, atlas.gloss, atlas.exponent,
        *light_arguments(light), color, visibility, direct, specular,
    )  # fmt: skip


@kernel
@no_type_check
def _add_light(material, point, normal, to_eye, gloss, exponent, sun, position, u, v, color, visibility, direct, specular):
    fx, fy, fz = u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]
    places = 1 if sun else 4
    for i in range(len(material)):
        if material[i] < 0 or visibility[i] <= 0:
            continue
        m = material[i]
        received, mirrored = np.float32(0.0), np.float32(0.0)
        # An area light is approximated by four lights, at the centres of its quarters.
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
            specular[i, k] += mirrored * share * color[k]


def shade(
    samples: SurfaceSamples,
    atlas: Atlas,
    albedo: Rgb,
    ambient_visibility: Scalar,
    ambient: Float[np.ndarray, "3"],
    direct: Rgb,
    specular: Rgb,
    radiance: Rgb,
) -> None:
    """Radiance towards the camera, in place in `radiance`.

    Ambient light has the colour of the lights times the mean colour of the room, and is slightly stronger from above.
    """
    mean = albedo[samples.material >= 0].mean(axis=0) if (samples.material >= 0).any() else np.ones(3)
    back = (0.55 + 0.45 * mean / max(float(mean.mean()), 1e-6)).astype(np.float32)
    _shade(
        samples.material,
        samples.shading_normal,
        atlas.emission,
        atlas.gloss,
        albedo,
        ambient_visibility,
        ambient * back,
        direct,
        specular,
        radiance,
    )


@kernel
@no_type_check
def _shade(material, normal, emission, gloss, albedo, ambient_visibility, ambient, direct, specular, radiance):
    for i in range(len(material)):
        m = material[i]
        if m < 0:
            radiance[i] = 0.0
            continue
        upward = np.float32(0.925) + np.float32(0.075) * normal[i, 2]
        for k in range(3):
            received = ambient_visibility[i] * upward * ambient[k]
            radiance[i, k] = albedo[i, k] * (received + direct[i, k] + emission[m]) + gloss[m] * specular[i, k]
