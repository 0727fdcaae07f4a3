"""The public names of `pixbench`, and the cost of importing it."""

import io
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pixbench
from pixbench.errors import UserError
from pixbench.geometry.correspondence import Status
from pixbench.training.data.sampler import SceneSampler


def test_import_loads_no_heavy_packages() -> None:
    code = "import sys; before = set(sys.modules); import pixbench; print(sorted({m.split('.')[0] for m in set(sys.modules) - before}))"
    loaded = set(eval(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout))
    assert loaded - set(sys.stdlib_module_names) == {"pixbench"}


@pytest.mark.parametrize("name", pixbench.__all__)
def test_public_names_are_loaded_on_first_use(name: str) -> None:
    assert name in dir(pixbench)
    item = getattr(pixbench, name)
    assert callable(item) or item.__name__ == f"pixbench.{name}"
    assert item is getattr(pixbench, name)


@pytest.mark.slow
def test_function_is_not_shadowed_by_its_module() -> None:
    code = "import pixbench.training.train, pixbench; print(pixbench.train.__module__, callable(pixbench.train))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "pixbench.api True"


def test_unknown_names_raise_an_error() -> None:
    with pytest.raises(AttributeError, match="module 'pixbench' has no attribute 'trian'"):
        pixbench.trian  # noqa: B018
    with pytest.raises(ImportError):
        exec("from pixbench import trian")


def test_docstrings_have_an_example_of_each_name() -> None:
    assert pixbench.__doc__
    for name in ("load", "show", "train", "evaluate", "match", "load_model", "losses"):
        assert f"pixbench.{name}" in pixbench.__doc__
        if name != "losses":
            assert f"pixbench.{name}(" in getattr(pixbench, name).__doc__, name
    # The example of the losses needs only torch.
    scope: dict[str, Any] = {"pixbench": pixbench, "torch": torch}
    exec(textwrap.dedent(str(pixbench.losses.contrastive_loss.__doc__).split("For example:")[1]), scope)
    assert 0 < float(scope["loss"]) < 1


def test_load_returns_the_pairs_of_a_data_set(tiny: Path) -> None:
    ds = pixbench.load(str(tiny))
    assert (len(ds), len(list(ds))) == (18, 18)
    pair = ds[0]
    assert pair.image_a.shape == pair.image_b.shape == (3, 48, 48)
    assert torch.equal(pair.visible, pair.status == Status.VISIBLE)
    assert "split train, 3 scenes, 18 ordered pairs" in repr(ds)
    assert re.fullmatch(r"pair of views: scene 0, view \d to view \d, 48 x 48 px, \d+% visible", repr(pair))
    # By hand, from the cameras and depth that are stored: the pixel (20, 30) of a.
    scene = ds.dataset.scene(pair.scene)
    point = scene.points(pair.a)[30, 20]
    expected = scene.camera(pair.b).project(point[None])[0][0]
    assert pair.uv_b[30, 20].numpy() == pytest.approx(expected, abs=1e-3)
    with pytest.raises(UserError, match="nowhere"):
        pixbench.load("nowhere")


def test_loader_batches_have_distinct_scenes(tiny: Path) -> None:
    ds = pixbench.load(tiny)
    batches = list(ds.loader(batch=3))
    assert len(batches) == len(ds.loader(batch=3)) == 6
    assert all(len(set(batch.scene.tolist())) == 3 for batch in batches)
    seen = [(*map(int, key),) for batch in batches for key in zip(batch.scene, batch.a, batch.b, strict=True)]
    assert sorted(seen) == sorted((key.scene, key.a, key.b) for key in ds.keys)
    loader = ds.loader(batch=3)
    first, second = ([batch.scene.tolist() + batch.a.tolist() for batch in loader] for _ in range(2))
    assert first != second
    with pytest.raises(UserError, match="a batch of 4 pairs of 3 scenes"):
        ds.loader(batch=4)


def test_scene_sampler_uses_every_pair_of_unequal_scenes() -> None:
    groups = [0] * 6 + [1] * 2 + [2] * 4
    batches = list(SceneSampler(groups, batch=2, seed=0))
    assert sorted(index for batch in batches for index in batch) == list(range(12))
    assert all(len({groups[index] for index in batch}) == len(batch) == 2 for batch in batches)


def test_train_evaluate_and_match_in_python(tiny: Path, tmp_path: Path) -> None:
    network = {"widths": (8,), "blocks": (1,), "channels": 8}
    model = pixbench.train(pixbench.load(tiny), steps=2, batch=2, points=32, network=network, progress=False)
    record = pixbench.evaluate(model, tiny, query_stride=8, workers=1, progress=False)
    assert (record.model, record.data.suite) == ("trained", "tiny")
    again = pixbench.evaluate(model.network, str(tiny), p=model.p, query_stride=8, out=tmp_path, progress=False)
    assert again.value("delta_avg") == record.value("delta_avg")
    assert sorted(path.suffix for path in (tmp_path / "tiny").iterdir()) == [".csv", ".h5", ".json"]
    rgb = pixbench.Dataset(tiny).scene(0).read("rgb")
    found = pixbench.match(rgb[0], rgb[0], "baseline:rgb-patch")
    assert found.uv_a == pytest.approx(found.uv_b, abs=0.5)
    figure = pixbench.show(found, rgb[0], rgb[0])
    assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(UserError, match="pass image_a and image_b too"):
        pixbench.show(found)
    with pytest.raises(UserError, match="no such folder, and no suite of that name: suites are colored-mnist-authors, "):
        pixbench.evaluate(model, "maxi")
    for options, words in (
        ({"strid": 4}, "unknown option of evaluate 'strid'"),
        ({"batch": 0}, "batch 0: expected at least 1"),
        ({"query_stride": 0}, "query_stride 0: expected at least 1"),
        ({"radius_px": -1.0}, "radius_px -1.0: expected at least 0"),
        ({"p": "3"}, "p: got 3, expected 1, 2, inf or cosine"),
        ({"suite": "mini"}, "unknown option of evaluate 'suite'"),
    ):
        with pytest.raises(UserError, match=words):
            pixbench.evaluate(model.network, tiny, progress=False, **options)
    with pytest.raises(UserError, match=f"p: {model.name} is loaded already: give p to load_model, or set its attribute p"):
        pixbench.evaluate(model, tiny, p=2, progress=False)
    with pytest.raises(UserError, match="stpes: extra inputs are not permitted"):
        pixbench.train(tiny, stpes=3)


def test_a_pair_is_shown_with_its_true_matches(tiny: Path) -> None:
    pair = pixbench.load(tiny)[0]
    figure = pixbench.show(pair)
    images = [np.asarray(axes.get_images()[0].get_array()) for axes in figure.axes]
    assert images[0] == pytest.approx((pair.image_a.numpy().transpose(1, 2, 0) * 255).round())
    # What b does not see stays grey.
    hidden = images[2][~pair.visible.numpy()]
    assert (np.ptp(hidden, axis=1) < 1e-6).all()
    assert "% of a" in figure.axes[2].get_title()
    figure.savefig(io.BytesIO(), format="pdf")
