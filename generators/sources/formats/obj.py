"""Reads Wavefront OBJ files: polygons, vertex colours, any number of material libraries."""

import re
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int, UInt8

from ..base import BadModelError
from .colors import as_bytes
from .companions import Companions
from .mtl import ObjMaterial, material_named, read_mtl, textures_named
from .parts import NO_MATERIAL, WHITE, Part
from .polygons import CONCAVE, POLYGONS, cut, halves_first

UNSHOWN = dict.fromkeys(("l", "p"), "lines and points (left out)")
UNSHOWN |= dict.fromkeys(("curv", "curv2", "surf"), "free-form surfaces (left out)")

USUAL = ("v", "vt", "vn", "f")
"""Keywords of most lines: those are split faster."""

BLOCK = 200_000
"""Corners are parsed this many at a time, to keep memory low."""


@dataclass
class _Statements:
    """The statements of an OBJ file. `before` holds the numbers of `v` and `vt` ahead of each face, for negative indices."""

    v: list[str] = field(default_factory=list)
    vt: list[str] = field(default_factory=list)
    faces: list[str] = field(default_factory=list)
    material: list[int] = field(default_factory=list)
    before: list[tuple[int, int]] = field(default_factory=list)
    names: list[str | None] = field(default_factory=lambda: [None])
    libraries: list[str] = field(default_factory=list)
    painted: list[str] = field(default_factory=list)
    unshown: set[str] = field(default_factory=set)


def read_obj(data: bytes, companions: Companions, defects: Counter[str], *, stem: str = "") -> list[Part]:
    """The parts of an OBJ file, one per material. `stem` is its name without `.obj`.

    Raises BadModelError if a line cannot be understood.
    """
    found = _statements(text_of(data))
    for kind in found.unshown:
        defects[kind] = 1
    if not found.faces:
        return []
    points, colors = _vertices(found.v)
    colors = _painted(found.painted, len(points)) if found.painted else colors
    texels = _texels(found.vt)
    materials = _materials(found, companions, defects, stem)
    corners, counts = _corners(found, len(points), len(texels))
    if counts.min() < 3:
        defects["faces with fewer than three corners (left out)"] += int((counts < 3).sum())
    if ((corners[:, 0] < 0) | (corners[:, 0] >= len(points))).any():
        raise BadModelError("cannot be parsed", "f: faces with corners that are not there")
    triangles = cut(points[corners[:, 0]], counts)
    defects[CONCAVE] += triangles.concave
    defects[POLYGONS] += bool((counts > 3).any())
    parts = []
    of_polygon = np.array(found.material)
    texel_count = np.bincount(np.repeat(np.arange(len(counts)), counts), corners[:, 1] >= 0, len(counts))
    # In reverse order of the materials, because the bytes of existing data sets depend on it.
    for number in reversed(list(dict.fromkeys(found.material))):
        rows = np.flatnonzero(of_polygon[triangles.polygon] == number)
        mine = of_polygon == number
        if (counts[mine] == 4).all() and not triangles.is_concave[mine].any() and len(np.unique(texel_count[mine])) == 1:
            rows = halves_first(rows)
        if len(rows):
            used = corners[triangles.corners[rows]]
            parts.append(_part(points, colors, texels, used, materials.get(found.names[number] or ""), defects))
    return parts


def files_of_obj(data: bytes, companions: Companions, *, stem: str = "") -> None:
    """Read the materials and textures of an OBJ file through `companions`, which remembers them."""
    found = _statements(text_of(data), only_libraries=True)
    for name in _library_names(found, companions, stem):
        text = text_of(companions.read(name) or b"")
        for texture in textures_named(text):
            companions.read(texture, beside=name)


