from pathlib import Path

import numpy as np
import pytest
import torch

from pixbench.dataset.reader import Pair, PairKey
from pixbench.errors import UserError
from pixbench.evaluation.model import BASELINES, DescriptorModel, MatcherModel
from pixbench.geometry.correspondence import PairTruth
from pixbench.models.loading import load_model

NAMES = ("rgb-patch", "dense-sift", "random-unet", "daisy", "hog")


def _shifted_pair(du: int, dv: int) -> Pair:
    """Two crops of one random image; a's pixel (i, j) is b's (i + du, j + dv)."""
    rng = np.random.default_rng(0)
    big = np.kron(rng.integers(0, 255, (24, 24, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    a, b = big[16:64, 16:64], big[16 - dv : 64 - dv, 16 - du : 64 - du]
    nothing = PairTruth(np.full((48, 48, 2), np.nan, np.float32), np.zeros((48, 48), np.uint8))
    return Pair(PairKey(0, 0, 0, 1), a, b, nothing)


def test_the_registry_holds_the_baselines() -> None:
    pretrained = {"xfeat", "disk", "aliked-lightglue", "dinov2", "dinov3"}
    assert {*NAMES, *pretrained, "chance", "oracle"} <= set(BASELINES.names())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(48, 48), (33, 50)])
def test_baselines_describe_every_pixel(name: str, size: tuple[int, int]) -> None:
    model = load_model(f"baseline:{name}")
    assert isinstance(model, DescriptorModel)
    with torch.inference_mode():
        described = model.dense(torch.rand(1, 3, *size))
    assert described.shape == (1, model.info["channels"], *size)
    assert torch.isfinite(described).all()


@pytest.mark.parametrize("name", ["rgb-patch", "dense-sift", "daisy", "hog"])
def test_pure_shift_is_recovered_exactly(name: str) -> None:
    query = np.array([[24.5, 24.5], [30.5, 20.5], [20.5, 28.5]])
    found = load_model(f"baseline:{name}").match(_shifted_pair(5, -3), query).uv
    assert found.tolist() == (query + np.array([5, -3])).tolist()


@pytest.mark.parametrize("name", ["rgb-pixel", "rgb-patch", "dense-sift", "hog"])
@pytest.mark.parametrize("pixel", [(48, 48), (47, 50)])
def test_descriptors_that_a_pixel_changes_are_centred_on_it(name: str, pixel: tuple[int, int]) -> None:
    model = load_model(f"baseline:{name}")
    assert isinstance(model, DescriptorModel)
    image = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0)) * 0.3 + 0.3
    other = image.clone()
    other[:, :, pixel[0], pixel[1]] += 0.3
    with torch.inference_mode():
        changes = (model.dense(other) - model.dense(image)).abs().sum(dim=1)[0] > 1e-5
    rows, columns = (torch.nonzero(changes.any(dim=axis))[:, 0] for axis in (1, 0))
    assert ((rows[0] + rows[-1]) / 2, (columns[0] + columns[-1]) / 2) == pixel


def test_random_network_is_deterministic() -> None:
    image = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        first, second = (load_model("baseline:random-unet").describe(image) for _ in range(2))  # type: ignore[attr-defined]
    assert torch.equal(first, second)


def test_hog_matches_scikit_image() -> None:
    from skimage.feature import hog

    image = np.random.default_rng(4).random((40, 40))
    ours = load_model("baseline:hog").describe(torch.from_numpy(image).float().expand(1, 3, 40, 40))  # type: ignore[attr-defined]
    # One block of 2 x 2 cells of 8 px, from (8, 8) to (24, 24), inside a larger image whose border is not used.
    theirs = hog(image[:32, :32], orientations=9, pixels_per_cell=(8, 8), cells_per_block=(2, 2), block_norm="L2-Hys", feature_vector=False)
    np.testing.assert_allclose(ours[0, :, 16, 16], theirs[1, 1].reshape(-1), atol=1e-4)


def test_chance_is_deterministic_and_uniform() -> None:
    pair, query = _shifted_pair(0, 0), np.full((4000, 2), 20.5)
    first, second = (load_model("baseline:chance").match(pair, query) for _ in range(2))
    assert np.array_equal(first.uv, second.uv)
    np.testing.assert_allclose(first.uv.mean(axis=0), [24, 24], atol=1)
    assert first.uv.min() == 0.5
    assert first.uv.max() == 47.5


