"""Intact files of every kind that PixBench reads from third parties, each with the command that reads it."""

import contextlib
import csv
import gzip
import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import scans
import trimesh
from damages import ANY_FILE, Damage
from mesh_files import image, mtl, obj, write
from PIL import Image
from real_pairs import picture
from textured_boxes import gltf

WIDTH, HEIGHT = 96, 64
H = [[1.0, 0.02, 1.5], [-0.01, 0.98, 2.0], [1e-4, 2e-4, 1.0]]
SHIFT = [[1.0, 0.0, 3.0], [0.0, 1.0, -1.5], [0.0, 0.0, 1.0]]


@dataclass(frozen=True)
class Subject:
    """A file below a folder `{}`, and the command that reads it. `after` is what an attacker does once the file is changed."""

    file: str
    command: str
    make: Callable[[Path, Path], None]
    """Fills a folder; the second one has what commands have made."""
    tables: Sequence[Mapping[str, Damage]] = (ANY_FILE,)
    after: Callable[[Path], None] = lambda folder: None
    code: int = 0
    """Exit code of the command on the intact file."""


def copied(*names: str) -> Callable[[Path, Path], None]:
    def make(folder: Path, made: Path) -> None:
        for name in names:
            (shutil.copytree if (made / name).is_dir() else shutil.copy)(made / name, folder / name)

    return make


def files(content: Mapping[str, str | bytes]) -> Callable[[Path, Path], None]:
    return lambda folder, made: _none(write(folder, dict(content)))


def _none(_: Any) -> None:
    return None


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _set(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw))


def unsealed(*parts: str) -> Callable[[Path], None]:
    """Removes a document's own hash, as old ones have none."""

    def after(folder: Path) -> None:
        path = folder.joinpath(*parts)
        with contextlib.suppress(ValueError, RecursionError):
            raw = json.loads(path.read_text() if path.is_file() and path.stat().st_size < 2**30 else "")
            path.write_text(json.dumps({**raw, "sha256": "" if parts[0] == "data" else None}) if isinstance(raw, dict) else "[]")

    return after


def shard_hashed_again(folder: Path) -> None:
    path = folder / "data/shards/00000.h5"
    if path.is_file() and path.stat().st_size < 2**30:
        sizes = {"bytes": path.stat().st_size, "sha256": _hash(path)}
        _set(folder / "data/dataset.json", lambda raw: _none((raw["shards"][0].update(sizes), raw.update(sha256=""))))


def record_hashed_again(folder: Path) -> None:
    record = folder / "out/data/rgb-patch.json"
    for part in ("predictions", "pairs"):
        path = folder / "out/data" / json.loads(record.read_text())[part]["file"]
        if path.is_file() and path.stat().st_size < 2**30:
            found = _hash(path)
            _set(record, lambda raw, part=part, found=found: _none((raw[part].update(sha256=found), raw.update(sha256=None))))  # type: ignore[misc]


def zipped(name: str) -> Callable[[Path], None]:
    """The folder `in` as an archive."""

    def after(folder: Path) -> None:
        with zipfile.ZipFile(folder / name, "w") as archive:
            for path in sorted((folder / "in").rglob("*")):
                if path.is_file() and path.stat().st_size < 2**30:
                    archive.write(path, path.relative_to(folder / "in"))

    return after


def mesh(kind: str, **options: Any) -> bytes:
    box = trimesh.creation.box((0.4, 0.5, 0.6))
    data = box.export(file_type=kind, **options)
    return data if isinstance(data, bytes) else data.encode()


def gltf_files(folder: Path, made: Path) -> None:
    document, binary = gltf()
    document["buffers"][0]["uri"] = "data.bin"
    write(folder, {"m/a.gltf": json.dumps(document), "m/data.bin": binary})


