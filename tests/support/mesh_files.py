"""Writes small model files with the layouts and the defects of public data sets, and says whether a mesh is sound."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

BOX = [(x, y, z) for x in (-0.5, 0.5) for y in (-0.3, 0.3) for z in (-0.2, 0.2)]
QUADS = [(1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2), (3, 4, 8, 7), (1, 3, 7, 5), (2, 6, 8, 4)]
"""Of BOX, counted from 1, wound so that all look outwards; QUADS[4] is the side at z = -0.2."""


def triangles(quads: Iterable[tuple[int, int, int, int]] = QUADS) -> list[tuple[int, int, int]]:
    return [corner for a, b, c, d in quads for corner in ((a, b, c), (a, c, d))]


def obj(
    faces: Iterable[tuple[int, ...]] | None = None,
    *,
    vertices: Iterable[tuple[float, ...]] = BOX,
    repeat: float | None = None,
    materials: Iterable[str] = ("skin",),
) -> str:
    """An OBJ; with `repeat` its vertices have texture coordinates up to that; faces are dealt to the materials in turn."""
    lines = ["mtllib model.mtl", *(f"v {' '.join(map(str, v))}" for v in vertices)]
    if repeat is not None:
        lines += [f"vt {repeat * u} {repeat * v}" for u, v in ((0, 0), (1, 0), (1, 1), (0, 1))]
    materials = list(materials)
    for number, face in enumerate(triangles() if faces is None else faces):
        corners = [str(v) if repeat is None else f"{v}/{k % 4 + 1}" for k, v in enumerate(face)]
        lines += [f"usemtl {materials[number % len(materials)]}", f"f {' '.join(corners)}"]
    return "\n".join(lines) + "\n"


def mtl(texture: str | None = None, *, name: str = "skin", extra: str = "") -> str:
    return f"newmtl {name}\nKd 0.8 0.2 0.1\n{extra}" + (f"map_Kd {texture}\n" if texture else "")


def image(color: tuple[int, ...] = (10, 200, 30), *, kind: str = "JPEG", size: int = 16) -> bytes:
    stream = io.BytesIO()
    Image.new("RGBA" if len(color) == 4 else "RGB", (size, size), color).save(stream, kind)
    return stream.getvalue()


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def zipped(path: Path, files: dict[str, str | bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def assert_sound(mesh) -> None:
    """Fit for truth: every triangle has an area, none lies on another, and everything is finite and in range."""
    corners = mesh.vertices[mesh.faces].astype(float)
    assert len(corners)
    assert np.isfinite(corners).all()
    assert np.isfinite(mesh.uv).all()
    assert np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).min() > 0
    places = np.unique(np.round(corners.reshape(-1, 3) * 1e6).astype(int), axis=0, return_inverse=True)[1].reshape(-1, 3)
    assert len({tuple(sorted(face)) for face in places.tolist()}) == len(places)
    assert np.allclose(np.linalg.norm(mesh.normals, axis=2), 1, atol=1e-3)
    assert mesh.material.min() >= 0
    assert mesh.material.max() < len(mesh.materials)
    assert {len(mesh.uv), len(mesh.normals), len(mesh.material), len(mesh.part)} == {len(mesh.faces)}
