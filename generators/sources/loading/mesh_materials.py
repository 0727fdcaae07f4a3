"""Materials and textures of meshes that trimesh has read."""

import hashlib
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import trimesh
from jaxtyping import Float, UInt8
from PIL import Image
from trimesh.visual.material import PBRMaterial, SimpleMaterial

from ...scene import Material

TEXTURE_LIMIT = 1024
"""Textures are downsized to this many pixels along the longer side."""

CORRUPT = "corrupt texture (material colour used)"
TR_INVERTED = "transparency written as opacity (taken as opaque)"


def is_colored(part: trimesh.Trimesh) -> bool:
    """Whether a part has colours of vertices or faces instead of a material."""
    return part.visual is not None and part.visual.kind in ("vertex", "face")


def corner_colors(part: trimesh.Trimesh) -> UInt8[np.ndarray, "faces 3 3"]:
    """The sRGB vertex or face colour at each corner, white where there is none."""
    visual: Any = part.visual
    if visual.kind == "vertex":
        return np.asarray(visual.vertex_colors, np.uint8)[:, :3][part.faces]
    if visual.kind == "face":
        return np.repeat(np.asarray(visual.face_colors, np.uint8)[:, None, :3], 3, axis=1)
    return np.full((len(part.faces), 3, 3), 255, np.uint8)


def sharing_textures(materials: list[Material]) -> tuple[Material, ...]:
    """The materials with equal textures as one array: each material of an OBJ file loads its own copy."""
    known: dict[tuple[tuple[int, ...], bytes], np.ndarray] = {}
    shared = []
    for material in materials:
        if material.texture is not None:
            key = (material.texture.shape, hashlib.sha256(material.texture.tobytes()).digest())
            material = replace(material, texture=known.setdefault(key, material.texture))
        shared.append(material)
    return tuple(shared)


def material_and_opacity(part: trimesh.Trimesh, defects: Counter[str]) -> tuple[Material, float]:
    """The material of a part, and its opacity in [0, 1]."""
    found = getattr(part.visual, "material", None)
    if is_colored(part):
        return Material((1.0, 1.0, 1.0)), 1.0
    if found is None:
        return Material((0.7, 0.7, 0.7)), 1.0
    if isinstance(found, PBRMaterial):
        rgba = np.asarray(found.baseColorFactor if found.baseColorFactor is not None else (255, 255, 255, 255), float) / 255
        roughness = 1.0 if found.roughnessFactor is None else float(found.roughnessFactor)
        texture = _texture(found.baseColorTexture, defects)
        opacity = 1.0 if found.alphaMode in (None, "OPAQUE") else float(rgba[3])
        return Material(_rgb(rgba), texture, gloss=0.3 * (1 - roughness), roughness=roughness), opacity
    if not isinstance(found, SimpleMaterial):
        return Material(), 1.0
    texture = _texture(found.image, defects)
    diffuse = np.asarray(found.diffuse, float)[:3] / 255
    # A black base colour with a texture is the default of an exporter.
    color = (1.0, 1.0, 1.0) if texture is not None and diffuse.max() < 0.05 else _rgb(diffuse)
    specular = float(np.mean(np.asarray(found.specular if found.specular is not None else (0, 0, 0), float)[:3]) / 255)
    shininess = _number(found.glossiness, 10.0)
    # From the Blinn-Phong exponent n to microfacet roughness: alpha = sqrt(2 / (n + 2)), roughness = sqrt(alpha).
    roughness = float((2 / (max(shininess, 0.0) + 2)) ** 0.25)
    return Material(color, texture, gloss=0.35 * specular, roughness=roughness), _opacity(found.kwargs, defects)


def _opacity(keywords: dict[str, object], defects: Counter[str]) -> float:
    """Opacity from `d` or `Tr`. `Tr` is transparency, but many exporters write opacity: 1 is then taken as opaque."""
    lowered = {name.lower(): value for name, value in keywords.items()}
    if "d" in lowered:
        return _number(lowered["d"], 1.0)
    if "tr" in lowered:
        transparency = _number(lowered["tr"], 0.0)
        if transparency >= 1.0:
            defects[TR_INVERTED] += 1
            return 1.0
        return 1.0 - transparency
    return 1.0


def _number(value: object, default: float) -> float:
    try:
        flat = np.ravel(np.asarray(value, dtype=float))
        return float(flat[0]) if len(flat) and np.isfinite(flat[0]) else default
    except (TypeError, ValueError):
        return default


def _rgb(color: Float[np.ndarray, " channels"]) -> tuple[float, float, float]:
    r, g, b = (float(np.clip(value, 0, 1)) for value in color[:3])
    return r, g, b


def _texture(image: Image.Image | None, defects: Counter[str]) -> UInt8[np.ndarray, "rows columns 3"] | None:
    """An image as RGB without its alpha channel; None if it cannot be decoded."""
    if image is None:
        return None
    try:
        pixels = image.convert("RGB")
        if max(pixels.size) > TEXTURE_LIMIT:
            pixels.thumbnail((TEXTURE_LIMIT, TEXTURE_LIMIT), Image.Resampling.BOX)
        return np.asarray(pixels, np.uint8)
    except Exception:  # decoders raise many types
        defects[CORRUPT] += 1
        return None
