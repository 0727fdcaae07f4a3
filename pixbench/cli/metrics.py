"""`pixbench metrics`."""

from pathlib import Path
from typing import Annotated

import typer

from ..io.threads import use_threads

metrics = typer.Typer(help="Definitions of metrics, and how scores depend on the protocol.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(metrics, name="metrics")


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
    """Explain a metric: definition, parameters and hash. A name without its last part, such as pck or pose_auc, stands for all
    thresholds and variants.
    """
    from ..evaluation.task import METRICS

    family = [name for name in METRICS.names() if name.startswith((f"{metric_id}@", f"{metric_id}/"))]
    for number, name in enumerate(family if family and metric_id not in METRICS.names() else [metric_id]):
        typer.echo("\n" * bool(number), nl=False)
        _explain(name)


def _explain(metric_id: str) -> None:
    from ..evaluation.task import METRICS, TASKS

    metric = METRICS.get(metric_id)
    rows = {
        "metric": f"{metric.id}, version {metric.version}, of {metric.task}",
        "is": metric.definition,
        "unit": metric.unit or "none",
        "better": "higher" if metric.higher_is_better else "lower",
        "parameters": ", ".join(f"{name} = {value}" for name, value in metric.parameters.items()) or "none",
        "value": TASKS.get(metric.task).aggregation(metric),
        "sha256": metric.sha256(),
    }
    for name, words in rows.items():
        typer.echo(f"{name:<11} {words}")


@metrics.command("sensitivity")
def sensitivity(
    records: Annotated[list[Path], typer.Argument(help="Records of one data set, with their predictions beside them.")],
    data: Annotated[Path | None, typer.Option(help="The data set that they were scored on. Default: their suite.")] = None,
) -> None:
    """Score the same predictions under common variants of each definition; prints Markdown."""
    use_threads()
    from ..assets.paths import cache_folder
    from ..errors import UserError
    from ..evaluation.matching.predictions import read_predictions
    from ..evaluation.matching.sensitivity import sensitivity as run
    from ..evaluation.matching.sensitivity import sensitivity_table
    from ..evaluation.matching.task import recorded_pairs
    from ..evaluation.record import find_records
    from ..evaluation.request import DataAccess
    from ..evaluation.suite import Opening, find_suite
    from ..evaluation.task import TASKS
    from .common import default_workers
    from .progress import progress_bar

    stored = find_records(records)
    suites = sorted({(each.record.task, each.record.data.suite) for each in stored})
    if not suites:
        raise UserError(f"no records in {', '.join(map(str, records))}: give those that 'pixbench evaluate' wrote")
    if len(suites) > 1 or not TASKS.get(suites[0][0]).of_pairs:
        raise UserError(f"the records are of {', '.join(name for _, name in suites)}: give matching records of one suite")
    access, rows = DataAccess(Opening(cache_folder(), default_workers()), data), []
    name, version = stored[0].record.suite
    if data is not None and version is not None:
        # A copy of the suite's data, which then need not be made.
        access.opened[(suites[0][1],)] = find_suite(name, version).pairs_of(data)
    with progress_bar("sensitivity", len(stored), "records") as advance:
        for each in stored:
            predictions, source = read_predictions(each.beside("predictions")), recorded_pairs(each.record, access)
            if predictions.content_sha256 != source.identity.content_sha256:
                raise UserError(f"{each.path} was scored on another data set: give it with --data")
            rows.append((each.record.model, run(predictions, source, each.record.protocol.mutual_px or 0.0)))
            advance(1, each.record.model)
    typer.echo(sensitivity_table(rows))
