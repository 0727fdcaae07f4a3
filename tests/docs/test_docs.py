"""The documentation pages: their examples work, their commands run, and the site builds."""

import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from extras import module
from pydantic import BaseModel
from typer.main import get_command

from pixbench.cli import app
from pixbench.dataset.manifest import Manifest
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.record import Record
from pixbench.evaluation.task import METRICS
from pixbench.generation import generate
from pixbench.generation.components import OBJECT_SOURCES, RENDERERS
from pixbench.generation.protocol import GENERATORS
from pixbench.registry import Registry
from pixbench.training.config import TrainConfig
from pixbench.training.objectives.base import OBJECTIVES
from pixbench.training.train import train

ROOT = Path(__file__).parents[2]
PAGES = {path.name: path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}


def _blocks(language: str, page: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page], flags=re.DOTALL)


# The examples of the page on extending


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Runs the example whose first line names a file, and registers what it defines for the test."""

    def run(file: str, name: str, registry: Registry[Any] | None = None, key: str = "") -> Any:
        (source,) = (block for block in _blocks("python", "extend.md") if block.startswith(f"# my_package/{file}.py"))
        scope: dict[str, Any] = {"__name__": f"my_package.{file}"}
        exec(source, scope)
        registered = re.search(rf'^"?([\w@-]+)"? = "my_package\.{file}:{name}"$', _blocks("toml", "extend.md")[0], re.MULTILINE)
        assert registered, f"{file}:{name} is not among the entry points"
        assert registered[1] == (key or file)
        if registry is not None:
            monkeypatch.setitem(registry._added, key or file, scope[name])
        return scope[name]

    return run


def test_asset_source_and_renderer_example(example: Any, tmp_path: Path) -> None:
    example("crates", "Crates", OBJECT_SOURCES)
    example("depth", "DepthRenderer", RENDERERS)
    config = GENERATORS.get("3d").config_type(
        scenes=1, views=2, size=32, objects=("crates",), renderer="depth", seed=3, object_count=(2, 4)
    )
    generate("3d", config, tmp_path / "crates")
    with h5py.File(next((tmp_path / "crates" / "shards").glob("*.h5"))) as file:
        scene = next(iter(file.values()))
        assert set(scene["object_category"].asstr()[()]) == {"crate"}
        grey, depth = scene["rgb"][0, ..., 0], scene["depth_m"][0]
        assert np.array_equal(grey, np.nan_to_num(255 / (1 + depth)).astype(np.uint8))


def test_loss_example(example: Any, tiny: Path, tmp_path: Path) -> None:
    example("cosine", "Cosine", OBJECTIVES)
    train(tiny, tmp_path / "run", TrainConfig(objective="cosine", steps=2, batch=2, points=32))
    assert (tmp_path / "run" / "checkpoint").exists()


def test_baseline_and_metric_example(example: Any, tiny: Path, tmp_path: Path) -> None:
    example("pck3", "WITHIN_3", METRICS, "pck@3")
    _, record = evaluate(example("grey", "Grey")(), DatasetPairs(tiny, "tiny", 4), tmp_path)
    values = [record.metrics[name].value for name in ("pck@2", "pck@3", "pck@4")]
    assert values == sorted(values)  # type: ignore[type-var]
    assert record.model == "grey"


# The commands

SMALLER = {"--scenes": "2", "--steps": "2", "--size": "32", "--sheet": "2", "--batch": "2", "--views": "2", "--limit": "2"}
"""Every command runs as written, except that options of size are made small."""

ELSEWHERE = {
    r"--cluster": "needs a cluster: tests/generation/test_cluster.py",
    r"^pixbench assets fetch|sweethome3d": "fetches packages: tests/assets/test_assets.py, tests/generators/sources/test_sweethome3d.py",
    r"^pixbench sweep": "runs for hours: tests/experiments",
    r"^pixbench view": "serves until it is stopped: tests/page/test_site.py",
    r"^pixbench hub": "needs an account: tests/sharing/test_sharing.py",
    r"--devices|--nodes": "needs GPUs: tests/training/test_processes.py trains in two processes",
    r"colored-mnist|^pixbench (preview|generate) 2d --out (preview|data/digits)": "needs digits: tests/evaluation/probing",
    r"--suite (standard|photos)": "is a large suite, or needs photographs: tests/evaluation/matching, tests/generators/suites",
    r"--suite room-classes": "is a large suite: tests/evaluation/probing",
    r"real/hpatches|results/hpatches": "needs real pairs: tests/evaluation/matching/real",
    r"baseline:mine": "needs an installed package: tests/docs/test_readme.py",
}


def _commands() -> list[str]:
    lines: dict[str, None] = {}
    for page in PAGES:
        for block in _blocks("sh", page):
            lines |= dict.fromkeys(line.split(" #")[0].strip() for line in block.splitlines() if line.startswith("pixbench "))
    return list(lines)


def _elsewhere(line: str) -> str:
    return next((why for pattern, why in ELSEWHERE.items() if re.search(pattern, line)), "")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a reader has it half-way: a small training set, a run, the committed results, images of their own."""
    folder = tmp_path_factory.mktemp("workshop")
    kind = GENERATORS.get("3d").config_type
    for split in ("train", "val"):
        generate("3d", kind(split=split, scenes=2, views=2, size=32, seed=0), folder / "data" / split)
    generate("3d", kind(split="train", scenes=2, views=2, size=32, seed=7), folder / "data" / "budget")
    for name in ("mine", "theirs", "paper-1", "paper-2", "paper-inf", "point-infonce", "rooms"):
        train(folder / "data" / "train", folder / "runs" / name, TrainConfig(steps=1, batch=2, points=16, seed=len(name)))
    shutil.copytree(ROOT / "results", folder / "results", ignore=shutil.ignore_patterns(".*", "runs", "data"))
    (folder / "photos").mkdir()
    from PIL import Image

    for k in range(40):
        noise = np.random.default_rng(k).integers(0, 255, (40, 40, 3), np.uint8)
        Image.fromarray(noise).save(folder / "photos" / f"{k}.png")
    shutil.copy(folder / "photos" / "0.png", folder / "room.png")
    return folder


