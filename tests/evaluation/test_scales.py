"""Descriptors at several scales: positions, cosine similarity, and the scales in records and names."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pixbench.errors import UserError
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.nearest import Norm
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.model import DescriptorModel
from pixbench.evaluation.network_input import NetworkInput, check_scales, parse_scales
from pixbench.evaluation.record import find_records
from pixbench.evaluation.record_place import model_sha256
from pixbench.leaderboard.entries import entries
from pixbench.models.loading import load_model


def _ramp(width: int, height: int) -> Tensor:
    """Each pixel's u and v as shares of the image, and u again."""
    v, u = torch.meshgrid((torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width, indexing="ij")
    return torch.stack([u, v, u])[None]


class Averages(DescriptorModel):
    """The mean of cells of 4 x 4 pixels."""

    name = "averages"
    p: Norm = 2.0

    def describe(self, images: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(images, 4)


def test_every_scale_keeps_positions() -> None:
    model, uv = Averages(), _ramp(64, 48)
    model.scales = (0.5, 1.0, 2.0)
    joined = model.dense(uv)
    assert joined.shape == (1, 9, 48, 64)
    # A ramp that is resized and averaged is the same ramp, where no border is near.
    for part in (joined[:, :3], joined[:, 3:6], joined[:, 6:]):
        torch.testing.assert_close(part[..., 12:-12, 12:-12], uv[..., 12:-12, 12:-12], atol=2e-3, rtol=0)
    # Cells of four pixels of an image twice as large are two pixels apart.
    assert (model.grid_px, model.described) == (2.0, (9, 48, 64))


def test_scales_that_the_input_size_would_undo_are_rejected() -> None:
    model = Averages()
    model.scales, model.input = (0.5, 1.0, 4.0), NetworkInput(128)
    with pytest.raises(
        ValueError, match=r"64 x 48 px at scales 0\.5 and 1 are both enlarged to 128 x 96 px, because averages has input_size 128"
    ):
        model.dense(_ramp(64, 48))
    model.scales = (2.0, 4.0)
    assert model.dense(_ramp(64, 48)).shape == (1, 6, 48, 64)


def _cosine(dense: Tensor) -> Tensor:
    return nn.functional.cosine_similarity(dense[0], dense[1], dim=0)


def test_cosine_of_joined_descriptors_is_the_mean_over_scales() -> None:
    class ByCosine(Averages):
        p: Norm = "cosine"

    model, images = ByCosine(), torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    parts = []
    for scale in (0.5, 1.0):
        model.scales = (scale,)
        parts.append(_cosine(model.dense(images)))
    model.scales = (0.5, 1.0)
    torch.testing.assert_close(_cosine(model.dense(images)), (parts[0] + parts[1]) / 2)


def test_record_and_table_row_name_the_scales(source: DatasetPairs, tmp_path: Path) -> None:
    model = load_model("baseline:rgb-patch", scales=[0.5, 1])
    assert model_sha256(model) != model_sha256(load_model("baseline:rgb-patch"))
    path, record = evaluate(model, source, tmp_path)
    assert (record.model_info["scales"], record.model_info["channels"]) == ([0.5, 1.0], 2 * 243)
    (entry,) = entries(find_records([path]))
    assert entry.name == "rgb-patch (2 scales)"


@pytest.mark.parametrize("text", ["", "1,", "one", "1,1", "0", "-1", "nan", "16", "0.5,16", "0.06,1", "inf"])
def test_invalid_scales_are_rejected(text: str) -> None:
    with pytest.raises(UserError, match=f"scales '{text}': expected different numbers from 0.0625 to 8"):
        parse_scales(text)


def test_scale_bounds_are_inclusive() -> None:
    assert parse_scales("0.0625,8") == (1 / 16, 8.0)
    assert check_scales([2, 0.5]) == (2.0, 0.5)
    with pytest.raises(UserError, match=r"scales '2,0\.5,2': expected different numbers"):
        check_scales([2, 0.5, 2])


def test_scales_require_a_descriptor_model() -> None:
    assert parse_scales("0.5,1") == (0.5, 1.0)
    with pytest.raises(UserError, match="--scales: oracle has no descriptors"):
        load_model("baseline:oracle", scales=[1.0])
