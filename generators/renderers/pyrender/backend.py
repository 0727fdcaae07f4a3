"""Selects the OpenGL platform, EGL or OSMesa, before the package `pyrender` is imported: it cannot be changed afterwards."""

import atexit
import os
import subprocess
import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from pixbench.errors import UserError

PLATFORM = "PYOPENGL_PLATFORM"
"""The environment variable that PyOpenGL and pyrender read; a value that is set already is kept."""

PACKAGES = "libegl1 libgl1 libxrender1 libosmesa6"
TRIAL = "import pyrender; pyrender.OffscreenRenderer(8, 8)"


@cache
def load_pyrender() -> Any:
    """The module `pyrender` on a platform that works; worker processes inherit it. Raises UserError if none works."""
    if find_spec("pyrender") is None:
        raise UserError('renderer pyrender needs the package pyrender-maintained: pip install "pixbench[pyrender]"')
    os.environ.setdefault(PLATFORM, working_platform())
    try:
        return import_module("pyrender")
    except Exception as error:
        raise _no_opengl(f"{PLATFORM}={os.environ[PLATFORM]} cannot be loaded ({error!r})") from None


@cache
def offscreen() -> Any:
    """The only offscreen renderer of this process: on EGL a second one fails with EGL_BAD_DISPLAY. Callers set its size."""
    pyrender = load_pyrender()
    try:
        target = pyrender.OffscreenRenderer(8, 8)
    except Exception as error:
        raise _no_opengl(f"{PLATFORM}={os.environ[PLATFORM]} does not start ({error!r})") from None
    # At interpreter exit, OpenGL would otherwise be unloaded before its objects and report errors.
    atexit.register(target.delete)
    return target


def working_platform() -> str:
    """The first platform that renders in a separate process. Raises UserError if none does."""
    for platform in ("egl", "osmesa"):
        trial = subprocess.run([sys.executable, "-c", TRIAL], env=os.environ | {PLATFORM: platform}, capture_output=True)  # noqa: S603
        if trial.returncode == 0:
            return platform
    raise _no_opengl("neither EGL nor OSMesa starts")


def _no_opengl(problem: str) -> UserError:
    return UserError(f"renderer pyrender has no OpenGL, {problem}: install the system libraries, on Debian apt-get install {PACKAGES}")
