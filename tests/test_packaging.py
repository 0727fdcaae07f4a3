import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_declared_packages_are_those_on_disk() -> None:
    declared = set(_project()["tool"]["setuptools"]["packages"])  # type: ignore[index]
    on_disk = set()
    for folder, package in (("pixbench", "pixbench"), ("generators", "pixbench.generators"), ("baselines", "pixbench.baselines")):
        for init in (ROOT / folder).rglob("__init__.py"):
            on_disk.add(".".join([package, *init.parent.relative_to(ROOT / folder).parts]))
    assert declared == on_disk


@pytest.mark.parametrize("folder", ["generators", "baselines"])
def test_folders_cannot_be_imported_by_their_bare_names(folder: str) -> None:
    run = subprocess.run([sys.executable, "-c", f"import {folder}"], cwd=ROOT, capture_output=True, text=True)
    assert f"import this folder as 'pixbench.{folder}'" in run.stderr


@pytest.mark.parametrize("folder", ["generators", "baselines"])
def test_core_does_not_import_the_folder(folder: str) -> None:
    """The core names neither folder in an import: it reaches them by registered name."""
    for path in (ROOT / "pixbench").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            assert not any(folder in name.split(".") for name in names), path


def test_every_dependency_is_pinned() -> None:
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().split()}
    project = _project()["project"]
    wanted = [*project["dependencies"], *(name for extra in project["optional-dependencies"].values() for name in extra)]  # type: ignore[index]
    assert {name.split(">")[0].split("[")[0] for name in wanted} <= pinned
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text()


def test_posix_only_modules_are_not_imported_at_module_level() -> None:
    lacking = {"crypt", "curses", "fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"}
    for folder in ("pixbench", "generators", "baselines"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.parse(path.read_text()).body:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not lacking & {name.partition(".")[0] for name in names}, path
