"""`pixbench metrics`, `model` and `leak-check`."""

import re
from pathlib import Path
from typing import Annotated

import typer

from ..io.threads import use_threads

metrics = typer.Typer(help="What the numbers mean, and how far they move with the protocol.", no_args_is_help=True, rich_markup_mode=None)
model = typer.Typer(help="Your own model.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(metrics, name="metrics")
    app.add_typer(model, name="model")
    app.command("leak-check")(leak_check)


@metrics.command("list")
def list_metrics() -> None:
    """List all metrics: id, version, first digits of the hash of its definition, task."""
    from ..evaluation.task import METRICS

    for name in METRICS.names():
        metric = METRICS.get(name)
        better = "higher" if metric.higher_is_better else "lower"
        typer.echo(f"{name:<38} v{metric.version}  {metric.sha256()[:12]}  {metric.task:<15} {better} is better")


@metrics.command("explain")
def explain(metric_id: Annotated[str, typer.Argument(metavar="ID", help="See 'pixbench metrics list'.")]) -> None:
    """Say what a metric is: its definition, its parameters, its hash."""
    from ..evaluation.task import METRICS, TASKS

    metric = METRICS.get(metric_id)
    rows = {
        "metric": f"{metric.id}, version {metric.version}, of {metric.task}",
        "is": metric.definition,
        "unit": metric.unit or "none",
        "better": "higher" if metric.higher_is_better else "lower",
        "parameters": ", ".join(f"{name} = {value}" for name, value in metric.parameters.items()) or "none",
        "over pairs": TASKS.get(metric.task).aggregation(metric),
        "sha256": metric.sha256(),
    }
    for name, words in rows.items():
        typer.echo(f"{name:<11} {words}")


@metrics.command("sensitivity")
def sensitivity(
    records: Annotated[list[Path], typer.Argument(help="Records of one data set, with their predictions beside them.")],
    data: Annotated[Path | None, typer.Option(help="The data set they were scored on. Default: their suite.")] = None,
) -> None:
    """Score the same predictions under the variants of each definition that are in use; prints Markdown."""
    use_threads()
    from ..assets.paths import cache_folder
    from ..errors import UserError
    from ..evaluation.matching.pairs import DatasetPairs
    from ..evaluation.matching.predictions import read_predictions
    from ..evaluation.matching.sensitivity import sensitivity as run
    from ..evaluation.matching.sensitivity import table
    from ..evaluation.record import find_records
    from ..evaluation.suite import STRIDE, SUITES, Opening
    from ..evaluation.task import TASKS
    from .common import default_workers
    from .progress import progress_bar

    stored = find_records(records)
    suites = sorted({(each.record.task, each.record.data.suite) for each in stored})
    if len(suites) > 1 or not TASKS.get(suites[0][0]).of_pairs:
        raise UserError(f"the records are of {', '.join(name for _, name in suites)}: give matching records of one suite")
    stride = stored[0].record.protocol.query_stride or STRIDE
    if data is None:
        opening = Opening(cache_folder(), default_workers())
        source = SUITES.get(suites[0][1].split(" ")[0]).open(opening)
    else:
        source = DatasetPairs(data, suites[0][1], stride)
    rows = []
    with progress_bar("sensitivity", len(stored), "records") as advance:
        for each in stored:
            predictions = read_predictions(each.beside("predictions"))
            if predictions.content_sha256 != source.identity.content_sha256:
                raise UserError(f"{each.path} was scored on another data set: give it with --data")
            rows.append((each.record.model, run(predictions, source)))
            advance(1, each.record.model)
    typer.echo(table(rows))


TEMPLATE = '''"""{title}: a model for `pixbench evaluate --model {name}:build`."""

import torch
from torch import nn


class {title}(nn.Module):
    """Images (B, 3, H, W) in [0, 1] to descriptors (B, D, h, w); coarser ones are enlarged to the image's size."""

    p = "cosine"  # how descriptors are compared: 1, 2, float("inf") or "cosine"

    def __init__(self):
        super().__init__()
        # Replace this: differences of blurred greys at six scales stand for your network.
        self.sizes = (3, 5, 9, 17, 33, 65)

    def forward(self, images):
        grey = images.mean(dim=1, keepdim=True)
        blurred = [grey, *(nn.functional.avg_pool2d(grey, k, 1, k // 2, count_include_pad=False) for k in self.sizes)]
        return torch.cat([a - b for a, b in zip(blurred[:-1], blurred[1:])], dim=1)


def build():
    """Load your weights here."""
    return {title}()
'''

TEST = '''"""Run with pytest: the model gives what PixBench expects, and finds a point again in a picture that only moved."""

import torch
from {name} import build


def test_a_descriptor_for_every_cell():
    with torch.inference_mode():
        descriptors = build().eval()(torch.rand(2, 3, 64, 96))
    assert descriptors.ndim == 4 and len(descriptors) == 2
    assert torch.isfinite(descriptors).all()


def test_a_shift_is_found():
    big = torch.nn.functional.avg_pool2d(torch.rand(1, 3, 90, 90, generator=torch.Generator().manual_seed(0)), 3, 1, 1)
    a, b = big[..., 4:84, 4:84], big[..., 0:80, 2:82]  # b's pixel (x + 2, y + 4) is a's (x, y)
    with torch.inference_mode():
        f_a, f_b = (nn_input[0] for nn_input in (build().eval()(a), build().eval()(b)))
    scale = 80 // f_b.shape[-1]
    query = f_a[:, 40 // scale, 40 // scale]
    similarity = torch.nn.functional.cosine_similarity(f_b.flatten(1), query[:, None], dim=0)
    row, column = divmod(int(similarity.argmax()), f_b.shape[-1])
    assert abs(row * scale - 44) <= scale and abs(column * scale - 42) <= scale
'''


@model.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Name of the model, a Python name such as my_model.")],
    folder: Annotated[Path, typer.Option(help="Folder to write it to.")] = Path(),
) -> None:
    """Write NAME.py, a working model to change, and test_NAME.py, its test."""
    from ..errors import UserError
    from ..io.files import write_whole

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UserError(f"model name {name}: expected a Python name in lower case, such as my_model")
    files = {folder / f"{name}.py": TEMPLATE, folder / f"test_{name}.py": TEST}
    for path in files:
        if path.exists():
            raise UserError(f"{path} is there already: choose another name, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        write_whole(path, text.replace("{name}", name).replace("{title}", name.title().replace("_", "")))
    typer.echo(f"{', '.join(map(str, files))}: written; try it:")
    typer.echo(f"  pixbench evaluate --model {name}:build")


def leak_check(
    train: Annotated[Path, typer.Argument(help="Folder of the data set that a model was trained on.")],
    test: Annotated[Path | None, typer.Argument(help="Folder of the test set. Default: the suite.")] = None,
    suite: Annotated[str, typer.Option(help="Test set to use without TEST.")] = "mini",
) -> None:
    """Check by content hash that no room, object or picture of a test set is in a training set; exit code 1 where one is."""
    from ..assets.paths import cache_folder
    from ..dataset.leakage import assets, shared
    from ..dataset.reader import Dataset
    from ..errors import UserError, VerificationError
    from ..evaluation.suite import SUITES, GeneratedSuite
    from .common import default_workers
    from .progress import progress_bar

    if test is None:
        wanted = SUITES.get(suite)
        if not isinstance(wanted, GeneratedSuite) or wanted.own:
            raise UserError(f"suite {suite} has no data set of its own to compare: give the folder of one as TEST")
        with progress_bar(f"suite {suite}", wanted.work, "scenes") as advance:
            test = wanted.ensure(cache_folder(), workers=default_workers(), progress=advance)
    first, second = Dataset(train), Dataset(test)
    leaks = shared(first, second)
    counts = ", ".join(f"{len(assets(each))} assets in {each.folder.name}" for each in (first, second))
    if not leaks:
        typer.echo(f"no leak: {counts}, none in both")
        return
    for leak in leaks[:20]:
        typer.echo(f"{leak.kind} {leak.id} ({leak.sha256[:12]}): in {leak.scenes} scenes of {test.name}")
    if len(leaks) > 20:
        typer.echo(f"and {len(leaks) - 20} more")
    raise VerificationError(
        f"LEAK: {len(leaks)} assets of {test.name} are in {train.name} too ({counts}): scores on it do not measure what was not seen"
    )
