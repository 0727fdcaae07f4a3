"""Help, lists and tables: grouped, with an example each, and no wider than the terminal."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.main import get_command
from typer.testing import CliRunner

import pixbench.leaderboard.terminal as terminal
from pixbench.cli import app
from pixbench.cli.help import EXAMPLES, GROUPS
from pixbench.cli.list import GROUPS as LISTED
from pixbench.cli.list import KINDS
from pixbench.cli.registry_titles import names, one_line, titles
from pixbench.evaluation.model import BASELINES
from pixbench.evaluation.suite import SUITES
from pixbench.leaderboard.tables import Table
from pixbench.training.objectives.base import OBJECTIVES


class Fixed(Table):
    """A table of given words."""

    title = "mini (test, 16 scenes)"
    caption = "81717 visible queries. Higher is better, but for median EPE and closer."
    header = ("model", "norm", "D", "c", "δ_avg", "PCK@1", "PCK@4", "median EPE", "MMA@3", "closer", "occlusion AP", "AUC@10° MAGSAC")
    cells = (
        ("dense-sift", "2", "128", "–", "0.170", "0.044", "0.167", "36.59", "0.203", "0.247", "0.243", "0.044"),
        ("paper [x]", "inf", "32", "0.5", "0.087", "0.008", "0.055", "36.46", "0.052", "0.139", "0.298", "0.010"),
    )


TABLE = Fixed.__new__(Fixed)


def run_cli(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
    assert result.exit_code == 0, result.output
    return result.output


def test_every_command_is_in_one_group_and_has_an_example() -> None:
    commands: Any = get_command(app)
    within = [f"{group} {name}" for group, each in commands.commands.items() for name in getattr(each, "commands", ())]
    assert sorted(name for group in GROUPS.values() for name in group) == sorted(commands.commands)
    assert sorted([*commands.commands, *within]) == sorted(EXAMPLES)
    text = run_cli("--help")
    places = [text.index(f"\n{title}:\n") for title in GROUPS]
    assert places == sorted(places)
    assert max(map(len, text.splitlines())) <= 80
    # No summary is truncated.
    assert "..." not in text.replace("ARGS]...", "")


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_example_is_in_the_help_and_parses(name: str) -> None:
    text = run_cli(*name.split(), "--help")
    # In one line, to be copied.
    assert text.rstrip().splitlines()[-1] == f"  Example: {EXAMPLES[name]}"
    assert "..." not in text.split("Commands:")[-1] or "Commands:" not in text
    command: Any = get_command(app)
    arguments = EXAMPLES[name].split()[1:]
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    assert command.make_context(command.name, arguments).command is command


def test_help_of_a_generator_lists_its_own_options() -> None:
    two, three, both = run_cli("generate", "2d", "--help"), run_cli("generate", "3d", "--help"), run_cli("generate", "--help")
    assert "--objects" not in two
    assert "Settings of 2d, as --set NAME=VALUE:" in two
    assert re.search(r"^  warps +perspective", two, re.MULTILINE)
    assert "--objects" in three
    assert re.search(r"^  min_overlap +0\.15", three, re.MULTILINE)
    assert "--objects" in both
    assert "Settings of" not in both
    for text, name, views, size in ((two, "2d", 2, 64), (three, "3d", 4, 256)):
        words = " ".join(text.split())
        assert f"Views per scene, 2 to 16. Default: {views}." in words
        assert f"Width and height in pixels. Default: {size}." in words
        assert f"Example: pixbench generate {name} --out data/train --scenes 24 --size {size}" in words


@pytest.mark.parametrize(("kind", "registry"), [("baselines", BASELINES), ("suites", SUITES), ("objectives", OBJECTIVES)])
def test_titles_read_from_source_match_the_objects(kind: str, registry: Any) -> None:
    found = titles(LISTED[kind])
    assert list(found) == names(LISTED[kind])
    for name, words in found.items():
        assert words == one_line(registry.get(name)), name
        assert words, name
    lines = run_cli("list", kind).splitlines()
    assert [line.split()[0] for line in lines] == list(found)


def test_list_on_a_terminal_has_one_line_per_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdout", out)
    get_command(app)(["list", "baselines"], standalone_mode=False)
    lines = out.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == list(titles(LISTED["baselines"]))
    assert max(map(len, lines)) <= 80
    (line,) = [line for line in lines if line.startswith("aliked-lightglue")]
    assert line.endswith(" …")  # at the end of a word
    assert line.removesuffix(" …") in run_cli("list", "baselines")


def test_lists_do_not_import_heavy_packages() -> None:
    import subprocess
    import sys

    # Renderers are excluded: their package needs numpy.
    kinds = [[], *([each] for each in KINDS if each != "renderers")]
    code = f"import sys, pixbench.cli as cli\nfor kind in {kinds!r}:\n    sys.argv = ['pixbench', 'list', *kind]\n"
    code += "    try: cli.main()\n    except SystemExit: pass\n"
    code += "print([name for name in ('torch', 'numpy', 'scipy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_metric_name_without_threshold_explains_all_thresholds() -> None:
    text = run_cli("metrics", "explain", "pck")
    assert [line.split()[1] for line in text.splitlines() if line.startswith("metric ")] == [
        f"pck@{px}," for px in sorted((1, 2, 4, 8, 16), key=str)
    ]
    assert run_cli("metrics", "explain", "pck@4") in text
    variants = [line for line in run_cli("metrics", "explain", "id_accuracy").splitlines() if line.startswith("metric ")]
    assert len(variants) == 4
    assert "id_accuracy/head, version" in variants[0]


def test_info_of_a_folder_of_data_sets(tiny: Path) -> None:
    text = run_cli("info", str(tiny.parent))
    assert f"{tiny}: generator 3d, split train, 3 scenes, " in " ".join(text.split())
    assert f"pixbench info {tiny} says more" in " ".join(text.split())


def printed_table(width: int, *, piped: bool, monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    out = io.StringIO()
    monkeypatch.setattr(terminal, "Console", lambda: Console(file=out, width=width, force_terminal=not piped, color_system=None))
    terminal.print_tables([TABLE])
    return out.getvalue().splitlines()


SNAPSHOT = """\
┃ model      ┃ norm ┃   D ┃   c ┃ δ_avg ┃ PCK@1 ┃ PCK@4 ┃    EPE ┃ MMA@3 ┃
│ dense-sift │    2 │ 128 │   – │ 0.170 │ 0.044 │ 0.167 │  36.59 │ 0.203 │
│ paper [x]  │  inf │  32 │ 0.5 │ 0.087 │ 0.008 │ 0.055 │  36.46 │ 0.052 │
"""


def test_table_on_80_columns_drops_its_last_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed_table(80, piped=False, monkeypatch=monkeypatch)
    assert max(map(len, lines)) <= 80
    rows = [line for line in lines if re.match(r"[┃│] (model|dense-sift|paper) ", line)]
    assert rows == SNAPSHOT.splitlines()
    assert "Left out for the width: closer, occlusion AP, AUC@10° MAGSAC." in " ".join(lines)
    assert not any("…" in line for line in lines)


def test_a_table_in_a_pipe_keeps_all_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed_table(80, piped=True, monkeypatch=monkeypatch)
    (row,) = [line for line in lines if line.startswith("│ dense-sift ")]
    assert [cell.strip() for cell in row.strip("│").split("│")] == list(TABLE.cells[0])
    assert not any("Left out" in line for line in lines)
