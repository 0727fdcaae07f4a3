"""Small data sets that the tests share, made once per run."""

import signal
from pathlib import Path

import jaxtyping
import pytest
from hypothesis import settings

from pixbench.generation import generate
from pixbench.generation.protocol import GENERATORS

# A first call compiles kernels, and machines are shared: the duration of an example is not meaningful.
settings.register_profile("pixbench", deadline=None)
settings.load_profile("pixbench")

# A shell that runs the tests in the background has them ignore Ctrl-C, and commands that tests start and interrupt would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TINY = {"split": "train", "scenes": 3, "views": 3, "size": 48, "seed": 7, "scenes_per_shard": 2, "object_count": (4, 7)}


@pytest.fixture
def unchecked_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions get values of wrong types, as from a user, whose Python checks none."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of three scenes, three views, 48 x 48 pixels; read only."""
    folder = tmp_path_factory.mktemp("data") / "tiny"
    generate("3d", GENERATORS.get("3d").config_type(**TINY), folder)
    return folder