def text_of(data: bytes) -> str:
    """The text of a file in UTF-8, UTF-16 or an encoding with one byte per letter: line ends are newlines, continued lines are joined."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\\" not in text:
        return text

    def ended(match: re.Match[str]) -> str:
        # A comment that ends with the folder of a Windows path continues nothing.
        comment = text.find("#", text.rfind("\n", 0, match.start()) + 1, match.start()) >= 0
        return "\n" if comment else match[1] + " "

    # From the first of several backslashes only: trying each of them would take quadratic time.
    return re.sub(r"(?<!\\)\\(\\*)[ \t]*\n", ended, text)


def _statements(text: str, *, only_libraries: bool = False) -> _Statements:
    found, number, known = _Statements(), 0, dict[str | None, int]({None: 0})
    lines = re.findall(r"(?im)^[ \t]*mtllib[ \t].*$", text) if only_libraries else text.split("\n")
    for line in lines:
        key, _, rest = line.partition(" ")
        if key not in USUAL or not rest or rest[0] == " ":
            words = line.strip().split(None, 1)
            if len(words) < 2:
                continue
            key, rest = words[0].lower(), words[1]
        if key == "v":
            found.v.append(rest)
        elif key == "vt":
            found.vt.append(rest)
        elif key in ("f", "fo"):
            found.faces.append(rest)
            found.material.append(number)
            found.before.append((len(found.v), len(found.vt)))
        elif key == "usemtl":
            name = " ".join(rest.split())
            if name not in known:
                known[name] = len(known)
                found.names.append(name)
            number = known[name]
        elif key == "mtllib":
            found.libraries.append(rest.strip())
        elif key == "#mrgb":
            found.painted.append(rest.strip())
        elif key in UNSHOWN:
            found.unshown.add(UNSHOWN[key])
    return found


def _names_in(line: str) -> Iterator[str]:
    """The names in a line of libraries: quoted, or up to `.mtl`. Read once from left to right, however long it is."""
    for quoted, plain in re.findall(r"(\"[^\"]+\")|([^\"]+)", line):
        if quoted:
            yield quoted
        yield from (name for name in re.split(r"(?<=\.mtl)\s", plain, flags=re.IGNORECASE) if name.strip().lower().endswith(".mtl"))


def _library_names(found: _Statements, companions: Companions, stem: str) -> list[str]:
    """The names of the material libraries: one line may name several. Without any, that with the name of the OBJ file."""
    names: list[str] = []
    for line in found.libraries:
        several = list(_names_in(line))
        whole = companions.locate(line) is not None or len(several) < 2
        names += [line] if whole else [name.strip() for name in several]
    names = list(dict.fromkeys(names))
    if stem and not any(companions.locate(name) for name in names) and companions.locate(f"{stem}.mtl"):
        names.append(f"{stem}.mtl")
    return names


def _materials(found: _Statements, companions: Companions, defects: Counter[str], stem: str) -> dict[str, ObjMaterial]:
    materials: dict[str, ObjMaterial] = {}
    for name in _library_names(found, companions, stem):
        text = text_of(companions.read(name) or b"")
        materials = read_mtl(text, lambda texture, name=name: companions.read(texture, beside=name), defects) | materials  # type: ignore[misc]
    for written in sorted(str(found.names[number]) for number in set(found.material) if found.names[number] is not None):
        meant = material_named(materials, written)
        if meant is not None:
            materials[written] = materials[meant]
        elif materials or not found.libraries:
            defects["materials that no library has (grey)"] += 1
    return materials


def _vertices(rows: list[str]) -> tuple[Float[np.ndarray, "vertices 3"], UInt8[np.ndarray, "vertices 3"] | None]:
    """Positions, and sRGB colours where they stand behind them; a vertex without one is white."""
    values = _numbers(rows, "v")
    if values.shape[1] < 3:
        raise BadModelError("cannot be parsed", "v: no line has three coordinates")
    if values.shape[1] < 6:
        return values[:, :3], None
    return values[:, :3], as_bytes(values[:, 3:6])


def _painted(rows: list[str], count: int) -> UInt8[np.ndarray, "vertices 3"]:
    """Colours that ZBrush writes into comments (`#MRGB`), as hexadecimal mask, red, green and blue of each vertex; otherwise white."""
    try:
        found = np.frombuffer(bytes.fromhex("".join(rows)), np.uint8).reshape(-1, 4)[:count, 1:]
    except ValueError:
        found = np.empty((0, 3), np.uint8)
    return np.concatenate([found, np.full((count - len(found), 3), 255, np.uint8)])


def _texels(rows: list[str]) -> Float[np.ndarray, "texels 2"]:
    """Texture coordinates; where v is missing, it is 0."""
    values = np.nan_to_num(_numbers(rows, "vt")) if rows else np.zeros((0, 2))
    return np.pad(values, ((0, 0), (0, max(0, 2 - values.shape[1]))))[:, :2]


def _numbers(rows: list[str], key: str) -> Float[np.ndarray, "rows columns"]:
    """The numbers of each statement, NaN where a row is shorter than the longest."""
    flat = _of_equal_width(rows)
    if flat is not None:
        return flat
    split = [row.partition("#")[0].split() for row in rows]
    widths = {len(words) for words in split}
    longest = max(widths, default=3)
    try:
        if len(widths) == 1:
            return _parsed([word for words in split for word in words], np.float64).reshape(len(split), longest)
        return np.array([[_number(word) for word in words] + [np.nan] * (longest - len(words)) for words in split])
    except ValueError as error:
        raise BadModelError("cannot be parsed", f"{key}: {error}") from None


def _of_equal_width(rows: list[str]) -> Float[np.ndarray, "rows columns"] | None:
    """The numbers of statements, in one pass; None if rows differ in length or have a comment: then the NaN added to each is not last."""
    with warnings.catch_warnings(), suppress(ValueError):
        warnings.simplefilter("ignore", DeprecationWarning)  # older versions of NumPy stop at what is not a number
        flat: np.ndarray = np.fromstring(" nan ".join([*rows, ""]), sep=" ")
        table = flat.reshape(len(rows), -1)
        if table.shape[1] > 1 and np.isnan(table[:, -1]).all() and not np.isnan(table[:, :-1]).any():
            return table[:, :-1]
    return None


def _parsed(words: list[str], kind: type) -> np.ndarray:
    """The numbers that words stand for. Raises ValueError if one stands for none."""
    with warnings.catch_warnings(), suppress(ValueError):
        warnings.simplefilter("ignore", DeprecationWarning)  # older versions of NumPy stop at what is not a number
        flat: np.ndarray = np.fromstring(" ".join(words), sep=" ", dtype=kind)
        if len(flat) == len(words):
            return flat
    return np.array([_number(word) if kind is np.float64 else int(word) for word in words], kind)


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float(re.sub(r"[+-](?=[eE])", "", word))  # 3.1+e2, as some write 3.1e2


def _corners(found: _Statements, vertices: int, texels: int) -> tuple[Int[np.ndarray, "corners 2"], Int[np.ndarray, " polygons"]]:
    """Indices of vertex and texture coordinate of each corner, counted from 0, -1 for none; and the corners of each polygon."""
    split = [row.partition("#")[0].split() for row in found.faces]
    counts = np.array([len(words) for words in split])
    words = [word for row in split for word in row]
    index = np.concatenate([_indices(words[start : start + BLOCK]) for start in range(0, len(words), BLOCK)] or [np.zeros((0, 2), int)])
    if (index < 0).any():
        before = np.repeat(np.array(found.before), counts, axis=0)
        index = np.where(index < 0, index + before, np.where(index == 0, -1, index - 1))
    else:
        index = index - 1
    index[:, 1] = np.where((index[:, 1] >= 0) & (index[:, 1] < texels), index[:, 1], -1)
    return index, counts


def _indices(words: list[str]) -> Int[np.ndarray, "corners 2"]:
    """Index of vertex and of texture coordinate (0: none) of words such as `7`, `7/3`, `7//2` or `7/3/2`."""
    slashes = {word.count("/") for word in words}
    if len(slashes) == 1:
        columns = slashes.pop() + 1
        separate = " ".join(words).replace("//", "/0/").replace("/", " ").split()
        if len(separate) == columns * len(words):
            with suppress(ValueError):
                rows = _parsed(separate, np.int64).reshape(-1, columns)
                return rows[:, :2] if columns > 1 else np.pad(rows, ((0, 0), (0, 1)))
    try:
        pairs = [[int(index or 0) for index in (*word.split("/"), "")[:2]] for word in words]
    except ValueError as error:
        raise BadModelError("cannot be parsed", f"f: {error}") from None
    return np.array(pairs, np.int64).reshape(-1, 2)


def _part(
    points: Float[np.ndarray, "vertices 3"],
    colors: UInt8[np.ndarray, "vertices 3"] | None,
    texels: Float[np.ndarray, "texels 2"],
    corners: Int[np.ndarray, "faces 3 2"],
    found: ObjMaterial | None,
    defects: Counter[str],
) -> Part:
    used, faces = np.unique(corners[:, :, 0], return_inverse=True)
    color = colors[corners[:, :, 0]] if colors is not None else None
    material = found.material if found else WHITE if color is not None else NO_MATERIAL
    mapped, uv = corners[:, :, 1] >= 0, None
    if len(texels) and mapped.any():
        placed = texels[corners[:, :, 1]]
        if found and found.map.moves:
            placed = placed * found.map.scale + found.map.offset
        # v points up in OBJ and down here.
        uv = np.where(mapped[:, :, None], placed * [1, -1], 0.0)
    if material.texture is not None and not mapped.all():
        defects["faces without texture coordinates under a texture"] += int((~mapped.all(axis=1)).sum())
    opacity, repeats = (found.opacity, found.map.repeats) if found else (1.0, True)
    return Part(points[used], faces.reshape(-1, 3), material, uv, color, opacity, repeats)
