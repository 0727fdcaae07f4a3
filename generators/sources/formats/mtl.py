"""Materials of OBJ files (MTL), with the options of their texture maps."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from ...scene import Material
from .parts import NO_MATERIAL, TRANSPARENCY_AS_OPACITY
from .textures import decoded

Read = Callable[[str], bytes | None]

NUMBERS = {"-o": 3, "-s": 3, "-t": 3, "-mm": 2, "-bm": 1, "-boost": 1, "-texres": 2}
"""Options of a map with numbers, and how many at most; of those with three, two may be left out."""

WORDS = {"-blendu": 1, "-blendv": 1, "-clamp": 1, "-cc": 1, "-imfchan": 1, "-type": 1}

UNSHOWN = {
    "map_d": "opacity maps (left out)", "map_bump": "bump and normal maps (left out)", "bump": "bump and normal maps (left out)",
    "norm": "bump and normal maps (left out)", "map_kn": "bump and normal maps (left out)", "disp": "displacement maps (left out)",
    "decal": "decals (left out)",
}  # fmt: skip
"""Statements whose effect cannot be shown."""


@dataclass(frozen=True)
class TextureMap:
    """A texture map of a material: its file, and uv * scale + offset with v up; colours become gain * value + base."""

    name: str
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)
    base: float = 0.0
    gain: float = 1.0

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


def textures_named(text: str) -> list[str]:
    """The names of the textures that the materials of an MTL file use."""
    used = [found for statements in _blocks(text).values() if (found := _color_map(statements)) is not None]
    return list(dict.fromkeys(texture.name for texture in used))


def _blocks(text: str) -> dict[str, dict[str, str]]:
    """The statements of each material: what stands behind each keyword."""
    blocks: dict[str, dict[str, str]] = {}
    statements: dict[str, str] = {}
    text = re.sub(r"\\[ \t]*\r?\n", " ", text)
    for line in text.splitlines():
        key, _, rest = line.strip().replace("\t", " ").partition(" ")
        if key.lower() == "newmtl":
            statements = {}
            blocks[" ".join(_uncommented(rest).split())] = statements
        elif key and not key.startswith("#") and rest.strip():
            statements[key.lower()] = _uncommented(rest)
    return blocks


def _uncommented(rest: str) -> str:
    return re.sub(r"\s#.*$", "", f" {rest}").strip()


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
    at = 0
    while at < len(words) - 1 and words[at][0].lower() in NUMBERS.keys() | WORDS.keys():
        option, at = words[at][0].lower(), at + 1
        if option in WORDS:
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
    return TextureMap(name, _pair(scale, 1.0), _pair(offset, 0.0), *(levels if len(levels) == 2 else ()))


def _pair(values: list[float], default: float) -> tuple[float, float]:
    u, v = (*values, default, default)[:2] if values else (default, default)
    return u, v


def _material(statements: dict[str, str], read: Read, defects: Counter[str]) -> ObjMaterial:
    found = _color_map(statements)
    has_alpha = "map_d" in statements
    texture = decoded(read(found.name), found.name, defects, opaque=not has_alpha) if found else None
    for key, kind in UNSHOWN.items():
        if key in statements:
            defects[kind] = 1
    diffuse, emitted = _color(statements.get("kd"), defects), _color(statements.get("ke"), defects)
    emission = 0.0
    if emitted is not None and max(emitted) > 0 and (diffuse is None or max(diffuse) == 0) and "map_kd" not in statements:
        diffuse, emission = emitted, 1.0
    if texture is not None:
        # A black or no colour with a texture is the default of an exporter.
        diffuse = diffuse if diffuse is not None and max(diffuse) >= 0.05 else (1.0, 1.0, 1.0)
        if found and (found.base, found.gain) != (0.0, 1.0):
            texture = _levels(texture, found)
    specular = _specular(statements.get("ks"), defects)
    shininess = max(_first(statements.get("ns"), 1.0), 0.0)
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
        return _first(statements["d"].replace("-halo", " "), 1.0)
    transparency = _first(statements.get("tr"), 0.0)
    if transparency >= 1.0:
        defects[TRANSPARENCY_AS_OPACITY] += 1
        return 1.0
    return 1.0 - transparency


def _first(rest: str | None, default: float) -> float:
    words = (rest or "").split()
    value = _float(words[0]) if words else None
    return value if value is not None and np.isfinite(value) else default


def _float(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
