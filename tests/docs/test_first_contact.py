"""A new user copies every block of the README and of the quickstart into a shell in an empty folder, in order; and runs the notebook."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/index.md")

ELSEWHERE = {
    r"^(git clone|cd |make|\.|source|python3? -m (venv|pip)|pip )": "installs: .ci/run does it with make, and tries the wheel",
    r"^(bash|sh) ": "a script of the checkout",
    r"^pixbench assets|sweethome3d": "fetches packages: tests/assets/test_assets.py",
    r"^pixbench sweep": "runs for hours: tests/experiments",
    r"^pixbench (view|hub)|^mkdocs serve|^jupyter": "serves until it is stopped, or needs an account: tests/page, tests/sharing",
    r"--suite (standard|photos|hpatches)": "a large suite, or one that needs photographs: tests/evaluation/matching",
    r"2d ": "needs digits: tests/evaluation/probing",
    r"baseline:mine": "needs an installed package: tests/docs/test_readme.py",
    r"^pixbench leaderboard (build|verify)": "the committed results: tests/leaderboard",
    r"^pixbench demo": "tests/cli/test_cli.py",
    r"^torchrun|--devices|--cluster": "tests/training, tests/generation/test_cluster.py",
    r"^python benchmarks|^BENCH": "measures speed",
}
"""Commands that are not run in the empty folder, and where they are tested."""

SHIM = """#!{python}
import sys
from pixbench.cli import main

SMALLER = {{"--scenes": "2", "--steps": "2", "--size": "32", "--batch": "2", "--views": "2"}}


def smaller(arguments):
    for option, value in SMALLER.items():
        if option in arguments:
            arguments[arguments.index(option) + 1] = value
    if arguments[0] == "train":
        arguments += [] if "--steps" in arguments else ["--steps", "2"]
        arguments += [] if "--batch" in arguments else ["--batch", "2"]
    if arguments[0] == "evaluate" and "--data" not in arguments:
        # A suite takes minutes to make; any data set will do.
        arguments += ["--data", "data/train"]
    return arguments


if __name__ == "__main__":  # worker processes read this file too
    sys.argv = ["pixbench", *smaller(sys.argv[1:])]
    main()
"""
"""A `pixbench` command that reduces all sizes."""


def blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of every block of code, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / page).read_text(), flags=re.DOTALL | re.MULTILINE)


def elsewhere(line: str) -> bool:
    return any(re.search(pattern, line) for pattern in ELSEWHERE)


def script(page: str, folder: Path) -> str:
    """One script of all blocks; Python blocks are written to separate files."""
    lines = ["set -euo pipefail"]
    for number, (language, text) in enumerate(blocks(page)):
        if language in ("sh", "bash"):
            commands = re.sub(r"\\\n\s*", " ", text).splitlines()
            lines += [command for command in commands if not elsewhere(command)]
        elif language == "python":
            (folder / f"block{number}.py").write_text(smaller(text))
            lines.append(f"python block{number}.py")
    return "\n".join(lines) + "\n"


def smaller(text: str) -> str:
    """The same Python on small sizes."""
    text = re.sub(r"\bsteps=[\d_]+", "steps=2, batch=2", text)
    text = re.sub(r"\bbatch=(?!2\b)\d+", "batch=2", text)
    return re.sub(r'"mini"', '"small"', text)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_every_block_runs_in_order_in_an_empty_folder(page: str, tiny: Path, tmp_path: Path) -> None:
    here, programs = tmp_path / "here", tmp_path / "bin"
    for folder in (here / "photos", programs):
        folder.mkdir(parents=True)
    shutil.copytree(tiny, here / "small")  # replaces a suite, which takes minutes to make
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    for name in ("photos/0.png", "photos/1.png", "a.jpg", "b.jpg"):  # the reader's own images
        Image.fromarray(noise).save(here / name)
    for name, text in (("pixbench", SHIM.format(python=sys.executable)), ("python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')):
        (programs / name).write_text(text)
        (programs / name).chmod(stat.S_IRWXU)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PIXBENCH_CACHE": str(tmp_path / "cache")}
    text = script(page, here)
    assert text.count("\npixbench ") >= 4
    done = subprocess.run(["bash", "-c", text], cwd=here, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{text}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"


def test_every_block_is_run_or_listed_as_tested_elsewhere() -> None:
    for page in PAGES:
        fences = re.findall(r"^```(\w*)$", (ROOT / page).read_text(), flags=re.MULTILINE)
        found = blocks(page)
        assert len(fences) == 2 * len(found), "a block without a language"
        assert {language for language, _ in found} <= {"sh", "python", "bibtex"}
        for language, text in found:
            if language == "sh":
                assert all(elsewhere(line) or line.startswith("pixbench ") for line in text.splitlines()), text


def test_tests_named_for_skipped_blocks_exist() -> None:
    for why in ELSEWHERE.values():
        for name in re.findall(r"(?:tests|\.ci)/[\w/]+(?:\.py)?", why):
            assert (ROOT / name).exists(), name


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(ROOT / "docs/quickstart.ipynb", as_version=4)
    assert len(notebook.cells) == 10
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path / "cache"))
    for cell in notebook.cells:
        cell.source = cell.source.replace("STEPS = 200", "STEPS = 5")
    NotebookClient(notebook, timeout=600, startup_timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    pictures = [output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    assert len(pictures) == 2
    printed = " ".join(str(output.get("text", "")) for output in notebook.cells[-1].outputs)
    error = float(re.search(r"median error ([\d.]+) px", printed)[1])  # type: ignore[index]
    assert error < 3
