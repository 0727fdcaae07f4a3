"""Errors that workers hand to the process that started them."""

import ast
import inspect
import pickle
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pytest

from pixbench.errors import UserError

ROOT = Path(__file__).parents[1]
PACKAGES = {"pixbench": "pixbench", "generators": "pixbench.generators", "baselines": "pixbench.baselines"}
EXAMPLES = {str: "some words", int: 7, float: 0.5}
"""An argument of each type that an error takes."""


def _kinds() -> Iterator[tuple[str, str]]:
    """Module and name of every class whose base is an error for users."""
    classes = {}
    for folder, package in PACKAGES.items():
        for path in (ROOT / folder).rglob("*.py"):
            module = ".".join((package, *path.relative_to(ROOT / folder).with_suffix("").parts))
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    classes[node.name] = module, {base.id for base in node.bases if isinstance(base, ast.Name)}
    known = {"UserError"}
    while more := {name for name, (_, bases) in classes.items() if bases & known} - known:
        known |= more
    for name in sorted(known):
        yield classes[name][0], name


KINDS = list(_kinds())


def test_errors_of_generators_and_of_training_are_found() -> None:
    assert {name for _, name in KINDS} >= {"UserError", "BadPictureError", "DivergedError"}


@pytest.mark.parametrize(("module", "name"), KINDS)
def test_user_error_is_the_same_after_pickling(module: str, name: str) -> None:
    kind = getattr(import_module(module), name)
    assert issubclass(kind, UserError)
    error = (
        kind("some words")
        if "__init__" not in vars(kind)
        else kind(*(EXAMPLES[hint] for name, hint in get_type_hints(kind.__init__).items() if name in inspect.signature(kind).parameters))
    )
    got = pickle.loads(pickle.dumps(error))
    assert type(got) is kind
    assert str(got) == str(error)
    assert vars(got) == vars(error)