def idx(folder: Path, made: Path) -> None:
    (folder / "idx").mkdir()
    for part, count in (("train", 40), ("t10k", 20)):
        noise = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        for name, array in ((f"{part}-images-idx3-ubyte", noise), (f"{part}-labels-idx1-ubyte", np.arange(count, dtype=np.uint8) % 10)):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            (folder / "idx" / name).write_bytes(head + array.tobytes())


def pictures(*names: str) -> Callable[[Path, Path], None]:
    return lambda folder, made: [picture(folder / name, WIDTH, HEIGHT, seed) for seed, name in enumerate(names)] and None


def also(*makers: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
    return lambda folder, made: [make(folder, made) for make in makers] and None


def matrix(folder: Path, made: Path) -> None:
    np.savetxt(folder / "set/seq/H_1_2", np.array(H))


def listed(**truth: Any) -> Callable[[Path, Path], None]:
    def make(folder: Path, made: Path) -> None:
        pairs = [{"image_a": "a.png", "image_b": "b.png", "scene": "yard", **truth}]
        (folder / "set/pairs.json").write_text(json.dumps({"pairs": pairs, "pixel_centres": "whole"}))

    return make


def table(folder: Path, made: Path) -> None:
    with (folder / "set/pairs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["scene", "image_a", "image_b", *(f"h{row}{column}" for row in "123" for column in "123")])
        writer.writerow(["yard", "a.png", "b.png", *np.ravel(SHIFT)])


def flo(folder: Path, made: Path) -> None:
    flow = np.full((HEIGHT, WIDTH, 2), 1.5, "<f4")
    (folder / "set/f.flo").write_bytes(b"PIEH" + np.array([WIDTH, HEIGHT], "<i4").tobytes() + flow.tobytes())


def flow_png(folder: Path, made: Path) -> None:
    cv2.imwrite(str(folder / "set/f.png"), np.full((HEIGHT, WIDTH, 3), 2**15 + 64, np.uint16))


def flow_npy(folder: Path, made: Path) -> None:
    np.save(folder / "set/f.npy", np.full((HEIGHT, WIDTH, 2), 1.5, np.float32))


def pfm(folder: Path, made: Path) -> None:
    values = np.full((HEIGHT, WIDTH), 2.0, "<f4")
    (folder / "set/d.pfm").write_bytes(f"Pf\n{WIDTH} {HEIGHT}\n-1.0\n".encode() + values.tobytes())


def disparity_png(folder: Path, made: Path) -> None:
    Image.fromarray(np.full((HEIGHT, WIDTH), 512, np.uint16)).save(folder / "set/d.png")


K = [[60.0, 0.0, 31.0], [0.0, 62.0, 23.0], [0.0, 0.0, 1.0]]
POSE = [[1.0, 0.0, 0.0, 0.1], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
DEPTH = {"depth_a": "a.h5", "depth_b": "b.h5", "K_a": K, "K_b": K, "T_b_a": POSE}


def depths(folder: Path, made: Path) -> None:
    for name in "ab":
        with h5py.File(folder / f"set/{name}.h5", "w") as file:
            file["depth"] = np.full((HEIGHT, WIDTH), 2.0, np.float32)


def scannet(folder: Path, made: Path) -> None:
    scene = folder / "set/scene0707_00"
    for k, stem in enumerate((15, 30)):
        picture(scene / f"color/{stem}.jpg", WIDTH, HEIGHT, k)
        for part in ("depth", "pose"):
            (scene / part).mkdir(exist_ok=True)
        Image.fromarray(np.full((HEIGHT, WIDTH), 2000, np.uint16)).save(scene / f"depth/{stem}.png")
        np.savetxt(scene / f"pose/{stem}.txt", np.array(POSE) if k else np.eye(4))
    np.savez(folder / "set/test.npz", name=np.array([[707, 0, 15, 30]]))
    np.savez(folder / "set/intrinsics.npz", scene0707_00=np.array(K))


def scenenn(folder: Path, made: Path) -> None:
    scan = scans.room()
    named: dict[str, str | bytes] = {"s/005/005.ply": scans.ply(scan, color=scan.photo_colors()), "s/005/005.xml": scans.xml()}
    write(folder, {**named, "s/005/trajectory.log": scans.trajectory(np.eye(3))})


def shapenet(folder: Path, made: Path) -> None:
    named: dict[str, str | bytes] = {"t/03001627/a1/model.obj": obj(repeat=1.0), "t/03001627/a1/model.mtl": mtl("images/texture0.jpg")}
    write(folder, {**named, "t/03001627/a1/images/texture0.jpg": image(), "t/all.csv": SPLITS, "t/taxonomy.json": TAXONOMY})


SPLITS = "id,synsetId,subSynsetId,modelId,split\n1,03001627,03001627,a1,train\n"
TAXONOMY = json.dumps([{"synsetId": "03001627", "name": "chair", "children": []}])


CATALOGUE = "PluginFurnitureCatalog.properties"
FURNITURE = """name=A library
id#1=T#1
name#1=Chair
category#1=Living room
model#1=/m/step.obj
width#1=80
depth#1=50
height#1=100
"""


def library(archive: str) -> Callable[[Path, Path], None]:
    """Furniture in the folder `in`, and packed as `archive`."""

    def make(folder: Path, made: Path) -> None:
        write(folder, {f"in/{CATALOGUE}": FURNITURE, "in/m/step.obj": obj()})
        if archive:
            (folder / archive).parent.mkdir()
            zipped(archive)(folder)

    return make


HOME = """<?xml version='1.0'?><home version='5600' name='T' wallHeight='250'>
<room id='r' name='Living room' areaVisible='true' floorColor='FFAABBCC' ceilingColor='FFFFFFFF'>
<point x='0' y='0'/><point x='400' y='0'/><point x='400' y='300'/><point x='0' y='300'/></room>
<wall id='w1' xStart='0' yStart='0' xEnd='400' yEnd='0' height='250' thickness='10' wallAtStart='w4' wallAtEnd='w2'/>
<wall id='w2' xStart='400' yStart='0' xEnd='400' yEnd='300' height='250' thickness='10' wallAtStart='w1' wallAtEnd='w3'/>
<wall id='w3' xStart='400' yStart='300' xEnd='0' yEnd='300' height='250' thickness='10' wallAtStart='w2' wallAtEnd='w4'/>
<wall id='w4' xStart='0' yStart='300' xEnd='0' yEnd='0' height='250' thickness='10' wallAtStart='w3' wallAtEnd='w1'/>
<pieceOfFurniture catalogId='eTeks#step' name='Step' model='m/step.obj' x='100' y='200' width='80' depth='40' height='60'/>
</home>"""


def homes(archive: str) -> Callable[[Path, Path], None]:
    """A home in the folder `in`, and packed as `archive`."""

    def make(folder: Path, made: Path) -> None:
        write(folder, {"in/com/eteks/sweethome3d/io/resources/examples/Test.xml": HOME, "in/m/step.obj": obj()})
        if archive:
            (folder / archive).parent.mkdir()
            zipped(archive)(folder)

    return make


def idx_gzipped(folder: Path, made: Path) -> None:
    idx(folder, made)
    for path in list((folder / "idx").iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()


def megadepth(folder: Path, made: Path) -> None:
    pictures("set/a.jpg", "set/b.jpg")(folder, made)
    depths(folder, made)
    np.savez(
        folder / "set/0015_0.1_0.3.npz",
        pair_infos=np.array([((0, 1), 0.3, None)], object),
        image_paths=np.array(["a.jpg", "b.jpg"], object),
        depth_paths=np.array(["a.h5", "b.h5"], object),
        intrinsics=np.array([np.array(K), np.array(K), None], object)[:2],
        poses=np.array([np.eye(4), np.array(POSE), None], object)[:2],
    )
