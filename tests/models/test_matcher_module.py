import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pixbench.errors import UserError
from pixbench.evaluation.model import DescriptorModel, MatcherModel
from pixbench.models.loading import as_model, load_model

BLACK = np.zeros((24, 32, 3), np.uint8)


class TwoImageMatcher(nn.Module):
    """Matches the centres of both images."""

    def forward(self, image0: Tensor, image1: Tensor) -> dict[str, Tensor]:
        assert image0.shape == (1, 3, 24, 32)
        return {"keypoints0": torch.tensor([[16.0, 12.0]]), "keypoints1": torch.tensor([[16.0, 12.0]]), "scores": torch.tensor([0.75])}


class DictionaryMatcher(nn.Module):
    """Like LoFTR: takes grey images, has pixel centres at whole numbers, and writes into its input dictionary."""

    takes, grey, pixel_centres = "dictionary", True, "whole"

    def forward(self, data):  # type: ignore[no-untyped-def]
        assert data["image0"].shape == (1, 1, 24, 32)
        data |= {"mkpts0_f": torch.tensor([[15.5, 11.5]]), "mkpts1_f": torch.tensor([[15.5, 11.5]]), "mconf": torch.tensor([0.75])}


@pytest.mark.parametrize("module", [TwoImageMatcher(), DictionaryMatcher()])
def test_matcher_modules_return_points(module: nn.Module) -> None:
    model = as_model(module)
    assert isinstance(model, MatcherModel)
    a, b = model.points(BLACK, BLACK)
    assert a.tolist() == b.tolist() == [[16.0, 12.0]]


def test_scores_become_distances() -> None:
    from pixbench.dataset.reader import Pair, PairKey
    from pixbench.geometry.correspondence import PairTruth

    nothing = PairTruth(np.full((24, 32, 2), np.nan, np.float32), np.zeros((24, 32), np.uint8))
    found = as_model(TwoImageMatcher()).match(Pair(PairKey(0, 0, 0, 1), BLACK, BLACK, nothing), np.array([[15.0, 12.0], [25.0, 12.0]]))
    assert found.uv[0].tolist() == [15.0, 12.0]
    assert np.isnan(found.uv[1]).all()
    assert found.distance[0] == 0.25
    assert np.isnan(found.distance[1])


@pytest.mark.filterwarnings("ignore")  # kornia's own
def test_loftr_of_kornia() -> None:
    from kornia.feature import LoFTR

    torch.manual_seed(0)
    module = LoFTR(pretrained=None)
    module.grey, module.pixel_centres, module.input_multiple = True, "whole", 8
    model = as_model(module)
    assert isinstance(model, MatcherModel)
    rgb = np.random.default_rng(0).integers(0, 255, (60, 76, 3)).astype(np.uint8)
    a, b = model.points(rgb, rgb)
    assert len(a) == len(b)
    assert model.input.multiple == 8


class Declared(nn.Module):
    """Describes by colour, and declares the given attributes."""

    def __init__(self, **attributes: Any):
        super().__init__()
        for name, value in attributes.items():
            setattr(self, name, value)

    def forward(self, images: Tensor) -> Tensor:
        return images * 2


def test_module_attributes_configure_the_model() -> None:
    model = as_model(Declared(p=1, input_size=64, input_multiple=16, cell_stride=1.0, cell_offset=0.5))
    assert isinstance(model, DescriptorModel)
    assert model.p == 1
    assert (model.input.size, model.input.multiple) == (64, 16)
    assert model.grid is not None
    assert (model.grid.stride, model.grid.offset) == (1.0, 0.5)
    assert "p_from" not in model.info
    assert as_model(Declared()).info["p_from"] == "default"
    for attributes, words in (
        ({"p": 3}, "p: got 3, expected 1, 2, inf or cosine"),
        ({"p": torch.nn.Parameter(torch.ones(1))}, "p: got a Parameter, expected a plain value"),  # as of a generalised mean
        ({"p": torch.ones(2)}, "p: got a Tensor, expected a plain value"),
        ({"input_size": 0.5}, "input_size: got 0.5"),
    ):
        with pytest.raises(UserError, match=words):
            as_model(Declared(**attributes))


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("pixel_centres", "integer", "pixel_centres: got integer, expected half or whole"),
        ("takes", "dict", "takes: got dict, expected images or dictionary"),
        ("grey", "yes", "grey: got yes, expected True or False"),
    ],
)
def test_invalid_attributes_of_matchers_are_rejected(attribute: str, value: str, message: str) -> None:
    module = DictionaryMatcher()
    setattr(module, attribute, value)
    with pytest.raises(UserError, match=message):
        as_model(module)


def test_norm_may_be_given_as_text_or_number() -> None:
    assert [as_model(Declared(), p=p).p for p in ("inf", "1", 2, "cosine", math.inf)] == [math.inf, 1, 2, "cosine", math.inf]  # type: ignore
    for load in (lambda p: as_model(Declared(), p=p), lambda p: load_model("baseline:hog", p=p)):
        with pytest.raises(UserError, match="p: got 3, expected 1, 2, inf or cosine"):
            load(3)


class WithExtraState(nn.Module):
    """Keeps a dictionary beside its weights."""

    def __init__(self, state: dict[str, int]):
        super().__init__()
        self.state = state

    def get_extra_state(self) -> dict[str, int]:
        return self.state

    def forward(self, images: Tensor) -> Tensor:
        return images


def test_extra_state_is_part_of_the_hash() -> None:
    hashes = [as_model(WithExtraState({"a": value})).info["weights_sha256"] for value in (1, 1, 2)]
    assert hashes[0] == hashes[1] != hashes[2]


def _exported(kind: str, path: Path, attributes: dict[str, Any], extra: str | None) -> None:
    module, example = Declared(**attributes).eval(), torch.rand(1, 3, 24, 32)
    files = {} if extra is None else {"pixbench.json": extra}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "export":
            torch.export.save(torch.export.export(module, (example,)), path, extra_files=files)
        else:
            made = torch.jit.script(module) if kind == "script" else torch.jit.trace(module, example)
            torch.jit.save(made, str(path), _extra_files=files)


@pytest.mark.filterwarnings("ignore")  # torch's own, of TorchScript
@pytest.mark.parametrize(("kind", "ending"), [("script", "pt"), ("trace", "pt"), ("export", "pt2")])
def test_exported_networks_keep_their_norm(kind: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"network.{ending}"
    _exported(kind, path, {"p": math.inf}, json.dumps({"p": "inf", "input_size": 64}))
    model = load_model(path, trust_code=True)
    assert isinstance(model, DescriptorModel)
    assert (model.p, model.input.size) == (math.inf, 64)
    assert load_model(path, p=2.0, trust_code=True, input_size=0).input.size is None  # type: ignore[attr-defined]
    if kind == "script":
        _exported(kind, path, {"p": 1.0}, None)
        assert load_model(path, trust_code=True).p == 1  # type: ignore[attr-defined]
    else:
        # These formats drop attributes: the default norm is used, and the record says so.
        _exported(kind, path, {}, None)
        assert load_model(path, trust_code=True).info["p_from"] == "default"
    _exported(kind, path, {}, json.dumps({"norm": "inf"}))
    with pytest.raises(UserError, match=r"its pixbench\.json has norm: expected p, input_size"):
        load_model(path, trust_code=True)


def test_models_without_a_network_reject_an_input_size() -> None:
    with pytest.raises(UserError, match="--input-size, --pad-to: oracle has no network"):
        load_model("baseline:oracle", input_size=256)
