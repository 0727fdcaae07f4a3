"""A network exported to ONNX gives the same descriptors as in torch, at every size."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from extras import module
from typer.testing import CliRunner

from pixbench.cli import app
from pixbench.errors import UserError
from pixbench.models.checkpoint import CheckpointConfig, save_checkpoint, seeded_network
from pixbench.models.loading import load_model
from pixbench.models.unet import UNetConfig

onnxruntime = module("onnxruntime")
module("onnx")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, and its ONNX file beside it. No weight is zero, so that every block and the attention contribute."""
    folder = tmp_path_factory.mktemp("onnx")
    config = UNetConfig(widths=(8, 16), blocks=(1, 1), channels=5)
    network = seeded_network(config, 0)
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, 0, 0.2, generator=generator)
    save_checkpoint(folder / "mine", network, CheckpointConfig(network=config, p=float("inf"), step=1, training={}))
    done = CliRunner().invoke(app, ["export", str(folder / "mine"), "--out", str(folder / "mine.onnx")])
    assert done.exit_code == 0, done.output or done.exception
    assert "pixbench evaluate --model onnx:" in done.output
    return folder


@pytest.mark.parametrize("shape", [(2, 3, 48, 80), (1, 3, 33, 71), (3, 3, 64, 32)])
def test_onnxruntime_and_torch_agree(shape: tuple[int, ...], run: Path) -> None:
    images = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    session = onnxruntime.InferenceSession(run / "mine.onnx")
    (found,) = session.run(None, {"images": images.numpy()})
    wanted = load_model(str(run / "mine")).cells(images).numpy()  # type: ignore[attr-defined]
    assert found.shape == (shape[0], 5, *shape[2:])
    assert np.ptp(wanted) > 0.1
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_metadata_describes_the_model(run: Path) -> None:
    from pixbench import __version__

    metadata = onnxruntime.InferenceSession(run / "mine.onnx").get_modelmeta().custom_metadata_map
    wanted = {"p": "inf", "channels": 5, "stride": [1.0, 1.0], "name": "mine", "pixbench_version": __version__}
    assert {name: json.loads(metadata[name]) for name in wanted} == wanted


def test_file_is_loaded_as_a_model(run: Path) -> None:
    model = load_model(f"onnx:{run / 'mine.onnx'}")
    assert (model.name, model.p) == ("mine", float("inf"))  # type: ignore[attr-defined]
    assert (model.info["channels"], len(model.info["sha256"])) == (5, 64)
    images = torch.rand(1, 3, 40, 44)
    torch.testing.assert_close(model.dense(images), load_model(str(run / "mine")).dense(images), atol=1e-4, rtol=0)  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("ignore")  # torch's own, of its exporter
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_files_of_other_programs(dtype: torch.dtype, tmp_path: Path) -> None:
    """With a fixed batch size of 1 and no norm."""
    network = torch.nn.Conv2d(3, 4, 1).to(dtype)
    example = torch.zeros(1, 3, 16, 24, dtype=dtype)
    torch.onnx.export(network, (example,), tmp_path / "theirs.onnx", dynamo=False, input_names=["images"])
    model = load_model(f"onnx:{tmp_path / 'theirs.onnx'}")
    assert (model.p, model.info["p_from"]) == ("cosine", "default")  # type: ignore[attr-defined]
    images = torch.rand(3, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    wanted = network(images.to(dtype)).detach().float()
    torch.testing.assert_close(model.dense(images), wanted, atol=1e-5 if dtype == torch.float32 else 5e-3, rtol=0)  # type: ignore[attr-defined]


def test_invalid_files_and_models_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_text("words")
    with pytest.raises(UserError, match=r"bad\.onnx cannot be read"):
        load_model(f"onnx:{tmp_path / 'bad.onnx'}")
    with pytest.raises(UserError, match=r"none\.onnx: no such file"):
        load_model(f"onnx:{tmp_path / 'none.onnx'}")
    done = CliRunner().invoke(app, ["export", "baseline:hog", "--out", str(tmp_path / "hog.onnx")])
    assert isinstance(done.exception, UserError)
    assert "hog has no network to export" in str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.onnx"]
