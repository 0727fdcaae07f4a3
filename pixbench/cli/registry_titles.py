"""One line about each name of a registry, read from source text without importing it, so that listing is fast."""

import ast
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TITLES = ("title", "definition")
"""Attributes that hold an object's title; the default is the first line of its docstring."""


def names(group: str) -> list[str]:
    """The names of a group, sorted."""
    return sorted({entry.name for entry in entry_points(group=group)})


def titles(group: str) -> dict[str, str]:
    """The line of each entry point of a group, by name."""
    return {entry.name: _title(entry) for entry in sorted(entry_points(group=group), key=lambda entry: entry.name)}


def _title(entry: Any) -> str:
    module, _, name = entry.value.partition(":")
    try:
        found = _titles_of(module).get(name)
        return one_line(entry.load()) if found is None else found
    except Exception as error:
        # A package that cannot be imported gives a line of the list instead of an error.
        return f"cannot be loaded: {error}"


def one_line(item: object) -> str:
    """The one-line title of an object."""
    text = next((getattr(item, name) for name in TITLES if getattr(item, name, None)), item.__doc__ or "")
    return str(text).strip().partition("\n")[0]


@cache
def _titles_of(module: str) -> dict[str, str]:
    """The titles of a module's classes, functions and objects, as far as they are literals in its source."""
    spec = find_spec(module)
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return {}
    found: dict[str, str] = {}
    for node in ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            text = _assigned(node) or (ast.get_docstring(node) or "").partition("\n")[0]
            found |= {node.name: text} if text else {}
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            texts = [_literal(keyword.value) for keyword in node.value.keywords if keyword.arg in TITLES]
            if not texts and isinstance(node.value.func, ast.Name):
                texts = [found.get(node.value.func.id, "")]  # an object of a class above
            found |= {target.id: texts[0] for target in targets if isinstance(target, ast.Name) and texts and texts[0]}
    return found


def _assigned(node: ast.ClassDef | ast.FunctionDef) -> str:
    """A class's own title; empty where it has none."""
    values = [
        line.value
        for line in node.body
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name) and line.targets[0].id in TITLES
    ]
    return _literal(values[0]) if values else ""


def _literal(node: ast.expr) -> str:
    """The value of a string literal; empty for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
