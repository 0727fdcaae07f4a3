"""A contact sheet of objects: each as it was read, under flat light, for visual inspection.

`python -m pixbench.generators.meshes.contact_sheet KIND:PATH FILE.png` draws the objects of a source.
"""

import argparse
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from pixbench.errors import UserError
from pixbench.generation.components import OBJECT_SOURCES
from pixbench.geometry.cameras import Camera, look_at
from pixbench.geometry.correspondence import trace_view
from pixbench.io.files import written_whole

from ..casters.embree import EmbreeCaster
from ..renderers.texture_atlas import AtlasMaker, surface_color, to_srgb
from ..scene import Geometry, Mesh
from ..sources.base import BadModelError, Collection, load_usable
from ..sources.spec import parse

TILE, COLUMNS, LABEL, MOST = 220, 4, 34, 64
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


def source_tiles(text: str) -> list[tuple[str, UInt8[np.ndarray, "size size 3"] | None]]:
    """Names and pictures of the objects of a source KIND:PATH, at most 64; of an endless source one of each category. Raises UserError for
    an unknown source or one without objects.
    """
    spec, path = parse(text)
    source = OBJECT_SOURCES.get(spec.kind)(spec.location({spec.name: path} if path else {}))
    if isinstance(source, Collection):
        ids = {entry.id: entry.id.partition("/")[2].partition("/")[2] or entry.id for entry in source.entries}
    else:
        rng = np.random.default_rng(0)
        ids = {source.draw(category, "train", rng=rng): category for category in source.categories("train")}
    if not ids:
        raise UserError(f"source '{text}' has no objects")
    tiles: list[tuple[str, UInt8[np.ndarray, "size size 3"] | None]] = []
    for model_id, name in islice(ids.items(), MOST):
        try:
            tiles.append((name, flat_picture(load_usable(source, model_id).mesh, TILE)))
        except BadModelError as error:
            tiles.append((f"{name}: {error.kind}", None))
    return tiles


def main() -> int:
    """Draw the objects of a source; a user's mistake is one line and exit code 2."""
    parser = argparse.ArgumentParser(description="Draw the objects of a source as they were read.")
    parser.add_argument("source", metavar="KIND:PATH")
    parser.add_argument("out", type=Path, metavar="FILE.png")
    given = parser.parse_args()
    try:
        if given.out.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
            raise UserError(f"{given.out}: expected the name of a .png, .jpg or .webp file")
        if not given.out.parent.is_dir():
            raise UserError(f"{given.out}: folder {given.out.parent} does not exist")
        with written_whole(given.out) as temporary:
            contact_sheet(source_tiles(given.source)).save(temporary)
    except (UserError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
