"""Models of transformers: where their tokens lie, images of any size, and the normalisation that lies beside the weights."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from extras import module

from pixbench.baselines.normalization import read_normalization
from pixbench.errors import UserError
from pixbench.models.loading import load_model

pytestmark = pytest.mark.filterwarnings("ignore")  # transformers' and torch's own

SIZES = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 8, "patch_size": 8}


def _vit(folder: Path) -> Any:
    """A vision transformer for images of 32 px."""
    transformers = module("transformers")
    torch.manual_seed(0)
    network = transformers.ViTModel(transformers.ViTConfig(**SIZES, image_size=32)).eval()
    network.save_pretrained(folder)
    return network


def _loaded(source: Path | str) -> Any:
    return load_model(f"hf:{source}")


def test_hierarchical_transformer_has_a_cell_a_token(tmp_path: Path) -> None:
    transformers = module("transformers")
    torch.manual_seed(0)
    config = transformers.SwinConfig(image_size=32, patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[1, 2], window_size=4)
    network = transformers.SwinModel(config).eval()
    network.save_pretrained(tmp_path / "swin")
    images = torch.rand(2, 3, 64, 32)
    model = _loaded(tmp_path / "swin")
    # Patches of 4 px, joined in pairs once: a token covers 8 px, so images are padded to multiples of 8.
    assert model.input.multiple == 8
    with torch.inference_mode():
        last = network(pixel_values=read_normalization(None).applied(images)).last_hidden_state
    cells = model.cells(images)
    assert cells.shape == (2, 16, 8, 4)
    for row, column in ((0, 0), (0, 3), (5, 2), (7, 3)):
        torch.testing.assert_close(cells[:, :, row, column], last[:, 4 * row + column])
    assert _loaded(f"{tmp_path / 'swin'}:0").cells(images).shape == (2, 8, 16, 8)
    assert _loaded(f"{tmp_path / 'swin'}:1").cells(images).shape == (2, 16, 8, 4)


def test_tokens_in_unknown_places_are_refused(tmp_path: Path) -> None:
    transformers = module("transformers")
    config = transformers.YolosConfig(**SIZES, image_size=[32, 32], num_detection_tokens=5, use_mid_position_embeddings=False)
    transformers.YolosModel(config).save_pretrained(tmp_path / "yolos")
    # The class token comes before, and five for detections after those of 4 x 4 patches.
    with pytest.raises(UserError, match=r"--model hf-yolos: 22 tokens for 4 x 4 patches of 8 px: expected 16, one a patch, after 1 others"):
        _loaded(tmp_path / "yolos").cells(torch.rand(1, 3, 32, 32))


def test_images_of_another_size_than_the_position_embeddings(tmp_path: Path) -> None:
    network = _vit(tmp_path / "vit")
    images = torch.rand(1, 3, 64, 48)
    with torch.inference_mode():
        tokens = network(pixel_values=read_normalization(None).applied(images), interpolate_pos_encoding=True).last_hidden_state
    cells = _loaded(tmp_path / "vit").cells(images)
    assert cells.shape == (1, 24, 8, 6)
    torch.testing.assert_close(cells[:, :, 7, 1], tokens[:, 1 + 6 * 7 + 1])


def test_normalisation_lies_beside_the_weights(tmp_path: Path) -> None:
    network = _vit(tmp_path / "vit")
    images = torch.rand(1, 3, 32, 32)
    assert "normalization" not in _loaded(tmp_path / "vit").info
    written = {"do_normalize": True, "image_mean": [0.5, 0.25, 0.0], "image_std": [0.5, 1.0, 2.0], "size": {"height": 32}}
    (tmp_path / "vit/preprocessor_config.json").write_text(json.dumps(written))
    model = _loaded(tmp_path / "vit")
    assert model.info["normalization"] == {"mean": [0.5, 0.25, 0.0], "std": [0.5, 1.0, 2.0], "scale": 1.0}
    scaled = (images - torch.tensor([0.5, 0.25, 0.0]).view(3, 1, 1)) / torch.tensor([0.5, 1.0, 2.0]).view(3, 1, 1)
    with torch.inference_mode():
        tokens = network(pixel_values=scaled).last_hidden_state
    torch.testing.assert_close(model.cells(images)[:, :, 2, 3], tokens[:, 1 + 4 * 2 + 3])


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ({"image_mean": [0.5] * 3, "image_std": [0.25] * 3}, 1.0),  # (0.75 - 0.5) / 0.25
        ({"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "do_normalize": False}, 0.75),
        ({"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "rescale_factor": 2 / 255}, 2.0),  # (0.75 * 2 - 0.5) / 0.5
        ({"image_mean": [91.25] * 3, "image_std": [50.0] * 3, "do_rescale": False}, 2.0),  # (0.75 * 255 - 91.25) / 50
    ],
)
def test_values_of_a_networks_input(tmp_path: Path, written: dict[str, Any], value: float) -> None:
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps(written))
    torch.testing.assert_close(read_normalization(path).applied(torch.full((1, 3, 1, 1), 0.75)).flatten(), torch.full((3,), value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"image_mean": [0.5, 0.5]', "is not valid JSON"),
        ('{"image_mean": [0.5, 0.5]}', "field 'image_mean.2': Field required"),
        ('{"image_std": [0.5, 0.5, 0]}', "field 'image_std.2': Input should be greater than 0"),
        ('{"image_mean": [NaN, 0.5, 0.5]}', "field 'image_mean.0': Input should be a finite number"),
        ("[1]", "field 'whole file': Input should be a valid dictionary"),
    ],
)
def test_damaged_normalisation_is_refused(tmp_path: Path, text: str, message: str) -> None:
    _vit(tmp_path / "vit")
    (tmp_path / "vit/preprocessor_config.json").write_text(text)
    with pytest.raises(UserError, match=rf"preprocessor_config\.json.*{message}.*or remove it, and ImageNet's") as found:
        _loaded(tmp_path / "vit")
    assert "\n" not in str(found.value)
