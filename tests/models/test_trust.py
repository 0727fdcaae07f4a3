"""Formats that run code when they are loaded are refused by every command without --trust-code."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from typer.testing import CliRunner

import pixbench
from pixbench.cli import app
from pixbench.errors import UserError
from pixbench.models.loading import load_model


class _Reads(nn.Module):
    """TorchScript can read any file of the machine, here the user's."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, images: Tensor) -> Tensor:
        stolen = torch.from_file(self.path, False, 4, dtype=torch.uint8)
        return images + stolen.sum()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One model of each format that runs code; each leaves the file `ran` behind if it is run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath('ran').touch()\ndef build(): ...\n")
    (tmp_path / "secret").write_bytes(b"1234")
    torch.jit.save(torch.jit.script(_Reads(str(tmp_path / "secret"))), str(tmp_path / "net.pt"))  # type: ignore[no-untyped-call]
    for name in ("net.ts", "net.pt2"):
        (tmp_path / name).write_bytes((tmp_path / "net.pt").read_bytes())
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save("a.png")
    return ["evil:build", "net.pt", "net.ts", "net.pt2"]


COMMANDS = (
    ["evaluate", "--model", "{}"],
    ["match", "a.png", "a.png", "--model", "{}"],
    ["describe", "a.png", "--out", "a.npz", "--model", "{}"],
    ["export", "{}", "--out", "a.onnx"],
    ["view", "{}", "--no-browser"],
    ["report", "page", "{}"],
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_commands_require_trust_code(programs: list[str], command: list[str], tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    for spec in programs:
        done = CliRunner().invoke(app, [word.format(spec) for word in command])
        assert isinstance(done.exception, UserError), done.output
        assert "--trust-code" in str(done.exception)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.filterwarnings("ignore")
def test_python_functions_require_trust_code(programs: list[str], tmp_path: Path) -> None:
    for spec in programs:
        with pytest.raises(UserError, match="trust_code=True"):
            load_model(spec)
        with pytest.raises(UserError, match="trust_code=True"):
            pixbench.match("a.png", "a.png", spec)
        with pytest.raises(UserError, match="trust_code=True"):
            pixbench.describe("a.png", spec)
    assert not (tmp_path / "ran").exists()
    # With trust_code the code runs, so that the check above could fail; and trust is not remembered.
    with pytest.raises(UserError, match="NoneType"):
        load_model("evil:build", trust_code=True)
    assert (tmp_path / "ran").exists()
    with pytest.raises(UserError, match="trust_code=True"):
        load_model("evil:build")


def test_installed_and_shipped_models_need_no_trust() -> None:
    for spec in ("baseline:rgb-patch", "pretrained:rooms"):
        assert load_model(spec).name
