import argparse
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from extras import needs
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from pixbench.errors import UserError
from pixbench.evaluation.model import ADAPTERS, DescriptorModel, MatcherModel
from pixbench.models.loading import load_model


def test_the_registry_holds_the_adapters() -> None:
    assert {"hf", "timm", "vismatch"} <= set(ADAPTERS.names())


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
    # Sides that are not multiples of the patch size are padded; the output has a descriptor for every pixel.
    assert model.cells(images[..., :50, :80]).shape == (2, 24, 50, 80)
    assert load_model(f"hf:{tmp_path / 'net'}").cells(torch.rand(1, 3, 64, 96)).shape == (1, 32, 2, 3)  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="layer 9 of 4: expected one from -4 to 3"):
        load_model(f"hf:{tmp_path / 'vit'}:9").cells(images)  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=r"hf:.*nothing cannot be loaded .*save_pretrained wrote"):
        load_model(f"hf:{tmp_path / 'nothing'}")


class _Backbone(nn.Module):
    """The documented interface of timm's backbones: `pretrained_cfg`, and `forward_intermediates` with maps (B, D, h, w)."""

    def __init__(self) -> None:
        super().__init__()
        self.pretrained_cfg = {"mean": (0.5, 0.25, 0.0), "std": (0.5, 1.0, 2.0)}
        self.weight = nn.Parameter(torch.ones(1))

    def forward_intermediates(self, x: torch.Tensor, *, norm: bool, intermediates_only: bool) -> list[torch.Tensor]:
        assert intermediates_only
        pooled = [functional.avg_pool2d(x, side) for side in (2, 4)]
        return [pooled[0], pooled[1] * (10 if norm else 1)]


def _timm(pretrained_cfg_overlay: dict[str, Any] | None = None, **options: object) -> _Backbone:
    """A backbone with the given weights, loaded as timm 1.0.19 does: it unpickles files."""
    if "dynamic_img_size" in options:
        raise TypeError("a network of convolutions does not take it")
    if pretrained_cfg_overlay is None:
        raise RuntimeError("cannot find the requested files in the local cache")
    network, file = _Backbone(), pretrained_cfg_overlay.get("file")
    state = pretrained_cfg_overlay.get("state_dict") or torch.load(file, weights_only=False)  # type: ignore[arg-type]
    network.load_state_dict(state)
    network.pretrained_cfg |= pretrained_cfg_overlay
    return network


@pytest.fixture
def stand_in_for_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = SimpleNamespace(
        is_model="net".__eq__, list_models=lambda pattern: ["net"], create_model=lambda name, **options: _timm(**options)
    )
    monkeypatch.setitem(sys.modules, "timm", fake)


@pytest.mark.usefixtures("stand_in_for_timm")
def test_any_backbone_of_timm(tmp_path: Path) -> None:
    save_file({"weight": torch.ones(1)}, tmp_path / "net.safetensors")
    images = torch.rand(1, 3, 32, 64)
    scaled = (images - torch.tensor([0.5, 0.25, 0.0]).view(3, 1, 1)) / torch.tensor([0.5, 1.0, 2.0]).view(3, 1, 1)
    last = load_model(f"timm:net={tmp_path}/net.safetensors")
    assert isinstance(last, DescriptorModel)
    assert (last.name, last.input.multiple, last.info["timm"]) == ("timm-net", 32, "net")
    torch.testing.assert_close(last.cells(images), functional.avg_pool2d(scaled, 4) * 10)
    first = load_model(f"timm:net={tmp_path}/net.safetensors:0")
    torch.testing.assert_close(first.cells(images), functional.avg_pool2d(scaled, 2))  # type: ignore[attr-defined]
    for name, message in (
        ("timm:nett", "has no such model; some of its names: net"),
        ("timm:net", "cannot find the requested files"),
        (f"timm:net={tmp_path}/none", "no such file"),
    ):
        with pytest.raises(UserError, match=message):
            load_model(name)
    with pytest.raises(UserError, match="layer 2 of 2: expected one from -2 to 1"):
        load_model(f"timm:net={tmp_path}/net.safetensors:2").cells(images)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("stand_in_for_timm")
@pytest.mark.parametrize("key", ["state_dict_ema", "model_ema", "state_dict", "model", None])
def test_weights_for_timm_may_lie_in_a_checkpoint_of_its_training(tmp_path: Path, key: str | None) -> None:
    weights = {"module._orig_mod.weight": torch.tensor([7.0])}
    others = {"model": {"weight": torch.tensor([3.0])}, "epoch": 5, "args": argparse.Namespace(model="net", lr=0.1)}
    torch.save(weights if key is None else {**others, key: weights}, tmp_path / "net.pth.tar")
    network = load_model(f"timm:net={tmp_path}/net.pth.tar").network  # type: ignore[attr-defined]
    assert network.weight.tolist() == [7.0]
    assert "state_dict" not in network.pretrained_cfg


class _Program:
    """An object that makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self._folder),)


@pytest.mark.usefixtures("stand_in_for_timm")
def test_weights_for_timm_cannot_execute_code(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(1), "more": _Program(tmp_path / "made")}, tmp_path / "net.pth")
    torch.save({}, tmp_path / "empty.pth")
    (tmp_path / "net.safetensors").write_bytes((tmp_path / "net.pth").read_bytes())
    for name, message in (
        ("net.pth", "other objects than tensors and plain values, which could run code"),
        ("net.safetensors", "header"),
        ("empty.pth", "it holds no tensors with names"),
    ):
        with pytest.raises(UserError, match=rf"--model timm:net=.*{name} cannot be read .*{message}.*expected weights as") as found:
            load_model(f"timm:net={tmp_path / name}")
        assert "\n" not in str(found.value)
    assert not (tmp_path / "made").exists()


def test_any_matcher_of_vismatch(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"matched_kpts0": np.array([[3.0, 4.0]]), "matched_kpts1": np.array([[5.0, 7.0]]), "matched_confidences": np.array([0.75])}

    class Matcher:
        skip_ransac = False

        def __call__(self, image_a: torch.Tensor, image_b: torch.Tensor) -> dict[str, np.ndarray]:
            assert self.skip_ransac
            assert image_a.shape == image_b.shape == (3, 16, 24)
            assert float(image_a.max()) <= 1
            return found

    fake = SimpleNamespace(available_models=["sift-nn"], get_matcher=lambda name, device: Matcher())
    monkeypatch.setitem(sys.modules, "vismatch", fake)
    model = load_model("vismatch:sift-nn")
    assert isinstance(model, MatcherModel)
    images = np.full((2, 16, 24, 3), 255, np.uint8)
    a, b = model.points(*images)
    # The centre of its pixel (3, 4) is (3.5, 4.5) here.
    assert (a.tolist(), b.tolist()) == ([[3.5, 4.5]], [[5.5, 7.5]])
    with pytest.raises(UserError, match="did you mean 'sift-nn'"):
        load_model("vismatch:sift")


@pytest.mark.parametrize("name", ["timm", "vismatch"])
def test_missing_library_is_reported_with_its_install_command(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match=f"pip install {name}"):
        load_model(f"{name}:net")
