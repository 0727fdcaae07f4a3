"""A texture atlas: the mip levels of all textures of a scene in one array, and the lookup of surface colours in it."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int, UInt8

from pixbench.jit import kernel

from ..scene import Geometry, Material

SMALLEST_LEVEL = 4
CACHE_BYTES = 160 * 2**20

Texture = UInt8[np.ndarray, "_ _ 3"]


def to_linear(srgb: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Linear values, float32, of sRGB values in [0, 1] (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(linear: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """sRGB values in [0, 1] of linear values, which are clipped to [0, 1]."""
    kept = np.clip(linear, 0, 1)
    return np.where(kept <= 0.0031308, kept * 12.92, 1.055 * kept ** (1 / 2.4) - 0.055)


LINEAR = to_linear(np.arange(256, dtype=np.float32) / 255)
"""Linear value of every sRGB byte."""

_ENCODED = np.round(to_srgb(np.linspace(0, 1, 4096)) * 255).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Atlas:
    """Materials as tables: linear colours (materials, 3), emission, gloss and roughness, and textures as flat sRGB bytes.

    `levels` (entries, 3) holds offset, rows and columns of each mip level; `first` and `count` give each material's levels
    (count 0: no texture).
    """

    color: Float[np.ndarray, "materials 3"]
    emission: Float[np.ndarray, " materials"]
    gloss: Float[np.ndarray, " materials"]
    exponent: Float[np.ndarray, " materials"]
    texels: UInt8[np.ndarray, "texels 3"]
    levels: Int[np.ndarray, "levels 3"]
    first: Int[np.ndarray, " materials"]
    count: Int[np.ndarray, " materials"]


class AtlasMaker:
    """Builds atlases and caches up to 160 MiB of mip levels. With `finest_only` an atlas holds only the finest level of each texture."""

    def __init__(self, *, finest_only: bool = False) -> None:
        self._finest_only = finest_only
        # The texture is stored with its levels: an id is only unique among live objects.
        self._kept: OrderedDict[int, tuple[Texture, list[Texture]]] = OrderedDict()
        self._bytes = 0

    def build(self, materials: tuple[Material, ...]) -> Atlas:
        """The atlas of the materials of a scene. A texture that several materials share is stored once."""
        placed: dict[int, tuple[int, int]] = {}
        levels: list[tuple[int, int, int]] = []
        texels: list[Texture] = []
        offset = 0
        first, count = np.zeros(len(materials), np.int64), np.zeros(len(materials), np.int64)
        for index, material in enumerate(materials):
            if material.texture is None:
                continue
            key = id(material.texture)
            if key not in placed:
                pyramid = self._pyramid(material.texture)
                placed[key] = (len(levels), len(pyramid))
                for level in pyramid:
                    levels.append((offset, level.shape[0], level.shape[1]))
                    texels.append(level.reshape(-1, 3))
                    offset += len(texels[-1])
            first[index], count[index] = placed[key]
        return Atlas(
            to_linear(np.array([m.color for m in materials], np.float32).reshape(-1, 3)),
            np.array([m.emission for m in materials], np.float32),
            np.array([m.gloss for m in materials], np.float32),
            np.array([_exponent(m.roughness) for m in materials], np.float32),
            np.concatenate(texels) if texels else np.zeros((1, 3), np.uint8),
            np.array(levels, np.int64).reshape(-1, 3),
            first,
            count,
        )

    def _pyramid(self, texture: Texture) -> list[Texture]:
        if self._finest_only:
            return [np.ascontiguousarray(texture)]
        if id(texture) in self._kept:
            self._kept.move_to_end(id(texture))
            return self._kept[id(texture)][1]
        pyramid = mip_levels(texture)
        self._kept[id(texture)] = (texture, pyramid)
        self._bytes += sum(level.nbytes for level in pyramid)
        while self._bytes > CACHE_BYTES and len(self._kept) > 1:
            _, (_, old) = self._kept.popitem(last=False)
            self._bytes -= sum(level.nbytes for level in old)
        return pyramid


def _exponent(roughness: float) -> float:
    """Blinn-Phong exponent of a microfacet roughness (Walter et al. 2007, with alpha = roughness squared)."""
    return float(np.clip(2 / max(roughness, 0.05) ** 4 - 2, 1, 2000))


def mip_levels(texture: Texture) -> list[Texture]:
    """Mip levels of a texture (Williams 1983), sRGB bytes, finest first: each has half the size of the previous one, averaged in linear
    values.
    """
    levels = [np.ascontiguousarray(texture)]
    linear = LINEAR[levels[0]]
    while min(linear.shape[:2]) >= 2 * SMALLEST_LEVEL:
        even = linear[: linear.shape[0] // 2 * 2, : linear.shape[1] // 2 * 2]
        linear = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
        levels.append(_ENCODED[(linear * 4095 + 0.5).astype(np.int32)])
    return levels


def surface_color(
    geometry: Geometry, atlas: Atlas, triangle: Int[np.ndarray, " points"], barycentric: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, "points 3"]:
    """Linear albedo in [0, 1] at points of triangles, from the finest texture level; `barycentric` are the weights of corners 1 and 2."""
    weights = np.stack([1 - barycentric.sum(axis=1), barycentric[:, 0], barycentric[:, 1]], axis=1)
    texel = np.einsum("pc,pck->pk", weights, geometry.uv[triangle]).astype(np.float32)
    shade = np.ones((len(triangle), 3), np.float32)
    if geometry.color is not None:
        shade = LINEAR[np.clip(np.einsum("pc,pck->pk", weights, geometry.color[triangle]), 0, 255).round().astype(np.uint8)]
    found = np.empty((len(triangle), 3), np.float32)
    look_up(atlas, geometry.material[triangle], texel, np.full(len(triangle), -100.0, np.float32), found)
    return found * shade


def look_up(
    atlas: Atlas,
    material: Int[np.ndarray, " samples"],
    texel: Float[np.ndarray, "samples 2"],
    level: Float[np.ndarray, " samples"],
    out: Float[np.ndarray, "samples 3"],
) -> None:
    """Linear albedo of samples into `out`: the material's colour times its texture, bilinear in the nearest mip level.

    `level` is log2 of the texture repeats that a sample covers; a material of -1 gives black.
    """
    _look_up(atlas.color, atlas.texels, atlas.levels, atlas.first, atlas.count, LINEAR, material, texel, level, out)


@kernel
@no_type_check
def _look_up(colors, texels, levels, first, count, linear, material, texel, level, out):
    for i in range(len(material)):
        m = material[i]
        if m < 0:
            out[i] = 0.0
            continue
        out[i, 0], out[i, 1], out[i, 2] = colors[m, 0], colors[m, 1], colors[m, 2]
        if count[m] == 0:
            continue
        side = np.sqrt(np.float32(levels[first[m], 1]) * np.float32(levels[first[m], 2]))
        wanted = int(np.round(level[i] + np.log2(side)))
        entry = first[m] + min(max(wanted, 0), count[m] - 1)
        offset, rows, columns = levels[entry, 0], levels[entry, 1], levels[entry, 2]
        # Texel centres lie at .5; the texture repeats.
        x, y = (texel[i, 0] % 1.0) * columns - 0.5, (texel[i, 1] % 1.0) * rows - 0.5
        x0, y0 = int(np.floor(x)), int(np.floor(y))
        fx, fy = np.float32(x - x0), np.float32(y - y0)
        left, right, top, bottom = x0 % columns, (x0 + 1) % columns, y0 % rows, (y0 + 1) % rows
        a, b = offset + top * columns + left, offset + top * columns + right
        c, d = offset + bottom * columns + left, offset + bottom * columns + right
        for k in range(3):
            upper = linear[texels[a, k]] * (1 - fx) + linear[texels[b, k]] * fx
            lower = linear[texels[c, k]] * (1 - fx) + linear[texels[d, k]] * fx
            out[i, k] *= upper * (1 - fy) + lower * fy
