"""`pixbench demo`: the whole pipeline at a small size, with the same functions as the commands."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..io.threads import use_threads

if TYPE_CHECKING:
    from ..evaluation.model import Model


@dataclass(frozen=True)
class DemoSize:
    """The size of a demo."""

    train: dict[str, Any]
    test: dict[str, Any]
    training: dict[str, Any]


OBJECTIVE = {"objective": "stable-weighted", "p": 2, "keep": 0.35}
SMALL_NETWORK = {"widths": (8, 16, 32, 32), "blocks": (1, 1, 1, 1), "channels": 32}

FULL = DemoSize(
    train={"split": "train", "scenes": 36, "views": 4, "size": 96, "seed": 0},
    test={"split": "test", "scenes": 16, "views": 3, "size": 96, "seed": 0, "scenes_per_shard": 4},
    training={**OBJECTIVE, "points": 256, "steps": 1000, "batch": 4, "crop": 64, "network": SMALL_NETWORK},
)
FAST = DemoSize(
    train={"split": "train", "scenes": 4, "views": 2, "size": 64, "seed": 0, "scenes_per_shard": 2},
    test={"split": "test", "scenes": 2, "views": 2, "size": 64, "seed": 0, "scenes_per_shard": 1},
    training={**OBJECTIVE, "points": 256, "steps": 30, "batch": 4, "network": SMALL_NETWORK},
)


@dataclass
class Stopwatch:
    """Seconds spent on each part."""

    started: float = field(default_factory=time.perf_counter)
    parts: list[tuple[str, float]] = field(default_factory=list)

    def lap(self, name: str) -> None:
        """Note the time since the last lap under `name`."""
        now = time.perf_counter()
        self.parts.append((name, now - self.started))
        self.started = now

    def __str__(self) -> str:
        return ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.parts) + f"; all {sum(s for _, s in self.parts):.0f} s"


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command()(demo)


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything that the demo makes.")] = Path("demo"),
    fast: Annotated[
        bool,
        typer.Option("--fast", help="A tiny run in under a minute, to check the installation; its scores are meaningless."),
    ] = False,
    workers: Annotated[int | None, typer.Option(help="Processes that make scenes. Default: one per core.")] = None,
) -> None:
    """Generate, verify, train, evaluate, table, pictures: everything once, in a few minutes."""
    use_threads()
    size = FAST if fast else FULL
    out = out / "fast" if fast else out
    watch = Stopwatch()
    for split, options in (("train", size.train), ("test", size.test)):
        _make(out / "data" / split, options, workers)
    watch.lap("generate")
    for split in ("train", "test"):
        _verify(out / "data" / split)
    watch.lap("verify")
    run = _train(out / "data" / "train", out / "runs", size.training)
    watch.lap("train")
    models = _evaluate(run, out / "data" / "test", out / "results")
    watch.lap("evaluate")
    _draw(models, run, out / "data", out / "pictures")
    watch.lap("pictures")
    _conclude(out, run, watch)


def _make(folder: Path, options: dict[str, Any], workers: int | None) -> None:
    from ..generation import generate
    from ..generation.components import DEFAULTS
    from ..generation.protocol import GENERATORS
    from .common import build_config, default_workers
    from .progress import progress_bar

    rooms = DEFAULTS.get("rooms")
    config = build_config(GENERATORS.get(rooms).config_type, options)
    with progress_bar(f"generate {config.split}", config.scenes, "scenes") as advance:
        generate(rooms, config, folder, workers=workers or default_workers(), progress=advance)


def _verify(folder: Path) -> None:
    from ..dataset.manifest import read_manifest
    from ..dataset.verify import verify
    from .progress import progress_bar

    with progress_bar(f"verify {folder.name}", read_manifest(folder).scenes, "scenes") as advance:
        verify(folder, progress=advance)


def _train(data: Path, runs: Path, options: dict[str, Any]) -> Path:
    """The run's folder; its name is the row of the table."""
    from ..training.config import TrainConfig
    from ..training.train import train
    from .progress import progress_bar

    config = TrainConfig(**options)
    run = runs / f"{config.objective}-{config.steps}-steps"
    with progress_bar("train", config.steps, "steps", log=run / "train.log") as advance:
        train(data, run, config, progress=lambda done, loss: advance(done, f"loss {loss:.4f}"))
    return run


def _evaluate(run: Path, data: Path, results: Path) -> "list[Model]":
    from ..evaluation.matching.evaluate import evaluate
    from ..evaluation.matching.pairs import DatasetPairs
    from ..evaluation.record import find_records
    from ..evaluation.suite import STRIDE
    from ..generation.components import DEFAULTS
    from ..leaderboard.render import markdown
    from ..leaderboard.tables import build_tables
    from ..leaderboard.terminal import print_tables
    from ..models.loading import load_model
    from ..models.pretrained import SCALES, pretrained_names
    from .progress import progress_bar

    untrained = [f"baseline:{name}" for name in DEFAULTS.get("demo-baselines")]
    pretrained = [f"pretrained:{name}" for name in pretrained_names()]
    models = [*map(load_model, (*untrained, *pretrained)), load_model(str(run), scales=SCALES["rooms"])]
    source = DatasetPairs(data, "demo", STRIDE)
    for model in models:
        evaluate(model, source, results, progress_bar=progress_bar)
    source.close()
    tables = build_tables(find_records([results]))
    (results / "table.md").write_text("\n".join(map(markdown, tables)), encoding="utf-8")
    print_tables(tables)
    return models


def _draw(models: "list[Model]", run: Path, data: Path, pictures: Path) -> None:
    from ..dataset.reader import Dataset
    from ..evaluation.model import DescriptorModel
    from ..models.loading import load_model
    from ..visualization.channels import channel_picture
    from ..visualization.figures import best_pair, contact_sheet, match_picture, truth_layers

    train, test = Dataset(data / "train"), Dataset(data / "test")
    contact_sheet(train, pictures / "scenes.png")
    pair = best_pair(test)
    truth_layers(test, pair, pictures / "truth.png")
    trained = load_model(str(run))  # at one scale, for the channels
    match_picture(pair, [model for model in models if not model.asks_for], pictures / "matches.png")
    if isinstance(trained, DescriptorModel):
        channel_picture(pair.rgb_a, trained, pictures / "channels.png")
    train.close()
    test.close()


def _conclude(out: Path, run: Path, watch: Stopwatch) -> None:
    typer.echo(f"\nTime: {watch}")
    typer.echo(f"Everything is in {out}/:")
    for path, what in (
        ("data/train, data/test", "data sets (see: pixbench info, pixbench verify)"),
        ("runs", "the trained model and its loss curve, loss.png"),
        ("results", "one record and one predictions file per model; table.md"),
        ("pictures/scenes.png", "the scenes"),
        ("pictures/truth.png", "a pair with all layers of its ground truth"),
        ("pictures/matches.png", "where each model matches the pixels of a view"),
        ("pictures/channels.png", "the descriptor's channels"),
    ):
        typer.echo(f"  {path:<24} {what}")
    typer.echo("Next:")
    typer.echo(f"  pixbench view {out}/data/test {out}/results {run}")
    typer.echo(f"  pixbench train --data {out}/data/train --out runs/longer --objective stable-weighted --p 2 --set keep=0.35 --steps 4000")
    typer.echo(f"  pixbench evaluate --model runs/longer --data {out}/data/test --scales 0.5,0.7,1,1.4")
    typer.echo("  pixbench generate 3d --out data/train --scenes 1000 --size 256")
