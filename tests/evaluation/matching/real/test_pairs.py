import json
from pathlib import Path

import numpy as np
import pytest
import torch
from real_pairs import picture
from torch import Tensor

from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.real.open import open_pairs
from pixbench.evaluation.matching.real.pairs import GROUP_VIEWS
from pixbench.evaluation.model import DescriptorModel

PICTURES = 12


class Counted(DescriptorModel):
    """Colours, and how many pictures were asked for."""

    name = "counted"
    p = 2.0
    count = 0

    def describe(self, images: Tensor) -> Tensor:
        self.count += len(images)
        return torch.cat([images, images.roll(1, dims=2)], dim=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for k in range(PICTURES):
        picture(tmp_path / "set" / f"{k}.png", 40, 40 + k, seed=k)
    return tmp_path / "set"


def _list(folder: Path, scene: str | None) -> None:
    identity = np.eye(3).tolist()
    pairs = [{"image_a": f"{k}.png", "image_b": f"{k + 1}.png", "homography": identity, "scene": scene} for k in range(0, PICTURES, 2)]
    (folder / "pairs.json").write_text(json.dumps({"pairs": pairs}))


def test_a_scene_of_many_pictures_is_described_in_parts(folder: Path, tmp_path: Path) -> None:
    _list(folder, "one")
    source, model = open_pairs(folder, "one", long_side=20), Counted()
    assert [len(group) for group in source.groups()] == [GROUP_VIEWS // 2, (PICTURES - GROUP_VIEWS) // 2]
    record = evaluate(model, source, tmp_path / "one")[1]
    assert not record.data.failed
    assert (model.count, record.data.scenes, record.data.pairs) == (PICTURES, 1, PICTURES // 2)
    _list(folder, None)
    apart = evaluate(Counted(), open_pairs(folder, "apart", long_side=20), tmp_path / "apart")[1]
    assert apart.data.scenes == PICTURES // 2
    assert apart.metrics == record.metrics


def test_what_is_scored_on_has_a_hash(folder: Path) -> None:
    _list(folder, None)
    first = open_pairs(folder, "mine").identity
    assert open_pairs(folder, "mine").identity == first
    assert open_pairs(folder, "mine", long_side=320).identity.recipe_sha256 != first.recipe_sha256
    picture(folder / "3.png", 40, 43, seed=99)
    changed = open_pairs(folder, "mine").identity
    assert changed.content_sha256 != first.content_sha256
    assert changed.recipe_sha256 != first.recipe_sha256


def test_pictures_are_shrunk_never_enlarged(folder: Path) -> None:
    _list(folder, "one")
    assert [image.shape for image in open_pairs(folder, "mine", long_side=0).images(0)][:2] == [(40, 40, 3), (41, 40, 3)]
    shrunk = open_pairs(folder, "mine", long_side=41).images(0)
    assert [shrunk[k].shape for k in (0, 1, 11)] == [(40, 40, 3), (41, 40, 3), (41, 32, 3)]
    assert len(shrunk) == PICTURES
