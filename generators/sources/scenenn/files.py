"""Finds the files of each room in a SceneNN copy, and reads annotations and camera trajectories."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from pixbench.errors import UserError
from pixbench.io.untrusted import LARGEST_TEXT, parse_xml, read_bytes, read_text

UNLABELLED = "unlabelled"
SAME_CLASS = {"prop": "otherprop"}


@dataclass(frozen=True)
class RoomFiles:
    """The files of a room; None for a missing one. At least one of `main` and `color` exists."""

    main: Path | None
    color: Path | None
    xml: Path | None
    trajectory: Path | None

    def present(self) -> list[Path]:
        """The files that exist, in a fixed order."""
        return [path for path in (self.color, self.main, self.xml, self.trajectory) if path is not None]


def find_rooms(root: Path) -> Mapping[str, RoomFiles]:
    """Files by room number. Rooms are in `root` or `root/main`, coloured meshes next to them or in `contrib/color_ply`."""
    homes = [root, root / "main"]
    # The public server has main/ and contrib/ side by side.
    around = [*homes, *([root.parent] if root.name == "main" else [])]
    colors = [place for home in around for place in (home, home / "color_ply", home / "contrib" / "color_ply")]
    numbers = {path.name for home in homes for path in home.glob("[0-9][0-9][0-9]") if path.is_dir()}
    numbers |= {path.name[:3] for place in colors for path in place.glob("[0-9][0-9][0-9]_color.ply")}
    found = {number: _files_of(number, homes, colors) for number in sorted(numbers)}
    return {number: files for number, files in found.items() if files.main or files.color}


def _files_of(number: str, homes: list[Path], colors: list[Path]) -> RoomFiles:
    folders = [home / number for home in homes]
    color_folders = [place / below for place in colors for below in ("", number)]
    return RoomFiles(
        _first_file(folder / f"{number}.ply" for folder in folders),
        _first_file(folder / f"{number}_color.ply" for folder in color_folders),
        _first_file(folder / f"{number}.xml" for folder in folders),
        _first_file(folder / "trajectory.log" for folder in folders),
    )


def _first_file(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def read_names(path: Path | None) -> dict[int, str]:
    """Class names by label from the annotation in XML; empty if there is none or it cannot be parsed.

    The name is `nyu_class`, or `text` where that is missing. Bounding boxes are not used: some labels have none.
    """
    try:
        root = parse_xml(read_bytes(path, LARGEST_TEXT) if path else b"<none/>")
    except (UserError, ValueError):
        return {}
    names = {}
    for label in root.iter("label"):
        name = (label.get("nyu_class") or label.get("text") or "").strip().lower()
        if re.fullmatch("[0-9]{1,9}", label.get("id", "")) and name:
            names[int(label.get("id", ""))] = SAME_CLASS.get(name, name)
    return dict(sorted(names.items()))


def read_camera_up(path: Path | None) -> Float[np.ndarray, "3"] | None:
    """Mean upward direction of the cameras, a unit vector in the frame of the mesh; None without a trajectory or if directions cancel out.

    `trajectory.log` consists of blocks of five lines: a line of indices, then the rows of a 4 x 4 camera-to-world matrix, y down.
    """
    try:
        lines = [line.split() for line in read_text(path).splitlines() if line.strip()] if path else []
        rows = [[float(value) for value in line] for number, line in enumerate(lines) if number % 5]
        poses = np.array(rows).reshape(-1, 4, 4)
    except (UserError, ValueError):
        return None
    up = -poses[:, :3, 1].mean(axis=0) if len(poses) else np.zeros(3)
    return up if np.linalg.norm(up) > 0.3 else None
