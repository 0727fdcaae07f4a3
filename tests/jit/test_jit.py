"""Cache of compiled kernels when the package folder is read-only."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import numba.core.caching as caching
for kind in list(vars(caching).values()):
    if isinstance(kind, type) and hasattr(kind, "_locator_classes"):
        kind._locator_classes = [each for each in kind._locator_classes if "UserProvided" in each.__name__]
from pixbench.jit import numba
import pixbench.geometry.rays
print(numba.config.CACHE_DIR)
"""


@pytest.mark.parametrize("place", ["cache", "temporary", "none"])
def test_kernel_cache_falls_back_when_the_package_is_read_only(place: str, tmp_path: Path) -> None:
    names = {"PIXBENCH_CACHE": str(tmp_path / "cache")} if place == "cache" else {}
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    if place == "none":
        # A folder that other users can write is not trusted, because cached kernels are executed.
        (temporary / f"pixbench-kernels-{os.getuid()}").mkdir(mode=0o777)
        (temporary / f"pixbench-kernels-{os.getuid()}").chmod(0o777)
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONWARNINGS": "default", **names}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment, check=True)
    if place == "none":
        assert done.stderr.count("compiled kernels cannot be kept") == 1
    else:
        assert done.stderr == ""
        assert done.stdout.strip().startswith(str(tmp_path / place))
