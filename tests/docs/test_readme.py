"""The README and the pages match the code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from pixbench.cli import app

ROOT = Path(__file__).parents[2]
PAGES = {path: path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
README = PAGES[ROOT / "README.md"]


def _blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_example_of_the_page_on_generation_runs(tiny: Path) -> None:
    (source,) = _blocks("python", PAGES[ROOT / "docs/generate.md"])
    scope: dict[str, Any] = {}
    exec(source.replace("data/train", str(tiny)), scope)
    assert scope["uv_1"].shape == (48, 48, 2)
    assert scope["canonical"].shape == (48, 48, 3)
    scope["dataset"].close()


def test_the_settings_of_the_page_on_generation_are_the_defaults() -> None:
    from pixbench.generators.rooms.config import Config3D

    table = [line for line in PAGES[ROOT / "docs/generate.md"].splitlines() if line.startswith("| `") and "=" in line.split("|")[1]]
    settings = re.findall(r"`(\w+)=([^`]+)`", " ".join(line.split("|")[1] for line in table))
    default = Config3D().model_dump(mode="json")
    assert len(settings) > 15
    for name, value in settings:
        written = json.loads(value) if value[0] in "[0123456789" else value
        # Categories are an example, not the default.
        assert name == "categories" or default[name] == written, name


COMMANDS = sorted(
    {
        line.split("#")[0].strip()
        for text in PAGES.values()
        for block in _blocks("sh", text)
        for line in block.splitlines()
        if line.startswith("pixbench ")
    }
)


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_of_the_readme_parse(line: str) -> None:
    command, arguments = get_command(app), line.split()[1:]
    # Parsing alone: nothing is run. It refuses a name or an option that does not exist.
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    context = command.make_context(command.name, arguments)
    assert context.command is command


def test_pictures_of_the_readme_exist() -> None:
    for path, text in PAGES.items():
        for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text):
            assert (path.parent / name).stat().st_size > 10_000
