"""Writes small scanned rooms with the layout of SceneNN."""

from dataclasses import dataclass, replace

import numpy as np

SIZE = (4.0, 3.0, 2.4)
LABELS = {7: "floor", 8844: "wall", 12: "table", 5: "prop"}
"""Label 3, of the thing on the wall, is in no annotation."""


@dataclass(frozen=True)
class Scan:
    """In our frame: z up, floor at z = 0, one corner of the room at the origin."""

    vertices: np.ndarray
    faces: np.ndarray
    label: np.ndarray

    def moved(self, rotation: np.ndarray, shift=(0.0, 0.0, 0.0)) -> "Scan":
        return replace(self, vertices=self.vertices @ np.asarray(rotation).T + shift)

    def photo_colors(self) -> np.ndarray:
        return np.random.default_rng(1).integers(0, 255, (len(self.vertices), 3), np.uint8)

    def instance_colors(self) -> np.ndarray:
        return (self.label[:, None] * [31, 57, 83] % 251).astype(np.uint8)


def room(size=SIZE, cells: int = 24, noise: float = 0.003) -> Scan:
    """An open scan: floor with a hole, three walls and a half, no ceiling, a table, a box on it, something on a wall."""
    x, y, z = np.diag(size)
    sheets = [
        ((0, 0, 0), x, y, 7),
        ((0, 0, 0), z, x, 8844),
        (y, x, z, 8844),
        ((0, 0, 0), y, z, 8844),
        (x, z / 2, y, 8844),
        ((1, 1, 0.7), (1.2, 0, 0), (0, 0.8, 0), 12),
        ((1.2, 1.2, 0.9), (0.2, 0, 0), (0, 0.2, 0), 5),
        ((0.02, 1, 1), (0, 0.5, 0), (0, 0, 0.5), 3),
    ]
    parts = [_sheet(*sheet, cells) for sheet in sheets]
    offsets = np.cumsum([0] + [len(vertices) for vertices, _, _ in parts])
    vertices = np.concatenate([part[0] for part in parts])
    vertices += np.random.default_rng(0).normal(0, noise, vertices.shape)
    faces = np.concatenate([part[1] + offset for part, offset in zip(parts, offsets, strict=False)])
    label = np.concatenate([part[2] for part in parts])
    hole = (np.abs(vertices[faces].mean(axis=1) - [3.2, 2.2, 0]) < [0.4, 0.4, 0.1]).all(axis=1)
    return Scan(vertices, faces[~hole], label)


def _sheet(corner, u, v, label, cells):
    s, t = np.meshgrid(np.linspace(0, 1, cells + 1), np.linspace(0, 1, cells + 1), indexing="ij")
    vertices = np.asarray(corner, float) + s[..., None] * np.asarray(u, float) + t[..., None] * np.asarray(v, float)
    index = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1)
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
    faces = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
    return vertices.reshape(-1, 3), faces, np.full((cells + 1) ** 2, label)


def ply(scan: Scan, *, color: np.ndarray | None = None, label: bool = True, big: bool = False, more: bool = False) -> bytes:
    """Binary, with the properties of SceneNN's files in their order; `more`: with others as well, thirteen in all."""
    columns = [(name, "<f4", "float", scan.vertices[:, k]) for k, name in enumerate("xyz")]
    columns += [(name, "<f4", "float", np.zeros(len(scan.vertices))) for name in ("nx", "ny", "nz")]
    if label:
        columns.append(("label", "<u4", "uint", scan.label))
    if color is not None:
        columns += [(name, "u1", "uchar", color[:, k]) for k, name in enumerate(("red", "green", "blue"))]
    if more:
        columns += [("alpha", "u1", "uchar", 255), ("radius", "<f8", "double", 0.5), ("quality", "<i2", "short", -1)]
    order = ">" if big else "<"
    vertex = np.zeros(len(scan.vertices), [(name, kind.replace("<", order)) for name, kind, _, _ in columns])
    for name, _, _, values in columns:
        vertex[name] = values
    face = np.zeros(len(scan.faces), [("count", "u1"), ("index", order + "i4", 3)])
    face["count"], face["index"] = 3, scan.faces
    properties = "".join(f"property {kind} {name}\n" for name, _, kind, _ in columns)
    header = f"ply\nformat binary_{'big' if big else 'little'}_endian 1.0\nelement vertex {len(vertex)}\n{properties}"
    header += f"element face {len(face)}\nproperty list uchar int vertex_indices\nend_header\n"
    return header.encode() + vertex.tobytes() + face.tobytes()


def xml(names: dict[int, str] = LABELS) -> str:
    """The annotation; only every second label has an axis-aligned box."""
    lines = ["<?xml version='1.0' encoding='utf-8'?>", "<annotation>"]
    for number, (label, name) in enumerate(names.items()):
        box = 'aabbox="0 0 0 1 1 1" ' if number % 2 else ""
        lines.append(f'<label id="{label}" color="1 2 3" text="{name} of {label}" nyu_class="{name}" {box}obbox="0 0 0 1 1 1 0 0 0 1"/>')
    return "\n".join([*lines, "</annotation>"])


def trajectory(rotation: np.ndarray, frames: int = 20) -> str:
    """Cameras (x right, y down, z forward) that look all round, 20 degrees up; `rotation` takes our frame to the file's."""
    lines = []
    for k in range(frames):
        heading, tilt = 2 * np.pi * k / frames, np.radians(-20)
        forward = np.array([np.cos(heading) * np.cos(tilt), np.sin(heading) * np.cos(tilt), -np.sin(tilt)])
        right = np.array([np.sin(heading), -np.cos(heading), 0])
        pose = np.eye(4)
        pose[:3, :3] = rotation @ np.stack([right, np.cross(forward, right), forward], axis=1)
        lines += [f"{k} {k} {k + 1}", *(" ".join(map(str, row)) for row in pose)]
    return "\n".join(lines) + "\n"