@pytest.fixture(scope="module")
def small_mini(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The suite `mini` with one scene, so that a command that scores on it takes seconds."""
    import dataclasses

    from pixbench.evaluation.suite import SUITES

    suite = SUITES.get("mini")
    config = {**suite.config, "scenes": 1, "views": 2, "size": 48, "scenes_per_shard": 1}
    small = dataclasses.replace(suite, config=config, levels=(), fingerprint={})
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        published = SUITES.get
        patch.setattr(SUITES, "get", lambda name: small if name == "mini" else published(name))
        patch.setenv("PIXBENCH_CACHE", str(cache))
        yield cache


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("line", [line for line in _commands() if not _elsewhere(line)])
def test_commands_of_the_pages_run(line: str, workshop: Path, small_mini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    shutil.copytree(workshop, folder)
    monkeypatch.chdir(folder)
    arguments = shlex.split(line)[1:]
    for option, value in SMALLER.items():
        if option in arguments:
            arguments[arguments.index(option) + 1] = value
    for before in _needed(line):
        assert CliRunner().invoke(get_command(app), before).exit_code == 0
    made = arguments[arguments.index("--out") + 1] if arguments[0] in ("generate", "train") and "--out" in arguments else None
    if made:
        shutil.rmtree(folder / made, ignore_errors=True)
    if arguments[0] == "train" and "--steps" not in arguments:
        arguments += ["--steps", "2"]
    if arguments[0] == "train" and "--batch" not in arguments:
        arguments += ["--batch", "2"]
    if arguments[0] == "evaluate":
        # The committed records are of the whole suite.
        arguments += ["--force"]
    if arguments[:2] in (["leaderboard", "verify"], ["leaderboard", "submit"]):
        # The committed records are of the whole suite: a row of the small one is needed.
        assert CliRunner().invoke(get_command(app), ["evaluate", "--model", "baseline:dense-sift", "--force"]).exit_code == 0
    if arguments[:2] == ["metrics", "sensitivity"]:
        evaluated = ["evaluate", "--model", "baseline:rgb-patch", "--data", "data/train", "--out", "scored"]
        assert CliRunner().invoke(get_command(app), evaluated).exit_code == 0
        arguments = ["metrics", "sensitivity", "scored/train/rgb-patch.json", "--data", "data/train"]
    result = CliRunner().invoke(get_command(app), arguments)
    assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"


def _needed(line: str) -> list[list[str]]:
    """Commands of the same page that a command depends on."""
    if "--from-recipe" in line:
        return [["recipe", "data/train", "--out", "train.json"]]
    if "my_model:build" in line:
        return [["model", "new", "my_model"]]
    return []


def test_commands_not_run_here_are_tested_elsewhere() -> None:
    commands = _commands()
    assert len(commands) > 40
    assert len([line for line in commands if not _elsewhere(line)]) > 25
    for why in ELSEWHERE.values():
        for name in re.findall(r"tests/[\w/]+(?:\.py)?", why):
            assert (ROOT / name).exists(), name


# Pages made from the code


def test_committed_pages_are_those_that_the_code_makes() -> None:
    module("mkdocs")
    module("latex2mathml")
    pages = runpy.run_path(str(ROOT / "docs" / "hooks.py"))["committed_pages"]()
    assert {page.name for page in pages} == {"formats.md", "metrics.md"}
    for page, text in pages.items():
        assert page.read_text() == text, f"run 'python docs/hooks.py': {page.name} is out of date"


@pytest.mark.parametrize("document", [Manifest, Record])
def test_every_field_of_a_document_is_explained(document: type[BaseModel]) -> None:
    schema = document.model_json_schema()
    for name, each in {"": schema, **schema["$defs"]}.items():
        silent = [field for field, value in each["properties"].items() if not value.keys() & {"description", "$ref"}]
        assert silent == [], name


# The site


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    formats = (tmp_path / "site" / "formats.html").read_text()
    assert "object_T_world_obj" in formats
    assert "predictions" in formats
    assert "pose_auc@10/magsac" in (tmp_path / "site" / "metrics.html").read_text()
    assert "pixbench leaderboard verify" in (tmp_path / "site" / "commands.html").read_text()
    # Names are not broken at their hyphens, and examples of functions are code.
    assert '<code class="name">--validation</code>' in (tmp_path / "site" / "train.html").read_text()
    assert "<p>ds = pixbench.load" not in (tmp_path / "site" / "api.html").read_text()
    for page in (tmp_path / "site").glob("*.html"):
        asked = re.findall(r'(?:src|<link[^>]*href)="(https?://[^"]+)"', page.read_text())
        assert asked == [], page
