"""Converts triangles and materials of a scene to primitives and materials of pyrender."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8

from pixbench.geometry.rays import triangle_normals

from ...scene import Geometry, Material
from ..texture_atlas import LINEAR, to_linear
from .backend import load_pyrender


def mesh_parts(geometry: Geometry) -> list[tuple[Any, Material]]:
    """One primitive of pyrender for each material in use, with that material.

    Every triangle occurs twice, once per side with normals to that side, because pyrender lights a back side like the front; the
    side that faces away is culled.
    """
    order = np.argsort(geometry.material, kind="stable")
    used, first = np.unique(geometry.material[order], return_index=True)
    textures: dict[int, Any] = {}
    materials = [geometry.materials[index] for index in used]
    rows = np.split(order, first[1:])
    return [(_primitive(geometry, own, _material(material, textures)), material) for own, material in zip(rows, materials, strict=True)]


def set_emission(part: Any, material: Material, scale: float) -> None:
    """Set the emission of a primitive to `scale` times that of its material."""
    # pyrender squares the factor.
    part.material.emissiveFactor = np.sqrt(to_linear(np.array(material.color, np.float32)) * material.emission * scale)


def _primitive(geometry: Geometry, rows: Int[np.ndarray, " rows"], material: Any) -> Any:
    corners = geometry.corners[rows]
    normals = _outward(geometry.normals[rows], triangle_normals(corners))
    uv = geometry.uv[rows].copy()
    uv[..., 1] = 1 - uv[..., 1]  # v points down here and up in OpenGL.
    tint = None if geometry.color is None else LINEAR[geometry.color[rows]]
    return load_pyrender().Primitive(
        _both(corners, corners),
        normals=_both(normals, -normals),
        texcoord_0=_both(uv, uv),
        color_0=None if tint is None else _both(tint, tint),
        material=material,
    )


def _both(front: Shaped[np.ndarray, "rows 3 axes"], back: Shaped[np.ndarray, "rows 3 axes"]) -> Shaped[np.ndarray, "corners axes"]:
    """Corners of all front sides, then of all back sides with reversed winding."""
    return np.concatenate([front, back[:, ::-1]]).reshape(-1, front.shape[-1])


def _outward(normals: Float[np.ndarray, "rows 3 3"], facing: Float[np.ndarray, "rows 3"]) -> Float[np.ndarray, "rows 3 3"]:
    """Shading normals, flipped to the side of their triangle's normal, which replaces those of length zero."""
    along = np.einsum("nck,nk->nc", normals, facing)[..., None]
    turned = np.where(along < 0, -normals, normals)
    none = np.linalg.norm(normals, axis=-1, keepdims=True) < 1e-6
    return np.where(none, facing[:, None], turned).astype(np.float32)


def _material(material: Material, textures: dict[int, Any]) -> Any:
    """A dielectric material, rougher with less gloss. A texture that several materials share is uploaded once."""
    texture = None
    if material.texture is not None:
        texture = textures.setdefault(id(material.texture), _texture(material.texture))
    return load_pyrender().MetallicRoughnessMaterial(
        baseColorFactor=[*to_linear(np.array(material.color, np.float32)), 1.0],
        metallicFactor=0.0,
        roughnessFactor=1 - material.gloss * (1 - material.roughness),
        baseColorTexture=texture,
        emissiveTexture=texture if material.emission > 0 else None,
    )


def _texture(texels: UInt8[np.ndarray, "rows columns 3"]) -> Any:
    # Four channels: OpenGL expects rows to be padded to a multiple of four bytes.
    opaque = np.concatenate([texels, np.full((*texels.shape[:2], 1), 255, np.uint8)], axis=2)
    return load_pyrender().Texture(source=opaque, source_channels="RGBA")
