"""The materials of a glTF file: base colours, textures, emission, and their transforms of texture coordinates."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, UInt8

from ....scene import Material
from ..colors import srgb
from ..parts import BUMPS_LEFT_OUT, EMISSION_LEFT_OUT, GLOSS_LEFT_OUT, NO_MATERIAL, WHITE
from ..textures import decoded
from .document import Document, Json
from .extensions import BASISU, UNDERSTOOD, reader

UNSHOWN = {
    "normalTexture": BUMPS_LEFT_OUT,
    "occlusionTexture": "occlusion maps (left out)",
    "metallicRoughnessTexture": GLOSS_LEFT_OUT,
    "specularGlossinessTexture": GLOSS_LEFT_OUT,
}
PREFERRED = ("EXT_texture_webp", "EXT_texture_avif")
REPEAT = 10497


@dataclass(frozen=True, eq=False)
class GltfMaterial:
    """A material, its opacity in [0, 1], and the transform (2 x 3) of the texture coordinates `TEXCOORD_n` that it uses.

    `repeats` is False where its texture ends, or is mirrored, at its border.
    """

    material: Material
    opacity: float = 1.0
    texcoord: int = 0
    transform: Float[np.ndarray, "2 3"] | None = None
    repeats: bool = True


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
        pbr = item.get("pbrMetallicRoughness") or {}
        glossy = extensions.get("KHR_materials_pbrSpecularGlossiness")
        self._count_unshown([item, pbr, glossy or {}], extensions)
        if glossy is not None:
            base = {"baseColorFactor": glossy.get("diffuseFactor"), "baseColorTexture": glossy.get("diffuseTexture")}
            pbr = {"roughnessFactor": 1 - glossy.get("glossinessFactor", 1.0)} | {key: value for key, value in base.items() if value}
        factor = np.array([*pbr.get("baseColorFactor", []), *[1.0] * 4][:4], float)
        slot, mode = pbr.get("baseColorTexture"), item.get("alphaMode", "OPAQUE")
        color, emission = factor[:3], 0.0
        emitted = np.array(item.get("emissiveFactor", (0, 0, 0)), float)
        if emitted.max() > 0:
            # Without a base colour a material is white by default, which vertex colours may replace.
            shown = color if pbr.keys() & {"baseColorFactor", "baseColorTexture"} else np.zeros(3)
            color, slot, emission = self._emitting(item, shown, slot, emitted)
        texture = self._texture(slot, opaque=mode == "OPAQUE")
        if texture is None and slot is not None and color.max() <= 0:
            color = np.ones(3)
        roughness = float(pbr.get("roughnessFactor", 1.0))
        r, g, b = (float(value) for value in srgb(color))
        material = Material((r, g, b), texture, emission, gloss=0.3 * (1 - roughness), roughness=roughness)
        if "KHR_materials_unlit" in extensions:
            material = replace(material, gloss=0.0, roughness=1.0)
            self._defects["unlit materials (lit as all others)"] = 1
        made = GltfMaterial(material, self._opacity(item, float(factor[3])), *_placed(slot), self._repeats(slot))
        transmission = (extensions.get("KHR_materials_transmission") or {}).get("transmissionFactor", 0.0)
        return replace(made, opacity=made.opacity * (1 - float(transmission)))

    def _emitting(
        self, item: Json, color: Float[np.ndarray, "3"], slot: Json | None, emitted: Float[np.ndarray, "3"]
    ) -> tuple[Float[np.ndarray, "3"], Json | None, float]:
        """Base colour, texture and emission of an emissive material. A black one is shown in its emission."""
        lamp = item.get("emissiveTexture")
        strength = float(((item.get("extensions") or {}).get("KHR_materials_emissive_strength") or {}).get("emissiveStrength", 1.0))
        if color.max() <= 0:
            return np.clip(emitted, 0, 1), lamp, strength
        if lamp is None and slot is None:
            ratio = emitted / np.maximum(color, 1e-6)
            if np.ptp(ratio) > 0.1 * ratio.max():
                self._defects["emission of another colour (shown in the base colour)"] = 1
            return color, slot, strength * float(emitted.mean() / color.mean())
        if lamp is not None and slot is not None and self._image(lamp) == self._image(slot):
            return color, slot, strength * float(emitted.mean())
        self._defects[EMISSION_LEFT_OUT] = 1
        return color, slot, 0.0

    def _count_unshown(self, items: list[Json], extensions: Json) -> None:
        kinds = {kind for key, kind in UNSHOWN.items() if any(key in item for item in items)}
        kinds |= {f"{name} (left out)" for name in extensions if name not in UNDERSTOOD}
        self._defects.update(dict.fromkeys(kinds - self._defects.keys(), 1))

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
        return self._textures[image, opaque]

    def _repeats(self, slot: Json | None) -> bool:
        """Whether the texture of a slot repeats along both axes."""
        sampler = None if slot is None else self._document.items("textures")[slot["index"]].get("sampler")
        wraps = self._document.items("samplers")[sampler] if sampler is not None else {}
        return {wraps.get("wrapS", REPEAT), wraps.get("wrapT", REPEAT)} == {REPEAT}

    def _image(self, slot: Json) -> int:
        """The number of the image of a slot; -1 if it needs an extension that is not read."""
        texture = self._document.items("textures")[slot["index"]]
        extensions = texture.get("extensions") or {}
        number = next((extensions[name]["source"] for name in PREFERRED if name in extensions), texture.get("source"))
        if number is None and BASISU in extensions:
            reader(BASISU)  # raises if it is not installed
            number = extensions[BASISU]["source"]
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
        return decoded(data, "" if uri.startswith("data:") else uri, self._defects, alpha="unused" if opaque else "over white")


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
