"""Third-party files, damaged or malicious in every way of `damages`, read by the command line: success or a one-line error.

Each command is monitored: no traceback, no hang, 10 s and 1 GB at most, no code run, nothing read or written outside.
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import subjects as of
import watched
from damages import ANY_FILE, ESCAPES, JSON, TEXT
from mesh_files import image, mtl, obj
from programs import write_programs
from subjects import Subject
from textured_boxes import glb, gltf, ply
from toys import toy_preset, write_digits

from pixbench.experiments.experiment1 import PRESETS

MEGABYTES = 1024
"""Memory limit of one command."""

NETWORK = "--set points=16 --set network.widths=[8,8] --set network.blocks=[1,1]"
TRAIN = f"train --data data --steps 2 --batch 2 --accelerator cpu --threads 1 {NETWORK}"
DESCRIBE = "describe {}/a.png --out {}/d.npz --max-size 48"
MATCHES = "evaluate --model baseline:rgb-patch --data {}/set --out {}/out"
DIGITS = "--size 16 --workers 1 --out {}/new"
CHECK = "assets check"
A, PAIR = of.pictures("a.png"), of.pictures("set/a.png", "set/b.png")
RECORD, DATA = of.copied("out", "data"), of.copied("data")
RUN = of.also(of.copied("run"), A)
ANY, WORDS, DOCUMENT = (ANY_FILE,), (ANY_FILE, TEXT), (ANY_FILE, JSON)
OBJ = of.files({"m/a.obj": obj(repeat=1.0).replace("model.mtl", "a.mtl"), "m/a.mtl": mtl("a.png"), "m/a.png": image(kind="PNG")})
HOME = "in/com/eteks/sweethome3d/io/resources/examples/Test.xml"

SUBJECTS: Mapping[str, Subject] = {
    "manifest": Subject("data/dataset.json", "verify {}/data", DATA, DOCUMENT, of.unsealed("data", "dataset.json")),
    "manifest, described": Subject("data/dataset.json", "info {}/data", DATA, DOCUMENT, of.unsealed("data", "dataset.json")),
    "shard": Subject("data/shards/00000.h5", "verify {}/data", DATA),
    "shard, hashed again": Subject(
        "data/shards/00000.h5", "evaluate --model baseline:rgb-patch --data {}/data --out {}/new", DATA, after=of.shard_hashed_again
    ),
    "record": Subject(
        "out/data/rgb-patch.json",
        "leaderboard verify {}/out/data/rgb-patch.json --data data",
        RECORD,
        DOCUMENT,
        of.unsealed("out", "data", "rgb-patch.json"),
    ),
    "record in a table": Subject(
        "out/data/rgb-patch.json", "leaderboard show {}/out", RECORD, DOCUMENT, of.unsealed("out", "data", "rgb-patch.json")
    ),
    "predictions": Subject(
        "out/data/rgb-patch.h5", "leaderboard verify {}/out/data/rgb-patch.json --data data", RECORD, after=of.record_hashed_again
    ),
    "table of pairs": Subject(
        "out/data/rgb-patch.pairs.csv", "leaderboard verify {}/out/data/rgb-patch.json --data data", RECORD, WORDS, of.record_hashed_again
    ),
    # The recipe is read completely, then refused: only the user can give the digits.
    "recipe": Subject(
        "recipe.json", "generate 2d --from-recipe {}/recipe.json --workers 1 --out {}/new", of.copied("recipe.json"), DOCUMENT, code=2
    ),
    "checkpoint": Subject("run/checkpoint/checkpoint.json", f"{DESCRIBE} --model {{}}/run", RUN, DOCUMENT),
    "weights": Subject("run/checkpoint/weights.safetensors", f"{DESCRIBE} --model {{}}/run", RUN),
    "run": Subject("run/run.json", f"{TRAIN} --out {{}}/run", RUN, DOCUMENT),
    "state of a run": Subject("run/state.pt", f"{TRAIN} --out {{}}/run", RUN),
    "ONNX": Subject("model.onnx", f"{DESCRIBE} --model onnx:{{}}/model.onnx", of.also(of.copied("model.onnx"), A)),
    "TorchScript": Subject("model.pt", f"{DESCRIBE} --model {{}}/model.pt --trust-code", of.also(of.copied("model.pt"), A)),
    "TorchScript, not trusted": Subject("model.pt", f"{DESCRIBE} --model {{}}/model.pt", of.also(of.copied("model.pt"), A), code=2),
    "weights of a baseline": Subject(
        "xfeat.pt", "evaluate --model baseline:xfeat:{}/xfeat.pt --data data --out {}/new --input-size 0", of.copied("xfeat.pt")
    ),
    "OBJ": Subject("m/a.obj", f"{CHECK} folder:{{}}/m", OBJ, WORDS),
    "MTL": Subject("m/a.mtl", f"{CHECK} folder:{{}}/m", OBJ, WORDS),
    "texture": Subject("m/a.png", f"{CHECK} folder:{{}}/m", OBJ),
    "PLY": Subject("m/a.ply", f"{CHECK} folder:{{}}/m", of.files({"m/a.ply": of.mesh("ply")})),
    "PLY, text": Subject("m/a.ply", f"{CHECK} folder:{{}}/m", of.files({"m/a.ply": ply("ascii")}), WORDS),
    "OFF": Subject("m/a.off", f"{CHECK} folder:{{}}/m", of.files({"m/a.off": of.mesh("off")}), WORDS),
    "STL": Subject("m/a.stl", f"{CHECK} folder:{{}}/m", of.files({"m/a.stl": of.mesh("stl")})),
    "STL, text": Subject("m/a.stl", f"{CHECK} folder:{{}}/m", of.files({"m/a.stl": of.mesh("stl_ascii")}), WORDS),
    "glTF": Subject("m/a.gltf", f"{CHECK} folder:{{}}/m", of.gltf_files, (ANY_FILE, JSON, TEXT)),
    "glTF, buffer": Subject("m/data.bin", f"{CHECK} folder:{{}}/m", of.gltf_files),
    "GLB": Subject("m/a.glb", f"{CHECK} folder:{{}}/m", of.files({"m/a.glb": glb(*gltf())})),
    "furniture library": Subject("f/a.sh3f", f"{CHECK} sweethome3d:{{}}/f", of.library("f/a.sh3f")),
    "furniture catalogue": Subject(f"in/{of.CATALOGUE}", f"{CHECK} sweethome3d:{{}}", of.library(""), WORDS, of.zipped("a.sh3f")),
    "homes": Subject("h/a.jar", f"{CHECK} sweethome3d:{{}}/h", of.homes("h/a.jar")),
    "home": Subject(HOME, f"{CHECK} sweethome3d:{{}}", of.homes(""), WORDS, of.zipped("a.jar")),
    "SceneNN, scan": Subject("s/005/005.ply", f"{CHECK} scenenn:{{}}/s", of.scenenn),
    "SceneNN, labels": Subject("s/005/005.xml", f"{CHECK} scenenn:{{}}/s", of.scenenn, WORDS),
    "SceneNN, cameras": Subject("s/005/trajectory.log", f"{CHECK} scenenn:{{}}/s", of.scenenn, WORDS),
    "ShapeNet, splits": Subject("t/all.csv", f"{CHECK} shapenet:{{}}/t", of.shapenet, WORDS),
    "ShapeNet, taxonomy": Subject("t/taxonomy.json", f"{CHECK} shapenet:{{}}/t", of.shapenet, WORDS),
    "digits, IDX": Subject("idx/train-images-idx3-ubyte", f"generate 2d --scenes 2 --set digits=idx:{{}}/idx {DIGITS}", of.idx),
    "digits, gzipped": Subject(
        "idx/train-images-idx3-ubyte.gz", f"generate 2d --scenes 2 --set digits=idx:{{}}/idx {DIGITS}", of.idx_gzipped
    ),
    "digits, npz": Subject("digits.npz", f"generate 2d --scenes 2 --set digits=npz:{{}}/digits.npz {DIGITS}", of.copied("digits.npz")),
    "picture of a folder": Subject(
        "p/0.png", f"generate 2d --scenes 2 --set pictures=folder:{{}}/p {DIGITS}", of.pictures(*(f"p/{k}.png" for k in range(9)))
    ),
    **{
        f"picture, {kind}": Subject(f"a.{kind}", f"describe {{}}/a.{kind} --out {{}}/d.npz --max-size 48", of.pictures(f"a.{kind}"))
        for kind in ("png", "jpg", "webp", "tif", "bmp", "ppm")
    },
    "HPatches, homography": Subject("set/seq/H_1_2", MATCHES, of.also(of.pictures("set/seq/1.ppm", "set/seq/2.ppm"), of.matrix), WORDS),
    "HPatches, picture": Subject("set/seq/2.ppm", MATCHES, of.also(of.pictures("set/seq/1.ppm", "set/seq/2.ppm"), of.matrix)),
    "pair list": Subject("set/pairs.json", MATCHES, of.also(PAIR, of.listed(homography=of.H)), DOCUMENT),
    "pair table": Subject("set/pairs.csv", MATCHES, of.also(PAIR, of.table), WORDS),
    "flow, flo": Subject("set/f.flo", MATCHES, of.also(PAIR, of.flo, of.listed(flow="f.flo"))),
    "flow, PNG of 16 bits": Subject("set/f.png", MATCHES, of.also(PAIR, of.flow_png, of.listed(flow="f.png"))),
    "flow, npy": Subject("set/f.npy", MATCHES, of.also(PAIR, of.flow_npy, of.listed(flow="f.npy"))),
    "disparity, pfm": Subject("set/d.pfm", MATCHES, of.also(PAIR, of.pfm, of.listed(disparity="d.pfm"))),
    "disparity, PNG of 16 bits": Subject("set/d.png", MATCHES, of.also(PAIR, of.disparity_png, of.listed(disparity="d.png"))),
    "depth, HDF5": Subject("set/a.h5", MATCHES, of.also(PAIR, of.depths, of.listed(depth=of.DEPTH))),
    "ScanNet, pairs": Subject("set/test.npz", MATCHES, of.scannet),
    "ScanNet, intrinsics": Subject("set/intrinsics.npz", MATCHES, of.scannet),
    "ScanNet, depth": Subject("set/scene0707_00/depth/30.png", MATCHES, of.scannet),
    "ScanNet, pose": Subject("set/scene0707_00/pose/30.txt", MATCHES, of.scannet, WORDS),
    "MegaDepth": Subject("set/0015_0.1_0.3.npz", MATCHES, of.megadepth),
    "sweep": Subject("sweep/sweep.json", "sweep experiment1 --preset toy --workers 1 --out {}/sweep", of.copied("sweep"), DOCUMENT),
    "cell of a sweep": Subject("sweep/cells/p-1_c-0_seed-0.json", "report experiment1 --data {}/sweep", of.copied("sweep"), DOCUMENT),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working folder of the commands, with their outputs for intact files."""
    folder = tmp_path_factory.mktemp("bad")
    write_digits(folder / "digits.npz")
    write_programs(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setitem(PRESETS, "toy", toy_preset(folder / "digits.npz"))
        for command in (
            "generate 2d --scenes 4 --size 16 --workers 1 --set digits=npz:digits.npz --set scenes_per_shard=2 --out data",
            "recipe data --out recipe.json",
            "evaluate --model baseline:rgb-patch --data data --out out",
            f"{TRAIN} --out run",
            "export run --out model.onnx",
            "sweep experiment1 --preset toy --workers 1 --out sweep",
        ):
            done = watched.run(command, folder / "secret", folder)
            assert done.code == 0, done.output
        yield folder


@pytest.fixture
def secret(made: Path) -> Iterator[Path]:
    """Files that must not be read, with the names that malicious files ask for. A read would change their access time."""
    folder = made / "secret"
    folder.mkdir(exist_ok=True)
    for name in ("a.mtl", "a.png", "data.bin", "f.flo", "a.h5", "b.png"):
        (folder / name).write_bytes(b"of another folder")
        os.utime(folder / name, (1, 2**31))
    yield folder
    assert {path.stat().st_atime for path in folder.iterdir()} == {1}


def faults(done: watched.Done, made: Path) -> list[str]:
    """The forbidden behaviour of a command."""
    lines = done.output.strip().splitlines() or [""]
    found = {
        "traceback": "Traceback" in done.output,
        f"exit code {done.code}": done.code not in (0, 1, 2),
        "not one line of error": done.code == 2 and not lines[-1].startswith("error: "),
        f"{done.cpu_s:.0f} s": done.cpu_s > watched.SECONDS,
        f"{done.peak_mb:.0f} MB": done.peak_mb > MEGABYTES,
        "terminal escapes": ESCAPES[:4] in done.output,
        "code was run": (made / "ran").exists(),
        f"{done.forbidden[:3]}": bool(done.forbidden),
    }
    return [name for name, is_so in found.items() if is_so]


def test_more_than_300_kinds_of_damage_are_tried() -> None:
    assert sum(len(table) for subject in SUBJECTS.values() for table in subject.tables) > 300


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of torch itself
@pytest.mark.slow
@pytest.mark.parametrize("name", SUBJECTS)
def test_damaged_and_hostile_files_are_handled_safely(name: str, made: Path, secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject, found, codes = SUBJECTS[name], {}, Counter[int]()
    tried = {"whole": lambda path: None, **{kind: damage for table in subject.tables for kind, damage in table.items()}}
    monkeypatch.setenv("PIXBENCH_CACHE", str(made / "case" / "cache"))
    for kind, damage in tried.items():
        shutil.rmtree(made / "case", ignore_errors=True)
        folder = made / "case" / "in"
        folder.mkdir(parents=True)
        subject.make(folder, made)
        damage(folder / subject.file)
        subject.after(folder)
        done = watched.run(subject.command.replace("{}", str(folder)), secret, made / "case")
        if kind == "whole":
            assert done.code == subject.code, done.output
        if wrong := faults(done, made):
            found[kind] = (wrong, done.output[-800:])
        codes[done.code] += 1
        (made / "ran").unlink(missing_ok=True)
    print(f"{name}: {len(tried) - 1} kinds, exit codes {dict(codes)}")
    assert not found
