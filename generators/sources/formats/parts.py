"""What every reader of a mesh format returns: parts with one material each; and the model that they are joined to."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float, Int, UInt8

from ...scene import Material
from ..base import BadModelError

TRANSPARENT = 0.4
"""Faces of a material with a lower opacity are glass and left out."""

GLASS_LEFT_OUT = "transparent parts (left out)"
TRANSPARENCY_AS_OPACITY = "transparency written as opacity (taken as opaque)"
HALF_TRANSPARENT = "half-transparent parts (shown opaque)"
REPEATED = "texture coordinates outside [0, 1] (repeated)"
CLAMPED = "clamped or mirrored textures (repeated)"
BUMPS_LEFT_OUT = "bump and normal maps (left out)"
GLOSS_LEFT_OUT = "maps of gloss and metal (left out)"
EMISSION_LEFT_OUT = "emission beside a base colour (left out)"
NO_MATERIAL = Material((0.7, 0.7, 0.7))
WHITE = Material((1.0, 1.0, 1.0))


@dataclass(eq=False)
class Part:
    """Faces of one material. `uv` are texture coordinates at corners, v down; `color` are sRGB colours at corners.

    `repeats` is False where the file wants a texture that ends, or is mirrored, at its border.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    material: Material
    uv: Float[np.ndarray, "faces 3 2"] | None = None
    color: UInt8[np.ndarray, "faces 3 3"] | None = None
    opacity: float = 1.0
    repeats: bool = True


@dataclass(eq=False)
class RawModel:
    """A model as it is in its file, in the frame and unit of the file. `defects` counts its defects by kind."""

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    uv: Float[np.ndarray, "faces 3 2"]
    material: Int[np.ndarray, " faces"]
    materials: tuple[Material, ...]
    color: UInt8[np.ndarray, "faces 3 3"] | None = None
    group: Int[np.ndarray, " faces"] | None = None
    defects: Counter[str] = field(default_factory=Counter)


def joined_parts(parts: list[Part], path: str) -> RawModel:
    """The parts as one model, without those of glass. Raises BadModelError if no face or an impossible one is left."""
    parts = [part for part in parts if len(part.faces)]
    if not parts:
        raise BadModelError("no faces", path)
    if any(part.faces.min() < 0 or part.faces.max() >= len(part.vertices) for part in parts):
        raise BadModelError("faces with corners that are not there", path)
    defects: Counter[str] = Counter()
    if all(part.opacity == 0 for part in parts):
        # A model that is entirely transparent comes from an exporter that wrote transparency instead of opacity.
        defects[TRANSPARENCY_AS_OPACITY] += 1
        parts = [replace(part, opacity=1.0) for part in parts]
    defects[GLASS_LEFT_OUT] = sum(part.opacity < TRANSPARENT for part in parts)
    defects[HALF_TRANSPARENT] = sum(TRANSPARENT <= part.opacity < 1 for part in parts)
    groups = [number for number, part in enumerate(parts) if part.opacity >= TRANSPARENT]
    parts = [parts[number] for number in groups]
    if not parts:
        raise BadModelError("only transparent parts", path)
    model = _concatenated(parts, groups)
    model.defects = defects
    outside = [part for part in parts if _is_outside(part)]
    model.defects[REPEATED] = any(part.repeats for part in outside)
    model.defects[CLAMPED] = any(not part.repeats for part in outside)
    model.defects = +model.defects
    if not np.isfinite(model.vertices[model.faces]).all():
        raise BadModelError("coordinates that are no numbers", path)
    return model


def _concatenated(parts: list[Part], groups: list[int]) -> RawModel:
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts)])
    sizes = [len(part.faces) for part in parts]
    colored = any(part.color is not None for part in parts)
    return RawModel(
        vertices=np.concatenate([part.vertices for part in parts]) + 0.0,  # -0.0 becomes 0.0
        faces=np.concatenate([part.faces + offset for part, offset in zip(parts, offsets, strict=False)]),
        uv=np.nan_to_num(np.concatenate([_or_filled(part.uv, (len(part.faces), 3, 2), 0.0) for part in parts])),
        material=np.repeat(np.arange(len(parts)), sizes),
        materials=_sharing_textures([part.material for part in parts]),
        color=np.concatenate([_or_filled(part.color, (len(part.faces), 3, 3), 255) for part in parts]) if colored else None,
        group=np.repeat(groups, sizes),
    )


def _or_filled(values: np.ndarray | None, shape: tuple[int, ...], value: float) -> np.ndarray:
    return np.full(shape, value, np.uint8 if isinstance(value, int) else np.float64) if values is None else values


def _is_outside(part: Part) -> bool:
    """Whether texture coordinates leave the texture."""
    if part.material.texture is None or part.uv is None:
        return False
    return bool(np.abs(np.nan_to_num(part.uv) - np.array([0.5, -0.5])).max() > 0.501)


def _sharing_textures(materials: list[Material]) -> tuple[Material, ...]:
    """The materials with equal textures as one array."""
    known: dict[tuple[tuple[int, ...], bytes], np.ndarray] = {}
    shared = []
    for material in materials:
        if material.texture is not None:
            key = (material.texture.shape, hashlib.sha256(material.texture.tobytes()).digest())
            material = replace(material, texture=known.setdefault(key, material.texture))
        shared.append(material)
    return tuple(shared)
