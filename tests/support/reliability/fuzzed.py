"""Parsers of third-party files, each with a valid file and the exceptions it may raise: anything else is a fault."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scans
from mesh_files import obj
from subjects import FURNITURE, HOME

from pixbench.dataset.manifest import MANIFEST, read_manifest
from pixbench.dataset.reader import Dataset
from pixbench.errors import UserError, VerificationError
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.matching.predictions import read_predictions
from pixbench.evaluation.record import read_record
from pixbench.generators.sources.base import BadModelError
from pixbench.generators.sources.formats.mesh_file import read_model
from pixbench.generators.sources.loading.archive import FolderFiles
from pixbench.generators.sources.scenenn.files import read_camera_up, read_names
from pixbench.generators.sources.scenenn.scan import read_scan
from pixbench.generators.sources.sweethome3d.catalogue import read_catalogue
from pixbench.generators.sources.sweethome3d.home import read_home
from pixbench.generators.sources.sweethome3d.shell import is_indoors
from pixbench.generators.sources.sweethome3d.walls import footprints
from pixbench.generators.warps.mnist import parse_idx
from pixbench.models.loading import load_model

POLYGONS = obj() + "v 0 0 0\nv 2 0 0\nv 2 2 0\nv 1 .5 0\nv 0 2 0\nf -5 -4 -3 -2 -1\nf 1/1/1 2/2/2 3//1 4\n"
"""With a concave polygon, and indices of every kind."""


SCAN = scans.room(cells=2)


@dataclass(frozen=True)
class Target:
    """`read` gets a file that holds the bytes, whose name is `name`; bytes of `binary` ones are replaced, never moved."""

    read: Callable[[Path], object]
    raises: tuple[type[Exception], ...]
    name: str
    seed: bytes = b""
    binary: bool = False


def _home(path: Path) -> None:
    for level in read_home(path.read_bytes()):
        walls = footprints(level.walls)
        for area in level.areas:
            is_indoors(area, walls)


def _shard(path: Path) -> None:
    # Other tests check the hash of a shard: here it is ignored.
    data = Dataset(path.parents[1], check=False)
    try:
        for number in range(2):
            data.scene(number).json("recipe")
        for key in data.pair_keys()[:2]:
            data.pair(key)
    finally:
        data.close()


def _idx() -> bytes:
    return b"\0\0\x08\x03" + np.array([2, 3, 3], ">u4").tobytes() + bytes(range(18))


TARGETS = {
    "OBJ": Target(lambda path: read_model(FolderFiles(path.parent), path.name), (BadModelError,), "a.obj", POLYGONS.encode()),
    "home": Target(_home, (BadModelError,), "a.xml", HOME.encode()),
    "furniture": Target(lambda path: read_catalogue(FolderFiles(path.parent), path.name), (), "a.properties", FURNITURE.encode()),
    "SceneNN, labels": Target(read_names, (), "a.xml", scans.xml().encode()),
    "SceneNN, cameras": Target(read_camera_up, (), "a.log", scans.trajectory(np.eye(3)).encode()),
    "SceneNN, scan": Target(
        lambda path: read_scan(path.read_bytes()), (BadModelError,), "a.ply", scans.ply(SCAN, color=SCAN.photo_colors()), True
    ),
    "IDX": Target(lambda path: parse_idx(path.read_bytes()), (ValueError,), "a", _idx(), True),
    "manifest": Target(lambda path: read_manifest(path.parent), (UserError,), MANIFEST),
    "record": Target(read_record, (UserError,), "r.json"),
    "predictions": Target(read_predictions, (UserError,), "p.h5", binary=True),
    "shard": Target(_shard, (UserError, VerificationError), "data/shards/00000.h5", binary=True),
}
"""Those without a seed start from files that commands write."""

WORDS: Sequence[bytes] = (
    *(b"nan", b"-inf", b"-1", b"0", b"1e308", b"99999999999999999999", b"1.5.5", b"\xff\xfe", b"\0", b"\n", b"\\"),
    *(b'"', b"{", b"[[", b"null", b"sha256", b"\xff\xff\xff\xff"),
    *(b"f 1 1 1\n", b"f 1//\n", b"v\n", b"f -1 -2 -9\n", b"mtllib ../x\n"),
    *(b"<a", b"/>", b"&amp;", b"&x;", b"<!DOCTYPE a [", b"#1=", b"\\u12"),
    *(b"element face 1\n", b"property list uchar int x\n", b"format ascii 1.0\n", b"end_header\n"),
)
"""Byte strings that parsers may fail on."""


def valid_files(folder: Path, data: Path) -> dict[str, Path]:
    """A valid file for each target, from a data set. Documents lack their own hash, as old ones do: an attacker would recompute it."""
    shutil.copytree(data, folder / "shard" / "data")
    path, record = evaluate(load_model("baseline:random-unet"), DatasetPairs(data, "tiny", 8), folder / "out")
    kept = {"manifest": data / "dataset.json", "record": path, "predictions": path.with_name(record.predictions.file)}
    found = {}
    for name, target in TARGETS.items():
        found[name] = folder / name / target.name
        found[name].parent.mkdir(parents=True, exist_ok=True)
        if name != "shard":
            found[name].write_bytes(kept[name].read_bytes() if name in kept else target.seed)
    for name, none in (("manifest", ""), ("record", None)):
        found[name].write_text(json.dumps({**json.loads(found[name].read_text()), "sha256": none}))
    return found


def edited(data: bytes, edits: Sequence[tuple[float, int, bytes]], *, in_place: bool) -> bytes:
    """Bytes in which at some positions (0 to 1 of the length) bytes are cut and others inserted, or replaced `in_place`."""
    for place, cut, put in edits:
        at = int(place * len(data))
        data = data[:at] + put + data[at + (len(put) if in_place else cut) :]
    return data


def fault(target: Target, path: Path, data: bytes) -> BaseException | None:
    """The undeclared exception that reading the bytes raises, if any."""
    path.write_bytes(data)
    try:
        target.read(path)
    except target.raises:
        return None
    except Exception as error:
        return error
    return None
