"""Where OpenGL comes from: EGL, or else OSMesa. Chosen before the package `pyrender` is imported, which cannot be undone."""

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
"""The environment variable by which PyOpenGL and pyrender are told; one that is set already is respected."""

PACKAGES = "libegl1 libgl1 libxrender1 libosmesa6"
TRIAL = "import pyrender; pyrender.OffscreenRenderer(8, 8)"


@cache
def load_pyrender() -> Any:
    """The module `pyrender` on a platform that works; worker processes inherit the choice. Raises UserError where there is none."""
    if find_spec("pyrender") is None:
        raise UserError('renderer pyrender needs the package pyrender-maintained: pip install "pixbench[pyrender]"')
    os.environ.setdefault(PLATFORM, working_platform())
    try:
        return import_module("pyrender")
    except Exception as error:
        raise _no_opengl(f"{PLATFORM}={os.environ[PLATFORM]} cannot be loaded ({error!r})") from None


@cache
def offscreen() -> Any:
    """The one offscreen renderer of this process: a second one on EGL fails with EGL_BAD_DISPLAY. Resize it as needed."""
    pyrender = load_pyrender()
    try:
        target = pyrender.OffscreenRenderer(8, 8)
    except Exception as error:
        raise _no_opengl(f"{PLATFORM}={os.environ[PLATFORM]} does not start ({error!r})") from None
    # Left to the interpreter's end, OpenGL is taken apart before what it holds, and complains.
    atexit.register(target.delete)
    return target


def working_platform() -> str:
    """The first platform that draws, tried in a process of its own."""
    for platform in ("egl", "osmesa"):
        trial = subprocess.run([sys.executable, "-c", TRIAL], env=os.environ | {PLATFORM: platform}, capture_output=True)  # noqa: S603
        if trial.returncode == 0:
            return platform
    raise _no_opengl("neither EGL nor OSMesa starts")


def _no_opengl(problem: str) -> UserError:
    return UserError(f"renderer pyrender has no OpenGL, {problem}: install the system libraries, on Debian apt-get install {PACKAGES}")
