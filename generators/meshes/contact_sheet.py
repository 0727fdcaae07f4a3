"""A contact sheet of objects: each as it was read, under flat light, for visual inspection.

`python -m pixbench.generators.meshes.contact_sheet KIND:PATH FILE.png` draws the objects of a source.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from pixbench.generation.components import OBJECT_SOURCES
from pixbench.geometry.cameras import Camera, look_at
from pixbench.geometry.correspondence import trace_view

from ..casters.embree import EmbreeCaster
from ..renderers.texture_atlas import AtlasMaker, surface_color, to_srgb
from ..scene import Geometry, Mesh
from ..sources.base import BadModelError

TILE, COLUMNS, LABEL = 220, 4, 34
TOWARDS_EYE = np.array([0.75, -1.0, 0.75])
BACKGROUND = 245


def flat_picture(mesh: Mesh, size: int, towards_eye: np.ndarray = TOWARDS_EYE) -> UInt8[np.ndarray, "size size 3"]:
    """The mesh from a direction in its own frame (default: the front, from the right and above), with its surface colours as they are."""
    corners = mesh.vertices[mesh.faces].astype(np.float32)
    count = len(corners)
    columns = (corners.reshape(count, 9), np.asarray(mesh.normals).reshape(count, 9), np.asarray(mesh.uv).reshape(count, 6))
    table = np.concatenate(columns, axis=1).astype(np.float32)
    geometry = Geometry(table, np.ones(count, int), np.asarray(mesh.part), np.asarray(mesh.material), mesh.materials, mesh.color)
    middle, radius = mesh.bounds.mean(axis=0), float(np.linalg.norm(np.ptp(mesh.bounds, axis=0))) / 2
    eye = middle + towards_eye / np.linalg.norm(towards_eye) * 6 * radius
    focal = 2.7 * size
    K = np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]])
    view = trace_view(EmbreeCaster(corners), corners, np.ones(count, int), Camera(K, look_at(eye, middle), size, size), footprint=False)
    hit = view.triangle >= 0
    atlas = AtlasMaker(finest_only=True).build(mesh.materials)
    picture = np.full((size, size, 3), BACKGROUND, np.uint8)
    picture[hit] = np.round(255 * to_srgb(surface_color(geometry, atlas, view.triangle[hit], view.barycentric[hit])))
    return picture


def contact_sheet(tiles: Sequence[tuple[str, UInt8[np.ndarray, "size size 3"] | None]]) -> Image.Image:
    """Pictures with their names, in rows of four; None gives an empty tile."""
    rows = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE, rows * (TILE + LABEL)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (name, picture) in enumerate(tiles):
        left, top = number % COLUMNS * TILE, number // COLUMNS * (TILE + LABEL)
        if picture is not None:
            sheet.paste(Image.fromarray(picture), (left, top))
        lines = [name[start : start + 34] for start in range(0, len(name), 34)][:2]
        draw.multiline_text((left + 6, top + TILE + 3), "\n".join(lines), fill="black")
    return sheet


def main() -> None:
    """Draw the objects of a source, at most 64."""
    parser = argparse.ArgumentParser(description="Draw the objects of a source as they were read.")
    parser.add_argument("source", metavar="KIND:PATH")
    parser.add_argument("out", type=Path, metavar="FILE.png")
    given = parser.parse_args()
    kind, _, path = given.source.partition(":")
    source = OBJECT_SOURCES.get(kind)(path or None)
    tiles: list[tuple[str, UInt8[np.ndarray, "size size 3"] | None]] = []
    for entry in list(getattr(source, "entries", ()))[:64]:
        name = entry.id.partition("/")[2].partition("/")[2] or entry.id
        try:
            tiles.append((name, flat_picture(source.load(entry.id).mesh, TILE)))
        except BadModelError as error:
            tiles.append((f"{name}: {error.kind}", None))
    contact_sheet(tiles).save(given.out)


if __name__ == "__main__":
    main()
