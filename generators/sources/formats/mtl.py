"""Materials of OBJ files (MTL), with the options of their texture maps."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from ...scene import Material
from .companions import uncommented
from .parts import BUMPS_LEFT_OUT, EMISSION_LEFT_OUT, GLOSS_LEFT_OUT, NO_MATERIAL, TRANSPARENCY_AS_OPACITY
from .textures import decoded

Read = Callable[[str], bytes | None]

NUMBERS = {"-o": 3, "-s": 3, "-t": 3, "-mm": 2, "-bm": 1, "-boost": 1, "-texres": 2}
"""Options of a map with numbers, and how many at most; of those with three, two may be left out."""

WORDS = {"-blendu": 1, "-blendv": 1, "-clamp": 1, "-cc": 1, "-imfchan": 1, "-type": 1}

UNSHOWN = {
    "map_d": "opacity maps (left out)", "disp": "displacement maps (left out)", "decal": "decals (left out)",
    "refl": "reflection maps (left out)",
    **dict.fromkeys(("map_bump", "bump", "norm", "map_kn"), BUMPS_LEFT_OUT),
    **dict.fromkeys(("map_ks", "map_ns", "map_pr", "map_pm", "map_ps"), GLOSS_LEFT_OUT),
}  # fmt: skip
"""Statements whose effect cannot be shown."""


@dataclass(frozen=True)
class TextureMap:
    """A texture map of a material: its file, and uv * scale + offset with v up; colours become gain * value + base.

    `repeats` is False if it ends at its border (`-clamp on`).
    """

    name: str
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)
    base: float = 0.0
    gain: float = 1.0
    repeats: bool = True

    @property
    def moves(self) -> bool:
        """Whether it changes texture coordinates."""
        return (self.scale, self.offset) != ((1.0, 1.0), (0.0, 0.0))


@dataclass(frozen=True, eq=False)
class ObjMaterial:
    """A material as it is used, its opacity in [0, 1], and the map that its texture came from."""

    material: Material
    opacity: float = 1.0
    map: TextureMap = TextureMap("")


def read_mtl(text: str, read: Read, defects: Counter[str]) -> dict[str, ObjMaterial]:
    """The materials of an MTL file by name. `read` gives the contents of a texture, None if it is missing."""
    return {name: _material(statements, read, defects) for name, statements in _blocks(text).items()}


def material_named(materials: Mapping[str, ObjMaterial], written: str) -> str | None:
    """The name of the material that `usemtl` means: as written, without a comment behind it, or in another letter case."""
    for same in (str, uncommented, str.casefold, lambda name: uncommented(name).casefold()):
        found = next((name for name in materials if same(name) == same(written)), None)
        if found is not None:
            return found
    return None


def textures_named(text: str) -> list[str]:
    """The names of the textures that the materials of an MTL file use."""
    used = [found for statements in _blocks(text).values() if (found := _color_map(statements)) is not None]
    return list(dict.fromkeys(texture.name for texture in used))


def _blocks(text: str) -> dict[str, dict[str, str]]:
    """The statements of each material: what stands behind each keyword."""
    blocks: dict[str, dict[str, str]] = {}
    statements: dict[str, str] = {}
    for line in text.splitlines():
        key, _, rest = line.strip().replace("\t", " ").partition(" ")
        key, rest = key.lower(), rest.strip()
        if key == "newmtl":
            statements = {}
            blocks[" ".join(rest.split())] = statements
        elif rest and not key.startswith("#"):
            # A name may contain #: comments are handled where the name is resolved.
            statements[key] = rest if key.startswith("map_") else uncommented(rest)
    return blocks


def _color_map(statements: dict[str, str]) -> TextureMap | None:
    """The map of the colour: `map_Kd`, or where there is none `map_Ka` or the map of the emission."""
    for key in ("map_kd", "map_ka", "map_ke"):
        if key in statements and (found := texture_map(statements[key])).name:
            return found
    return None


def texture_map(rest: str) -> TextureMap:
    """The map that stands behind `map_Kd`: options, then a file name that may have blanks."""
    words = [(match[0], match.start()) for match in re.finditer(r"\S+", rest)]
    values: dict[str, list[float]] = {}
    at, repeats = 0, True
    while at < len(words) - 1 and words[at][0].lower() in NUMBERS.keys() | WORDS.keys():
        option, at = words[at][0].lower(), at + 1
        if option in WORDS:
            repeats = repeats and (option, words[at][0].lower()) != ("-clamp", "on")
            at += 1
            continue
        numbers: list[float] = []
        # The last word is the file, even if its name is a number.
        while at < len(words) - 1 and len(numbers) < NUMBERS[option] and (number := _float(words[at][0])) is not None:
            numbers.append(number)
            at += 1
        values[option] = numbers
    name = rest[words[at][1] :].strip().strip('"') if at < len(words) else ""
    scale, offset, levels = values.get("-s", []), values.get("-o", []), values.get("-mm", [])
    base, gain = levels if len(levels) == 2 else (0.0, 1.0)
    return TextureMap(name, _pair(scale, 1.0), _pair(offset, 0.0), base, gain, repeats)


def _pair(values: list[float], default: float) -> tuple[float, float]:
    u, v = (*values, default, default)[:2] if values else (default, default)
    return u, v


def _material(statements: dict[str, str], read: Read, defects: Counter[str]) -> ObjMaterial:
    found = _color_map(statements)
    has_alpha = "map_d" in statements
    texture = decoded(read(found.name), found.name, defects, alpha="over white" if has_alpha else "left out") if found else None
    for key, kind in UNSHOWN.items():
        if key in statements:
            defects[kind] = 1
    diffuse, emitted = _color(statements.get("kd"), defects), _color(statements.get("ke"), defects)
    emission = 0.0
    shines = emitted is not None and max(emitted) > 0
    if shines and (diffuse is None or max(diffuse) == 0) and "map_kd" not in statements:
        diffuse, emission = emitted, 1.0
    elif shines:
        defects[EMISSION_LEFT_OUT] = 1
    if texture is not None:
        # A black or no colour with a texture is the default of an exporter.
        diffuse = diffuse if diffuse is not None and max(diffuse) >= 0.05 else (1.0, 1.0, 1.0)
        if found and (found.base, found.gain) != (0.0, 1.0):
            texture = _levels(texture, found)
    specular = _specular(statements.get("ks"), defects)
    shininess = max(_first_number(statements.get("ns"), 1.0), 0.0)
    # From the Blinn-Phong exponent n to microfacet roughness: alpha = sqrt(2 / (n + 2)), roughness = sqrt(alpha).
    roughness = float((2 / (shininess + 2)) ** 0.25)
    material = Material(diffuse or NO_MATERIAL.color, texture, emission, gloss=0.35 * specular, roughness=roughness)
    return ObjMaterial(material, _opacity(statements, defects), found or TextureMap(""))


def _levels(texture: UInt8[np.ndarray, "rows columns 3"], found: TextureMap) -> UInt8[np.ndarray, "rows columns 3"]:
    return np.clip(texture * found.gain + 255 * found.base, 0, 255).round().astype(np.uint8)


def _color(rest: str | None, defects: Counter[str]) -> tuple[float, float, float] | None:
    """The colour behind `Kd`, in steps of 1/255; one number is a grey. None, and counted, if it is something else."""
    if rest is None:
        return None
    values = [_float(word) for word in rest.split()[:3]]
    if None in values or len(values) not in (1, 3):
        defects["colours that are not RGB (left out)"] += 1
        return None
    r, g, b = (float(value) for value in _steps(np.resize(np.array(values, float), 3)))
    return r, g, b


def _steps(color: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    return np.round(np.clip(np.nan_to_num(color) * 255, 0, 255)) / 255


def _specular(rest: str | None, defects: Counter[str]) -> float:
    """Mean specular colour; that of a material without `Ks` is 0.4."""
    color = _color(rest, defects)
    return 0.4 if color is None else float(np.mean(np.round(np.array(color) * 255)) / 255)


def _opacity(statements: dict[str, str], defects: Counter[str]) -> float:
    """Opacity from `d` or `Tr`. `Tr` is transparency, but many exporters write opacity: 1 is then taken as opaque."""
    if "d" in statements:
        return _first_number(statements["d"].replace("-halo", " "), 1.0)
    transparency = _first_number(statements.get("tr"), 0.0)
    if transparency >= 1.0:
        defects[TRANSPARENCY_AS_OPACITY] += 1
        return 1.0
    return 1.0 - transparency


def _first_number(rest: str | None, default: float) -> float:
    words = (rest or "").split()
    value = _float(words[0]) if words else None
    return value if value is not None and np.isfinite(value) else default


def _float(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
