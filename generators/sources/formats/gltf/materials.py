"""The materials of a glTF file: base colours, textures, emission, and their transforms of texture coordinates."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, UInt8

from ....scene import Material
from ..colors import srgb
from ..parts import NO_MATERIAL, WHITE
from ..textures import decoded
from .document import Document, Json

UNSHOWN = {"normalTexture": "bump and normal maps (left out)", "occlusionTexture": "occlusion maps (left out)"}
PREFERRED = ("EXT_texture_webp", "EXT_texture_avif")
REPEAT = 10497


@dataclass(frozen=True, eq=False)
class GltfMaterial:
    """A material, its opacity in [0, 1], and the transform (2 x 3) of the texture coordinates `TEXCOORD_n` that it uses."""

    material: Material
    opacity: float = 1.0
    texcoord: int = 0
    transform: Float[np.ndarray, "2 3"] | None = None


class Materials:
    """The materials of a document by number."""

    def __init__(self, document: Document, defects: Counter[str]):
        self._document, self._defects = document, defects
        self._known: dict[int, GltfMaterial] = {}
        self._textures: dict[tuple[int, bool], UInt8[np.ndarray, "rows columns 3"] | None] = {}

    def get(self, number: int | None, *, colored: bool) -> GltfMaterial:
        """A material; where there is none, grey, or white below colours of vertices."""
        if number is None:
            return GltfMaterial(WHITE if colored else NO_MATERIAL)
        if number not in self._known:
            self._known[number] = self._made(self._document.items("materials")[number])
        return self._known[number]

    def _made(self, item: Json) -> GltfMaterial:
        extensions = item.get("extensions") or {}
        for key, kind in UNSHOWN.items():
            if key in item:
                self._defects[kind] = 1
        pbr = item.get("pbrMetallicRoughness") or {}
        glossy = extensions.get("KHR_materials_pbrSpecularGlossiness")
        if glossy is not None:
            pbr = {"roughnessFactor": 1 - glossy.get("glossinessFactor", 1.0)}
            pbr |= {"baseColorFactor": glossy.get("diffuseFactor", [1, 1, 1, 1]), "baseColorTexture": glossy.get("diffuseTexture")}
        factor = np.array([*pbr.get("baseColorFactor", []), *[1.0] * 4][:4], float)
        slot, mode = pbr.get("baseColorTexture"), item.get("alphaMode", "OPAQUE")
        color, emission = factor[:3], 0.0
        emitted = np.array(item.get("emissiveFactor", (0, 0, 0)), float)
        if emitted.max() > 0:
            color, slot, emission = self._emitting(item, color, slot, emitted)
        texture = self._texture(slot, opaque=mode == "OPAQUE")
        if texture is None and slot is not None and color.max() <= 0:
            color = np.ones(3)
        roughness = float(pbr.get("roughnessFactor", 1.0))
        r, g, b = (float(value) for value in srgb(color))
        material = Material((r, g, b), texture, emission, gloss=0.3 * (1 - roughness), roughness=roughness)
        if "KHR_materials_unlit" in extensions:
            material = replace(material, gloss=0.0, roughness=1.0)
            self._defects["unlit materials (lit as all others)"] = 1
        made = GltfMaterial(material, self._opacity(item, float(factor[3])), *_placed(slot))
        transmission = (extensions.get("KHR_materials_transmission") or {}).get("transmissionFactor", 0.0)
        return replace(made, opacity=made.opacity * (1 - float(transmission)))

    def _emitting(
        self, item: Json, color: Float[np.ndarray, "3"], slot: Json | None, emitted: Float[np.ndarray, "3"]
    ) -> tuple[Float[np.ndarray, "3"], Json | None, float]:
        """Base colour, texture and emission of a material that shines. A black one shows what it emits."""
        lamp = item.get("emissiveTexture")
        strength = float(((item.get("extensions") or {}).get("KHR_materials_emissive_strength") or {}).get("emissiveStrength", 1.0))
        if color.max() <= 0:
            return np.clip(emitted, 0, 1), lamp, strength
        if lamp is None and slot is None:
            return color, slot, strength * float(emitted.mean() / color.mean())
        if lamp is not None and slot is not None and self._image(lamp) == self._image(slot):
            return color, slot, strength * float(emitted.mean())
        self._defects["emission beside a base colour (left out)"] = 1
        return color, slot, 0.0

    def _opacity(self, item: Json, alpha: float) -> float:
        mode = item.get("alphaMode", "OPAQUE")
        if mode == "OPAQUE":
            return 1.0
        if mode == "MASK":
            return float(alpha >= item.get("alphaCutoff", 0.5))
        return alpha

    def _texture(self, slot: Json | None, *, opaque: bool) -> UInt8[np.ndarray, "rows columns 3"] | None:
        """The texture of a slot. glTF ignores the alpha channel of opaque materials."""
        if slot is None:
            return None
        image = self._image(slot)
        if (image, opaque) not in self._textures:
            self._textures[image, opaque] = self._decoded(image, opaque=opaque)
        sampler = self._document.items("textures")[slot["index"]].get("sampler")
        if sampler is not None:
            wraps = self._document.items("samplers")[sampler]
            if {wraps.get("wrapS", REPEAT), wraps.get("wrapT", REPEAT)} != {REPEAT}:
                self._defects["clamped or mirrored textures (repeated)"] = 1
        return self._textures[image, opaque]

    def _image(self, slot: Json) -> int:
        """The number of the image of a slot; -1 if it needs an extension that is not read."""
        texture = self._document.items("textures")[slot["index"]]
        extensions = texture.get("extensions") or {}
        number = next((extensions[name]["source"] for name in PREFERRED if name in extensions), texture.get("source"))
        if number is None:
            for name in extensions or ("no image",):
                self._defects[f"textures that need {name} (left out)"] = 1
            return -1
        return int(number)

    def _decoded(self, number: int, *, opaque: bool) -> UInt8[np.ndarray, "rows columns 3"] | None:
        if number < 0:
            return None
        image = self._document.items("images")[number]
        uri = str(image.get("uri", ""))
        data = self._document.view(image["bufferView"]) if "bufferView" in image else self._document.resource(uri)
        return decoded(data, "" if uri.startswith("data:") else uri, self._defects, opaque=opaque)


def _placed(slot: Json | None) -> tuple[int, Float[np.ndarray, "2 3"] | None]:
    """The number of the texture coordinates of a slot, and their transform; rotations turn the coordinates counter-clockwise."""
    if slot is None:
        return 0, None
    found = (slot.get("extensions") or {}).get("KHR_texture_transform")
    if found is None:
        return int(slot.get("texCoord", 0)), None
    c, s = np.cos(found.get("rotation", 0.0)), np.sin(found.get("rotation", 0.0))
    turn = np.array([[c, s], [-s, c]]) * np.array(found.get("scale", (1.0, 1.0)), float)
    offset = np.array(found.get("offset", (0.0, 0.0)), float)
    return int(found.get("texCoord", slot.get("texCoord", 0))), np.column_stack([turn, offset])
