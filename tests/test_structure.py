"""The rules of the tree: sizes of folders and files, unique names of classes, and imports without cycles."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"pixbench": "pixbench", "generators": "pixbench.generators", "baselines": "pixbench.baselines"}
LISTS = {"pixbench", "pixbench/cli", "generators/procedural/objects", "baselines"}
"""Folders of one file (or, at the top, one folder) for each thing that a user names."""


@cache
def _modules() -> dict[str, Path]:
    """All modules by their import names."""
    found = {}
    for folder, package in PACKAGES.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = [package, *path.relative_to(ROOT / folder).with_suffix("").parts]
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@pytest.mark.parametrize("folder", PACKAGES)
def test_a_folder_has_at_most_fourteen_entries(folder: str) -> None:
    for place in [ROOT / folder, *(path for path in (ROOT / folder).rglob("*") if path.is_dir() and path.name != "__pycache__")]:
        entries = [path.name for path in place.iterdir() if path.name != "__pycache__"]
        assert len(entries) <= 14 or str(place.relative_to(ROOT)) in LISTS, (place, sorted(entries))


def test_files_are_short() -> None:
    lines = {path: len(path.read_text().splitlines()) for path in [*_modules().values(), *(ROOT / "tests").rglob("*.py")]}
    assert {path: count for path, count in lines.items() if count > 300} == {}
    assert median(lines[path] for path in _modules().values()) <= 90


def test_class_names_are_unique() -> None:
    places = defaultdict(list)
    for name, path in _modules().items():
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def _imported(name: str, path: Path) -> Iterator[str]:
    """Modules of the project that a module imports at its top level."""
    modules = _modules()
    for node in _tree(path).body:
        if isinstance(node, ast.ImportFrom):
            package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
            base = (
                ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])
                if node.level
                else node.module
            )
            for alias in node.names:
                yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules else str(base)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_imports_have_no_cycle() -> None:
    modules = _modules()
    graph = {name: {found for found in _imported(name, path) if found in modules and found != name} for name, path in modules.items()}
    assert sum(map(len, graph.values())) > len(modules)
    TopologicalSorter(graph).prepare()  # raises CycleError
