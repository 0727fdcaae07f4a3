import numpy as np
import pytest
import torch

from pixbench.evaluation.model import DescriptorModel, load_model
from pixbench.registry import BASELINES
from pixbench.shards.reader import Pair, PairKey
from pixbench.truth import PairTruth

NAMES = ("rgb-patch", "dense-sift", "random-unet")


def _shifted_pair(du: int, dv: int) -> Pair:
    """Two crops of one random picture; a's pixel (i, j) is b's (i + du, j + dv)."""
    rng = np.random.default_rng(0)
    big = np.kron(rng.integers(0, 255, (24, 24, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    a, b = big[16:64, 16:64], big[16 - dv : 64 - dv, 16 - du : 64 - du]
    nothing = PairTruth(np.full((48, 48, 2), np.nan, np.float32), np.zeros((48, 48), np.uint8))
    return Pair(PairKey(0, 0, 0, 1), a, b, nothing)


def test_the_registry_holds_the_baselines() -> None:
    assert {"dense-sift", "oracle", "random-unet", "rgb-patch"} <= set(BASELINES.names())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(48, 48), (33, 50)])
def test_a_descriptor_for_every_pixel(name: str, size: tuple[int, int]) -> None:
    model = load_model(f"baseline:{name}")
    assert isinstance(model, DescriptorModel)
    with torch.inference_mode():
        described = model.describe(torch.rand(1, 3, *size))
    assert described.shape == (1, model.info["channels"], *size)
    assert torch.isfinite(described).all()


@pytest.mark.parametrize("name", ["rgb-patch", "dense-sift"])
def test_a_pure_shift_is_found_to_the_pixel(name: str) -> None:
    query = np.array([[24.5, 24.5], [30.5, 20.5], [20.5, 28.5]])
    found = load_model(f"baseline:{name}").match(_shifted_pair(5, -3), query)
    assert found.tolist() == (query + np.array([5, -3])).tolist()


def test_the_random_network_is_the_same_each_time() -> None:
    image = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        first, second = (load_model("baseline:random-unet").describe(image) for _ in range(2))  # type: ignore[attr-defined]
    assert torch.equal(first, second)
