import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pixbench.errors import UserError
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.model import DescriptorModel, MatcherModel, image_batch
from pixbench.evaluation.record_place import model_sha256
from pixbench.evaluation.record_writer import described_info
from pixbench.models import loading
from pixbench.models.loading import as_model, load_model

MODULE = """
import torch
from torch import nn

class Coarse(nn.Module):
    p = 1
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Conv2d(3, 8, 4, stride=4)
    def forward(self, images):
        return self.layer(images)

def build():
    return Coarse()

def matcher(image_a, image_b):
    points = torch.tensor([[10.5, 10.5]])
    return points, points

def build_matcher():
    return matcher

def wants_more(path, size, what):
    return Coarse()

number = 3

def fails():
    raise RuntimeError("no weights here")

def gives_number():
    return 3
"""


@pytest.fixture
def user_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_factory_of_a_strided_network(user_module: str, tiny: Path, tmp_path: Path) -> None:
    model = load_model(f"{user_module}:build", trust_code=True)
    assert isinstance(model, DescriptorModel)
    assert (model.name, model.p) == (user_module, 1)
    images = torch.rand(2, 3, 24, 40)
    dense = model.dense(images)
    assert dense.shape == (2, 8, 24, 40)
    # Upsampled, and recorded as such.
    assert described_info(model) | {} == {**model.info, "p": "1", "channels": 8, "described_rows": 6, "described_columns": 10}
    assert len(model.info["weights_sha256"]) == 64
    assert model_sha256(model) == model_sha256(load_model(f"{user_module}:build", trust_code=True))
    assert evaluate(model, DatasetPairs(tiny, "tiny", 8), tmp_path / "out")[1].model_info["described_rows"] == 12


def test_upsampled_descriptors_keep_their_positions() -> None:
    class Averages(DescriptorModel):
        name, p = "averages", 2.0

        def describe(self, images: Tensor) -> Tensor:
            return nn.functional.avg_pool2d(images, 4)

    # Each pixel's uv, averaged in cells of 4 x 4 and upsampled again: unchanged, except near the border.
    v, u = torch.meshgrid(torch.arange(24) + 0.5, torch.arange(40) + 0.5, indexing="ij")
    uv = torch.stack([u, v, u])[None]
    dense = Averages().dense(uv)
    torch.testing.assert_close(dense[..., 2:-2, 2:-2], uv[..., 2:-2, 2:-2])


def test_norm_can_be_overridden(user_module: str) -> None:
    assert load_model(f"{user_module}:build", p="cosine", trust_code=True).p == "cosine"  # type: ignore[attr-defined]
    assert load_model("baseline:rgb-patch", p=1.0).p == 1.0  # type: ignore[attr-defined]


def test_a_norm_requires_descriptors(user_module: str) -> None:
    for spec in ("baseline:chance", f"{user_module}:matcher"):
        with pytest.raises(UserError, match=r"^--p: .* has no descriptors; leave it out$"):
            load_model(spec, p=1.0, trust_code=True)


def test_matchers_and_their_factories(user_module: str) -> None:
    for name in ("matcher", "build_matcher"):
        model = load_model(f"{user_module}:{name}", trust_code=True)
        assert isinstance(model, MatcherModel)


def test_a_function_of_two_images_is_a_matcher() -> None:
    def halves(image_a: Tensor, image_b: Tensor) -> tuple[Tensor, Tensor]:
        return torch.ones(2, 2) * image_a.mean(), torch.ones(2, 2) * image_b.mean()

    model = as_model(halves)
    assert isinstance(model, MatcherModel)
    assert (model.name, model.info["kind"], len(model.info["source_sha256"])) == ("halves", "function", 64)
    with pytest.raises(UserError, match="--p: halves has no descriptors; leave it out"):
        as_model(halves, p=1.0)


