"""What the README says is what happens."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.main import get_command

from pixbench.cli import app
from pixbench.evaluation.evaluate import evaluate
from pixbench.evaluation.model import DescriptorModel

README = (Path(__file__).parents[1] / "README.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_example_model_can_be_scored(tiny: Path, tmp_path: Path) -> None:
    (source,) = (block for block in _blocks("python") if "class Mine" in block)
    scope: dict[str, Any] = {"my_network": torch.nn.Conv2d(3, 5, 1)}
    exec(source, scope)
    model = scope["Mine"]()
    assert isinstance(model, DescriptorModel)
    _, record = evaluate(model, tiny, tmp_path, suite="tiny")
    assert record.model == "mine"
    assert 0 <= (record.metrics["delta_avg"].value or 0) < 1


def test_the_example_reader_reads(tiny: Path) -> None:
    (source,) = (block for block in _blocks("python") if "PairDataset" in block)
    scope: dict[str, Any] = {}
    exec(source.replace("data/train", str(tiny)), scope)
    assert scope["sample"]["uv_b"].shape == (48, 48, 2)


COMMANDS = sorted({line.split("#")[0].strip() for block in _blocks("sh") for line in block.splitlines() if line.startswith("pixbench ")})


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_of_the_readme_parse(line: str) -> None:
    command, arguments = get_command(app), line.split()[1:]
    # Parsing alone: nothing is run. It refuses a name or an option that does not exist.
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    context = command.make_context(command.name, arguments)
    assert context.command is command


def test_pictures_of_the_readme_exist() -> None:
    for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (Path(__file__).parents[1] / name).stat().st_size > 10_000
