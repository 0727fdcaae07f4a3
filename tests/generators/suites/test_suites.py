"""The suite `shapenet-scenenn`, on small folders in the layouts of ShapeNet and SceneNN."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from mesh_files import image, mtl, obj, write
from scans import ply, room, xml

from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import EvaluationPairs
from pixbench.evaluation.suite import SUITES, GeneratedSuite, Opening
from pixbench.generators.sources.base import split_of
from pixbench.models.loading import load_model

CHAIR = "03001627"
SMALL = {"scenes": 1, "views": 2, "size": 48, "scenes_per_shard": 1}


def _write_sources(root: Path, color: tuple[int, int, int] = (10, 200, 30)) -> dict[str, tuple[str]]:
    """Write two chairs and a room of the test split; returns their source specs."""
    models = [f"m{k}" for k in range(200) if split_of(f"shapenet/{CHAIR}/m{k}") == "test"][:2]
    for model in models:
        base = f"shapenet/{CHAIR}/{model}/"
        write(
            root,
            {
                f"{base}models/model_normalized.obj": obj(repeat=1.0),
                f"{base}models/model.mtl": mtl("../images/texture0.jpg"),
                f"{base}images/texture0.jpg": image(color),
            },
        )
    number = next(f"{k:03}" for k in range(1, 200) if split_of(f"scenenn/{k:03}") == "test")
    scan = room()
    write(
        root / "scenenn",
        {
            f"{number}/{number}.ply": ply(scan, color=scan.instance_colors()),
            f"contrib/color_ply/{number}_color.ply": ply(scan, color=scan.photo_colors()),
            f"{number}/{number}.xml": xml(),
            "intrinsic/asus.ini": "",
        },
    )
    return {"objects": (f"shapenet:{root / 'shapenet'}",), "rooms": (f"scenenn:{root / 'scenenn'}",)}


def _open_suite(tmp_path: Path, sources: dict[str, tuple[str]]) -> EvaluationPairs:
    published = SUITES.get("shapenet-scenenn")
    assert isinstance(published, GeneratedSuite)
    suite = dataclasses.replace(published, config={**published.config, **SMALL}, query_stride=4)
    return suite.open(Opening(tmp_path, sources=sources))


@pytest.mark.slow
def test_suite_identity_does_not_depend_on_the_location_of_sources(tmp_path, monkeypatch):
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path / "cache"))
    one = _open_suite(tmp_path / "one", _write_sources(tmp_path / "here"))
    other = _open_suite(tmp_path / "other", _write_sources(tmp_path / "elsewhere" / "deep"))
    assert one.identity == other.identity
    repainted = _open_suite(tmp_path / "third", _write_sources(tmp_path / "repainted", color=(200, 10, 30)))
    assert repainted.identity.recipe_sha256 != one.identity.recipe_sha256

    pair = one.pair(one.groups()[0][0])
    assert pair.on_object is not None
    assert 0 < np.mean(pair.on_object) < 1
    _, record = evaluate(load_model("baseline:oracle"), one, tmp_path / "results")
    assert record.metrics["delta_avg"].value == 1.0
    assert record.data.suite == "shapenet-scenenn v1"