@pytest.mark.usefixtures("unchecked_types")
def test_objects_that_are_no_model_are_rejected() -> None:
    for item, what in ((lambda: 3, "an object of type function"), (3, "an object of type int"), (nn.Conv2d, "the class Conv2d")):
        with pytest.raises(UserError, match=f"^model: got {what}, expected a model, its name or path, a torch module, or a function of"):
            as_model(item)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "has no attribute 'nothing'"),
        ("number", "is of type int: expected a factory"),
        ("gives_number", "the factory returned an object of type int"),
        ("wants_more", "could not be called without arguments"),
        ("fails", "the factory failed with RuntimeError: no weights here"),
    ],
)
def test_invalid_factories_are_rejected(user_module: str, name: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        load_model(f"{user_module}:{name}", trust_code=True)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ('W = {}["weights"]', "KeyError: 'weights'"),
        ("def build(:", "SyntaxError: "),
        ('open("/nowhere/weights.pt")', "FileNotFoundError: "),
    ],
)
def test_errors_of_the_users_module_name_the_model(code: str, words: str, user_module: str, tmp_path: Path) -> None:
    (tmp_path / f"{user_module}.py").write_text(code)
    with pytest.raises(UserError, match=f"--model {user_module}:build: importing {user_module} failed with {words}"):
        load_model(f"{user_module}:build", trust_code=True)


def test_unknown_names_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No module named 'no_such_package'"):
        load_model("no_such_package:build", trust_code=True)
    with pytest.raises(UserError, match="did you mean 'baseline:oracle'"):
        load_model("oracle")
    with pytest.raises(UserError, match="expected a run or checkpoint"):
        load_model(str(tmp_path / "nothing"))
    with pytest.raises(UserError, match="baseline oracle has no weights"):
        load_model("baseline:oracle:weights.pt")
    with pytest.raises(UserError, match="--device tpu: expected auto, cpu or cuda"):
        load_model("baseline:oracle", device="tpu")


class _Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 5, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.layer(images)
        return out


@pytest.mark.filterwarnings("ignore")  # torch's own, of older ways to export
def test_exported_networks_give_the_same_descriptors(tmp_path: Path) -> None:
    network, images = _Small().eval(), torch.rand(3, 3, 16, 20)
    torch.jit.save(torch.jit.trace(network, images[:1]), str(tmp_path / "net.pt"))  # type: ignore[no-untyped-call]
    torch.export.save(torch.export.export(network, (images[:1],)), tmp_path / "net.pt2")
    for name in ("net.pt", "net.pt2"):
        model = load_model(str(tmp_path / name), trust_code=True)
        assert isinstance(model, DescriptorModel)
        assert model.p == "cosine"
        with torch.inference_mode():
            torch.testing.assert_close(model.dense(images), network(images))
    (tmp_path / "bad.pt").write_bytes(b"nothing")
    with pytest.raises(UserError, match="not a TorchScript or torch"):
        load_model(str(tmp_path / "bad.pt"), trust_code=True)


@pytest.mark.filterwarnings("ignore")  # torch's own, of older ways to export
def test_files_that_are_no_networks_are_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "file_sha256", lambda path: pytest.fail("the file was read"))
    torch.jit.save(torch.jit.script(nn.Conv2d(3, 4, 1)), str(tmp_path / "longer.pt"))  # type: ignore[no-untyped-call]
    os.truncate(tmp_path / "longer.pt", 2**24)
    with pytest.raises(UserError, match="not a TorchScript or torch"):
        load_model(str(tmp_path / "longer.pt"), trust_code=True)


def test_flat_descriptors_are_rejected(tiny: Path) -> None:
    class Flat(DescriptorModel):
        name, p = "flat", 2.0

        def describe(self, images: Tensor) -> Tensor:
            return images.flatten(1)

    with pytest.raises(ValueError, match=r"flat gave \(1, 3072\) for 1 images: expected a tensor"):
        Flat().dense(torch.rand(1, 3, 32, 32))
    images = DatasetPairs(tiny, "tiny", 4).images(0)
    assert image_batch(*images).shape == (len(images), 3, *images[0].shape[:2])


@pytest.mark.slow
def test_model_template_passes_its_own_tests(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from pixbench.cli import app

    done = CliRunner().invoke(app, ["model", "new", "my_model", "--folder", str(tmp_path)])
    assert done.exit_code == 0, done.output
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    tested = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout
    again = CliRunner().invoke(app, ["model", "new", "my_model", "--folder", str(tmp_path)])
    assert isinstance(again.exception, UserError)
