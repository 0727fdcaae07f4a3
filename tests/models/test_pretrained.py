import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pixbench.errors import UserError
from pixbench.models import pretrained
from pixbench.models.checkpoint import CheckpointConfig, load_checkpoint, save_checkpoint, seeded_network
from pixbench.models.loading import PretrainedModel, load_model
from pixbench.models.pretrained import FOLDER, default_model, pretrained_names, pretrained_title
from pixbench.models.unet import UNetConfig

MEGABYTE = 2**20
NAME = pretrained.DEFAULT


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replaces the package's folder of pretrained models by one with a single small model."""
    network = UNetConfig(widths=(8, 8), blocks=(1, 1), channels=4, heads=0)
    config = CheckpointConfig(network=network, p=float("inf"), step=1234, training={"config": {"objective": "paper"}, "parameters": 99})
    save_checkpoint(tmp_path / NAME, seeded_network(network, 1), config)
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "checkpoint.json").write_text("{}")  # a folder without weights is no model
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    return tmp_path


def test_models_in_the_folder_are_found(models_folder: Path) -> None:
    assert pretrained_names() == [NAME]
    model = load_model(f"pretrained:{NAME}")
    assert isinstance(model, PretrainedModel)
    assert (model.name, model.p) == (f"pixbench-{NAME}", float("inf"))
    assert model.info["pretrained"] == NAME
    assert model.info["checkpoint_sha256"] == load_checkpoint(models_folder / NAME).sha256
    images = torch.rand(1, 3, 20, 28)
    model.scales = (1.0,)
    torch.testing.assert_close(model.dense(images), load_checkpoint(models_folder / NAME).network(images).detach())
    assert default_model() == f"pretrained:{NAME}"
    assert pretrained_title(NAME) == "4 channels in l-inf, objective paper, 1,234 steps, 99 parameters"


def test_unknown_names_are_rejected(models_folder: Path) -> None:
    with pytest.raises(UserError, match=f"unknown pretrained model '{NAME[:-1]}': did you mean '{NAME}'"):
        load_model(f"pretrained:{NAME[:-1]}")
    with pytest.raises(UserError, match=f"{NAME}: no such path; did you mean 'pretrained:{NAME}'"):
        load_model(NAME)


def test_missing_default_model_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    with pytest.raises(UserError, match="give --model"):
        default_model()


@pytest.mark.parametrize("name", pretrained_names())
def test_shipped_models_are_small_and_state_their_licence(name: str) -> None:
    assert sum(path.stat().st_size for path in (FOLDER / name).iterdir()) < 4 * MEGABYTE
    assert "licence" in (FOLDER / name / "README.md").read_text().lower()
    assert load_model(f"pretrained:{name}").name == f"pixbench-{name}"


def test_package_data_includes_the_pretrained_models(tmp_path: Path) -> None:
    """setuptools finds the files of a model in a package with our package-data patterns."""
    import tomllib

    code = (
        "import sys; sys.argv = ['setup', '-q', 'build_py', '--build-lib', 'out'];"
        "from setuptools import setup; setup(packages=['pixbench'], package_data={'pixbench': PATTERNS})"
    )
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["pixbench"]
    model = tmp_path / "pixbench" / "models" / "pretrained" / "rooms"
    model.mkdir(parents=True)
    (tmp_path / "pixbench" / "__init__.py").write_text("")
    for file in ("checkpoint.json", "weights.safetensors", "README.md"):
        (model / file).write_text("x")
    subprocess.run([sys.executable, "-c", code.replace("PATTERNS", repr(patterns))], cwd=tmp_path, check=True, capture_output=True)
    built = tmp_path / "out" / "pixbench" / "models" / "pretrained" / "rooms"
    assert sorted(path.name for path in built.iterdir()) == ["README.md", "checkpoint.json", "weights.safetensors"]
