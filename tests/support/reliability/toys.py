"""Names that the commands of tests may use beside PixBench's own: a small sweep, and a pack that a client of this machine "downloads"."""

import hashlib
import io
import os
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml

from pixbench.assets import manifest
from pixbench.experiments.experiment1 import PRESETS, Experiment1Preset

MEMBERS = 60


def write_digits(path: Path, count: int = 120) -> None:
    """Noise with the classes of digits."""
    images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    np.savez(path, images=images, classes=np.arange(count, dtype=np.uint8) % 10)


def write_pack(folder: Path) -> None:
    """A manifest with the pack `toy`, and a client `npm` that copies it slowly, in two parts."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for number in range(MEMBERS):
            info = tarfile.TarInfo(f"toy/{number}.bin")
            info.size = 20_000
            archive.addfile(info, io.BytesIO(np.random.default_rng(number).bytes(20_000)))
    data = packed.getvalue()
    (folder / "toy-1.tar").write_bytes(data)
    entry = {
        **{"name": "toy", "title": "Toy", "role": "objects", "licence": "CC0", "citation": "-", "splits": None},
        "source": {"kind": "npm", "package": "toy", "version": "1"},
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    document = {"format": "pixbench-data-manifest", "format_version": 2, "entries": [entry]}
    (folder / "packs.yaml").write_text(yaml.safe_dump(document))
    client = folder / "bin" / "npm"
    client.parent.mkdir()
    whole = folder / "toy-1.tar"
    client.write_text(f"#!/bin/sh\nhead -c 100000 {whole} > toy.tar\nsleep 0.2\ntail -c +100001 {whole} >> toy.tar\n")
    client.chmod(0o755)


def toy_preset(digits: Path) -> Experiment1Preset:
    """A sweep of two cells, of a second each."""
    return replace(
        PRESETS["cpu"],
        digits=f"npz:{digits.resolve()}",
        steps=3,
        batch=4,
        points=32,
        head_steps=4,
        head_batch=8,
        head_stride=4,
        p=(1.0,),
        between_weight=(0.0, 0.9),
        seeds=1,
    )


def install() -> None:
    """Make all of them known to this process, in its folder."""
    write_digits(Path("digits.npz"))
    write_pack(Path.cwd())
    manifest.MANIFEST = Path("packs.yaml").resolve()
    os.environ["PATH"] = f"{Path('bin').resolve()}:{os.environ['PATH']}"
    PRESETS["toy"] = toy_preset(Path("digits.npz"))
