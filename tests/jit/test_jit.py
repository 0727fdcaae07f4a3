"""Cache of compiled kernels when the package is installed, and when its folder is read-only."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pixbench

SCRIPT = """
import numba.core.caching as caching
for kind in list(vars(caching).values()):
    if isinstance(kind, type) and hasattr(kind, "_locator_classes"):
        kind._locator_classes = [each for each in kind._locator_classes if "UserProvided" in each.__name__]
from pixbench.jit import numba
import pixbench.geometry.rays
print(numba.config.CACHE_DIR)
"""


def _environment(tmp_path: Path, **more: str) -> dict[str, str]:
    """Without a cache folder of the user's, unless PIXBENCH_CACHE is given: its parent is a file."""
    (tmp_path / "file").touch()
    kept = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "PIXBENCH_CACHE")}
    return {**kept, "PYTHONWARNINGS": "default", "XDG_CACHE_HOME": str(tmp_path / "file"), **more}


def test_kernels_of_an_installed_package_are_not_kept_beside_it(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    site.mkdir()
    shutil.copytree(Path(pixbench.__file__).parent, site / "pixbench", ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    environment = _environment(tmp_path, PIXBENCH_CACHE=str(tmp_path / "cache"), PYTHONPATH=str(site), PYTHONDONTWRITEBYTECODE="1")
    script = """if True:
        import pixbench.jit
        import pixbench.evaluation.matching.nearest.sum_kernels, pixbench.geometry.rays
        print(pixbench.jit.__file__, pixbench.jit.numba.config.CACHE_DIR)
    """
    before = set(site.rglob("*"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True, cwd=tmp_path)
    assert done.stdout.split() == [str(site / "pixbench/jit/__init__.py"), str(tmp_path / "cache/kernels")]
    assert set(site.rglob("*")) == before
    chosen = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**environment, "NUMBA_CACHE_DIR": str(tmp_path / "own")},
        check=True,
        cwd=tmp_path,
    )
    assert chosen.stdout.split()[1] == str(tmp_path / "own")


@pytest.mark.parametrize("place", ["cache", "temporary", "none"])
def test_kernel_cache_falls_back_when_the_package_is_read_only(place: str, tmp_path: Path) -> None:
    names = {"PIXBENCH_CACHE": str(tmp_path / "cache")} if place == "cache" else {}
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    if place == "none":
        # A folder that other users can write is not trusted, because cached kernels are executed.
        (temporary / f"pixbench-kernels-{os.getuid()}").mkdir(mode=0o777)
        (temporary / f"pixbench-kernels-{os.getuid()}").chmod(0o777)
    environment = _environment(tmp_path, TMPDIR=str(temporary), **names)
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment, check=True)
    if place == "none":
        assert done.stderr.count("compiled kernels cannot be kept") == 1
    else:
        assert done.stderr == ""
        assert done.stdout.strip().startswith(str(tmp_path / place))
