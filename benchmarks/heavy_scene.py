"""The scene that speed is measured on: a scanned-looking room of a million triangles and six textured objects of 50,000 each."""

from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

from pixbench.generators.rooms.config import Config3D

ROOM_M = np.array([5.0, 4.2, 2.7])


def write(folder: Path, *, room_triangles: int = 1_000_000, objects: int = 6) -> tuple[Path, Path]:
    """Write the room and the objects as files, as a user would have them; returns their two folders."""
    rng = np.random.default_rng(0)
    rooms, models = folder / f"rooms{room_triangles}", folder / "objects" / "vase"
    if not rooms.is_dir():
        rooms.mkdir(parents=True)
        _room(room_triangles, rng=rng).export(rooms / "room.ply")
    if not models.is_dir():
        models.mkdir(parents=True)
        for k in range(objects):
            _write_vase(models / f"vase{k}", rng=rng)
    return rooms, models.parent


def config(rooms: Path, models: Path, **options: object) -> Config3D:
    """A configuration that uses them: all six objects in every scene, four views of 256 x 256 pixels."""
    return Config3D(
        **{  # type: ignore[arg-type]
            "rooms": (f"folder:{rooms}?splits=one",),
            "objects": (f"folder:{models}?splits=one",),
            "object_count": (6, 6),
            "views": 4,
            "size": 256,
            "min_overlap": 0.05,
            **options,
        }
    )


def _room(triangles: int, *, rng: np.random.Generator) -> trimesh.Trimesh:
    """A box seen from inside, with three boxes in it, finely divided, uneven by 2 mm, coloured by vertex: like a scan."""
    shell = trimesh.creation.box(ROOM_M)
    shell.apply_translation(ROOM_M / 2)
    shell.invert()
    parts = [shell]
    for x, y, size in ((1.0, 0.6, (1.2, 0.6, 0.7)), (3.9, 3.6, (1.4, 0.7, 0.45)), (4.4, 1.2, (0.5, 1.4, 1.7))):
        block = trimesh.creation.box(size)
        block.apply_translation((x, y, size[2] / 2 + 0.001))
        parts.append(block)
    area = sum(part.area for part in parts)
    fine = [_divided(part, max(int(np.sqrt(triangles * part.area / area / 12)), 1)) for part in parts]
    room = trimesh.util.concatenate(fine)
    room.vertices += rng.normal(0, 0.002, room.vertices.shape)
    wave = np.sin(room.vertices * [7, 5, 9]).sum(axis=1, keepdims=True)
    colors = 150 + 40 * np.sin(room.vertices * [1.3, 1.7, 2.1]) + 20 * wave + rng.normal(0, 6, room.vertices.shape)
    room.visual.vertex_colors = np.column_stack([np.clip(colors, 0, 255), np.full(len(colors), 255)]).astype(np.uint8)
    return room


def _divided(box: trimesh.Trimesh, steps: int) -> trimesh.Trimesh:
    """Each triangle divided into steps x steps."""
    i, j = (index.ravel() for index in np.meshgrid(np.arange(steps + 1), np.arange(steps + 1), indexing="ij"))
    kept = i + j <= steps
    weights = np.column_stack([steps - i - j, i, j])[kept] / steps
    number = np.full((steps + 1, steps + 1), -1)
    number[i[kept], j[kept]] = np.arange(kept.sum())
    a, b = (index.ravel() for index in np.meshgrid(np.arange(steps), np.arange(steps), indexing="ij"))
    low = a + b < steps
    up = a + b < steps - 1
    faces = np.concatenate([
        np.column_stack([number[a[low], b[low]], number[a[low] + 1, b[low]], number[a[low], b[low] + 1]]),
        np.column_stack([number[a[up] + 1, b[up]], number[a[up] + 1, b[up] + 1], number[a[up], b[up] + 1]]),
    ])  # fmt: skip
    corners = box.vertices[box.faces]
    vertices = np.einsum("vc,fcx->fvx", weights, corners).reshape(-1, 3)
    return trimesh.Trimesh(vertices, (faces + np.arange(len(corners))[:, None, None] * len(weights)).reshape(-1, 3), process=False)


def _write_vase(path: Path, *, rng: np.random.Generator) -> None:
    """A vase of 51,200 triangles with a texture of 1024 x 1024 texels, as OBJ, MTL and PNG."""
    rows, columns = 160, 160
    t, angle = np.meshgrid(np.linspace(0, 1, rows + 1), np.linspace(0, 2 * np.pi, columns + 1), indexing="ij")
    radius = (
        0.16 + 0.09 * np.sin(2 * np.pi * (t * rng.uniform(0.8, 1.4) + rng.random())) * (1 - t) + 0.004 * np.sin(9 * angle) * np.sin(14 * t)
    )
    radius *= np.where(t < 0.02, t / 0.02, 1.0)
    vertices = np.stack([radius * np.cos(angle), radius * np.sin(angle), t * rng.uniform(0.5, 0.8)], axis=-1).reshape(-1, 3)
    corner = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
    quads = np.stack([corner, corner + 1, corner + columns + 2, corner + columns + 1], axis=1) + 1
    noise = Image.fromarray(rng.integers(0, 255, (32, 32, 3)).astype(np.uint8)).resize((1024, 1024), Image.Resampling.BICUBIC)
    noise.save(path.with_suffix(".png"))
    path.with_suffix(".mtl").write_text(f"newmtl glaze\nKd 1 1 1\nKs 0.4 0.4 0.4\nNs 60\nmap_Kd {path.stem}.png\n")
    # OBJ files are y up.
    lines = [f"mtllib {path.stem}.mtl", "usemtl glaze"]
    lines += [f"v {x:.6f} {z:.6f} {-y:.6f}" for x, y, z in vertices]
    lines += [f"vt {u:.6f} {v:.6f}" for v, u in np.stack([t, angle / (2 * np.pi)], axis=-1).reshape(-1, 2)]
    lines += [f"f {a}/{a} {b}/{b} {c}/{c}\nf {a}/{a} {c}/{c} {d}/{d}" for a, b, c, d in quads]
    path.with_suffix(".obj").write_text("\n".join(lines) + "\n")
