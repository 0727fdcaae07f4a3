from pathlib import Path

import pytest
import torch
from extras import needs

from pixbench.errors import UserError
from pixbench.evaluation.model import ADAPTERS, DescriptorModel
from pixbench.models.loading import load_model


def test_the_registry_holds_the_adapters() -> None:
    assert "hf" in ADAPTERS.names()


@pytest.mark.filterwarnings("ignore")  # transformers' and torch's own
def test_any_backbone_of_transformers(tmp_path: Path) -> None:
    from transformers import Dinov2Config, Dinov2Model, ResNetConfig, ResNetModel

    torch.manual_seed(0)
    vit = Dinov2Model(Dinov2Config(hidden_size=24, num_hidden_layers=3, num_attention_heads=2, image_size=56, patch_size=14))
    vit.save_pretrained(tmp_path / "vit")
    ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1])).save_pretrained(tmp_path / "net")
    images = torch.rand(2, 3, 56, 84)
    model = needs(lambda: load_model(f"hf:{tmp_path / 'vit'}:1"))
    assert isinstance(model, DescriptorModel)
    assert (model.name, model.input.multiple) == ("hf-vit-layer1", 14)
    mean, std = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    with torch.inference_mode():
        tokens = vit.eval()(pixel_values=(images - mean) / std, output_hidden_states=True).hidden_states[1]
    # 4 rows of 6 patches behind the class token.
    torch.testing.assert_close(model.cells(images), tokens[:, 1:].reshape(2, 4, 6, 24).permute(0, 3, 1, 2))
    # Sides that patches do not divide are padded, and a descriptor comes back for every pixel.
    assert model.cells(images[..., :50, :80]).shape == (2, 24, 50, 80)
    assert load_model(f"hf:{tmp_path / 'net'}").cells(torch.rand(1, 3, 64, 96)).shape == (1, 32, 2, 3)  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="layer 9 of 4: expected one from -4 to 3"):
        load_model(f"hf:{tmp_path / 'vit'}:9").cells(images)  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=r"hf:.*nothing cannot be loaded .*save_pretrained wrote"):
        load_model(f"hf:{tmp_path / 'nothing'}")