@pytest.mark.parametrize("name", ["xfeat", "disk", "aliked-lightglue"])
def test_missing_weights_are_reported(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=f"baseline {name} needs weights: run 'pixbench assets fetch"):
        load_model(f"baseline:{name}")
    with pytest.raises(UserError, match="does not exist"):
        load_model(f"baseline:{name}:{tmp_path / 'nothing'}")


@pytest.mark.filterwarnings("ignore")  # kornia's and torch's own
def test_convolutional_networks_with_weights_from_a_file(tmp_path: Path) -> None:
    from kornia.feature import DISK, XFeatModel

    for name, network, key, channels, cell in (("xfeat", XFeatModel(), None, 64, 8), ("disk", DISK(), "extractor", 128, 1)):
        path = tmp_path / f"{name}.pt"
        torch.save(network.state_dict() if key is None else {key: network.state_dict()}, path)
        model = load_model(f"baseline:{name}:{path}")
        assert isinstance(model, DescriptorModel)
        with torch.inference_mode():
            assert model.describe(torch.rand(2, 3, 64, 96)).shape == (2, channels, 64 // cell, 96 // cell)
            # Sizes that the network does not support are enlarged and padded; the output has a descriptor for every pixel.
            assert model.cells(torch.rand(1, 3, 50, 70)).shape == (1, channels, 50, 70)
        assert len(model.info["weights_sha256"]) == 64
    torch.save({"something": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="does not hold its weights"):
        load_model(f"baseline:disk:{path}")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_lightglue_matcher_with_weights_from_a_folder(tmp_path: Path) -> None:
    from kornia.feature import ALIKED, LightGlue

    torch.manual_seed(0)
    torch.save(ALIKED("aliked-n16").state_dict(), tmp_path / "aliked-n16.pth")
    torch.save(LightGlue(None, input_dim=128).state_dict(), tmp_path / "aliked_lightglue.pth")
    model = load_model(f"baseline:aliked-lightglue:{tmp_path}")
    assert isinstance(model, MatcherModel)
    found = model.match(_shifted_pair(0, 0), np.array([[20.5, 20.5]]))
    assert found.points_a is not None
    assert len(found.points_a) == len(found.points_b)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore")
def test_vision_transformers_with_weights_from_a_folder(tmp_path: Path) -> None:
    from transformers import Dinov2Config, Dinov2Model, DINOv3ViTConfig, DINOv3ViTModel

    sizes = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 56}
    for name, network, patch in (
        ("dinov2", Dinov2Model(Dinov2Config(**sizes, patch_size=14)), 14),
        ("dinov3", DINOv3ViTModel(DINOv3ViTConfig(**sizes, intermediate_size=48, patch_size=16, num_register_tokens=4)), 16),
    ):
        network.save_pretrained(tmp_path / name)
        model = load_model(f"baseline:{name}:{tmp_path / name}")
        assert isinstance(model, DescriptorModel)
        cells = round(448 / patch)
        with torch.inference_mode():
            described = model.cells(torch.rand(2, 3, 64, 64))
            assert described.shape == (2, 24, cells, cells)
            # Not square: whole patches cover both sides.
            assert model.cells(torch.rand(1, 3, 448, 224)).shape == (1, 24, cells, cells // 2)
        assert model.info["patch"] == patch
        # A patch token describes its own patch: a change in one corner has its largest effect there.
        image = torch.rand(1, 3, 448, 448)
        changed = image.clone()
        changed[..., :patch, :patch] = 1 - changed[..., :patch, :patch]
        with torch.inference_mode():
            step = (model.describe(image) - model.describe(changed)).norm(dim=1)[0]
        assert int(step.argmax()) == 0
        # Weights for other values than ImageNet's say so beside them: (0.75 - 0.5) / 0.25 = 1.
        (tmp_path / name / "preprocessor_config.json").write_text('{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}')
        model = load_model(f"baseline:{name}:{tmp_path / name}")
        assert model.info["normalization"] == {"mean": [0.5] * 3, "std": [0.25] * 3, "scale": 1.0}
        with torch.inference_mode():
            tokens = network.eval()(pixel_values=torch.ones(1, 3, 448, 448)).last_hidden_state
            described = model.describe(torch.full((1, 3, 448, 448), 0.75))  # type: ignore[attr-defined]
        torch.testing.assert_close(described[0, :, -1, -1], tokens[0, -1])
    with pytest.raises(UserError, match="give a folder that transformers' save_pretrained wrote"):
        load_model("baseline:dinov2")
