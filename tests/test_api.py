"""The names that `import pixbench` offers, and what it costs to have them."""

import subprocess
import sys

import pytest

import pixbench


def test_importing_imports_nothing_heavy() -> None:
    code = "import sys; before = set(sys.modules); import pixbench; print(sorted({m.split('.')[0] for m in set(sys.modules) - before}))"
    loaded = set(eval(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout))
    assert loaded - set(sys.stdlib_module_names) == {"pixbench"}


@pytest.mark.parametrize("name", pixbench.__all__)
def test_every_name_is_there_when_it_is_used(name: str) -> None:
    assert name in dir(pixbench)
    item = getattr(pixbench, name)
    assert callable(item) or item.__name__ == f"pixbench.{name}"
    assert item is getattr(pixbench, name)


def test_a_function_and_its_module_do_not_hide_each_other() -> None:
    code = "import pixbench.training.train, pixbench; print(pixbench.train.__module__, callable(pixbench.train))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "pixbench.training.train True"


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'pixbench' has no attribute 'trian'"):
        pixbench.trian  # noqa: B018
    with pytest.raises(ImportError):
        exec("from pixbench import trian")
