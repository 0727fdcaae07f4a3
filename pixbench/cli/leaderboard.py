"""`pixbench leaderboard`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..io.threads import use_threads
from .options import TrustCode

if TYPE_CHECKING:
    from ..evaluation.record import StoredRecord
    from ..evaluation.request import DataAccess
    from ..leaderboard.verify import Found

leaderboard = typer.Typer(help="Tables from records, and rows that can be checked.", no_args_is_help=True, rich_markup_mode=None)

Records = Annotated[list[Path] | None, typer.Argument(help="Records, or folders of them. Default: results.")]
Results = Annotated[Path, typer.Option(help="Folder of the leaderboard's records.")]
Data = Annotated[Path | None, typer.Option(help="The data set of records that belong to no suite.")]
Objects = Annotated[str | None, typer.Option(help="For suites made from your own copies: shapenet:PATH.")]
Rooms = Annotated[str | None, typer.Option(help="For suites made from your own copies: scenenn:PATH.")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(leaderboard, name="leaderboard")


@leaderboard.command("show")
def show(paths: Records = None, markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False) -> None:
    """Print tables of records: one table per data set and protocol, one row per method."""
    from ..leaderboard.render import markdown as as_markdown
    from ..leaderboard.tables import build_tables
    from ..leaderboard.terminal import print_tables

    tables = build_tables(_records(paths))
    if markdown:
        typer.echo("\n".join(map(as_markdown, tables)))
    else:
        print_tables(tables)


@leaderboard.command("build")
def build(
    paths: Records = None,
    out: Annotated[
        Path, typer.Option(help="Folder to write Markdown, CSV, LaTeX and HTML into, and a plot where there is a trade-off.")
    ] = Path("results/leaderboard"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if OUT differs from what the records give.")] = False,
) -> None:
    """Make the leaderboard with ranks, intervals and tests: the same records give the same bytes."""
    from ..errors import VerificationError
    from ..leaderboard.render import differing, write
    from ..leaderboard.tables import build_tables

    tables = build_tables(_records(paths), statistics=True)
    rows = sum(len(table.rows) for table in tables)
    if check:
        wrong = differing(tables, out)
        if wrong:
            raise VerificationError(f"{out}: {', '.join(wrong)} differ from the records: run 'pixbench leaderboard build'")
        typer.echo(f"{out}: {len(tables)} tables, {rows} rows, as the records give them")
        return
    files = write(tables, out)
    typer.echo(f"{out}: {len(tables)} tables, {rows} rows in {', '.join(files)}")


@leaderboard.command("verify")
def verify(
    row: Annotated[str | None, typer.Argument(help="A model's name, or a record. Default: all rows.")] = None,
    results: Results = Path("results"),
    rerun: Annotated[str | None, typer.Option(metavar="MODEL", help="Run this model again, as --model of evaluate names it.")] = None,
    data: Data = None,
    objects: Objects = None,
    rooms: Rooms = None,
    device: Annotated[str, typer.Option(help="Device of --rerun: cpu or cuda.")] = "cpu",
    workers: Annotated[int | None, typer.Option(min=1, help="Rows that are scored in parallel. Default: one per core.")] = None,
    trust_code: TrustCode = False,
) -> None:
    """Score rows again from their stored predictions, or run one again, and show both numbers side by side."""
    use_threads()
    from ..errors import UserError, VerificationError
    from ..evaluation.reproduction import REPORTED
    from ..leaderboard.terminal import print_comparisons
    from ..leaderboard.verify import find_rows
    from .common import default_workers

    stored = _records([results] if row is None or not Path(row).is_file() else [Path(row)])
    found = find_rows(stored, None if row is None or Path(row).is_file() else row)
    if rerun is not None and row is None:
        raise UserError("--rerun needs the ROW that the model belongs to")
    if rerun is not None and len(found) > 1:
        raise UserError(f"--rerun: {row} names {len(found)} rows: give the record's file")
    access = _access(data, objects, rooms, workers or default_workers())
    checked = [_run_again(found[0], rerun, access, device, trust_code)] if rerun else _rescored(found, access, access.opening.workers)
    failed = unknown = 0
    for each, comparisons in checked:
        if isinstance(comparisons, UserError):
            if len(checked) == 1:
                raise comparisons
            unknown += 1
            typer.echo(f"{each.path}: not compared: {comparisons}")
            continue
        decided = [comparison for comparison in comparisons if comparison.decided]
        wrong = [comparison for comparison in decided if not comparison.same]
        failed += bool(wrong)
        if row is not None or wrong:
            print_comparisons(each, wrong or [comparison for comparison in comparisons if comparison.name in each.record.metrics])
        left = [comparison.name for comparison in comparisons if not comparison.decided]
        typer.echo(
            f"{each.path}: {len(decided) - len(wrong)} of {len(decided)} numbers reproduced"
            + (f"; {len(left)} more need --rerun or the training set, such as {left[0]}" if left else "")
        )
    typer.echo(f"reported, not derived from predictions: {', '.join(REPORTED)}")
    found_out = [f"{failed} of {len(checked)} rows do not reproduce the reported numbers"] * bool(failed)
    found_out += [f"{unknown} of {len(checked)} rows could not be compared"] * bool(unknown)
    if found_out:
        raise VerificationError("; ".join(found_out))


@leaderboard.command("rescore")
def rescore(
    row: Annotated[str | None, typer.Argument(help="A model's name, or a record. Default: all rows of pairs.")] = None,
    results: Results = Path("results"),
    data: Data = None,
    objects: Objects = None,
    rooms: Rooms = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that make a suite. Default: one per core.")] = None,
) -> None:
    """Score stored predictions again with the metrics of this version, and replace the records."""
    use_threads()
    from ..evaluation.task import TASKS
    from ..leaderboard.verify import find_rows
    from .common import default_workers
    from .progress import progress_bar

    whole = row is not None and Path(row).is_file()
    found = find_rows(_records([Path(row)] if row and whole else [results]), None if whole else row)
    found = [each for each in found if row is not None or TASKS.get(each.record.task).of_pairs]
    access = _access(data, objects, rooms, workers or default_workers())
    with progress_bar("rescore", sum(max(each.record.data.pairs, 1) for each in found), "pairs") as advance:
        for each in found:
            TASKS.get(each.record.task).renew(each, access, advance)
    typer.echo(f"{len(found)} records rewritten; make the tables with 'pixbench leaderboard build'")


@leaderboard.command("compare")
def compare(
    row: Annotated[str, typer.Argument(help="A row's name.")],
    other: Annotated[str, typer.Argument(help="Name of another row.")],
    suite: Annotated[str, typer.Option(help="The suite; 'mini v1' for a certain version.")] = "mini",
    other_suite: Annotated[str | None, typer.Option(help="Suite of the other row, such as mini-light. Default: the same.")] = None,
    metric: Annotated[str | None, typer.Option(help="See 'pixbench metrics list'. Default: the one that rows are ranked by.")] = None,
    results: Results = Path("results"),
) -> None:
    """Say in one sentence which of two rows is ahead, if a paired test can tell them apart."""
    from ..leaderboard.compare import compare as compared

    typer.echo(compared(_records([results]), suite, (row, other), metric, other_suite))


@leaderboard.command("submit")
def submit(
    record: Annotated[Path, typer.Argument(help="The record of a new row.")],
    results: Results = Path("results"),
    objects: Objects = None,
    rooms: Rooms = None,
) -> None:
    """Check that a record has what a pull request needs. Nothing is sent."""
    from ..errors import UserError, VerificationError
    from ..evaluation.record import StoredRecord, find_records, read_record
    from ..evaluation.suite import find_suite
    from ..leaderboard.submit import check
    from .common import default_workers

    stored = StoredRecord(record, read_record(record))
    if stored.record.suite[1] is None:
        raise UserError(f"{record} was scored on data of your own: rows are of suites; evaluate with --suite (see 'pixbench list suites')")
    others = find_records([results]) if results.exists() else []
    ((_, rescored),) = _rescored([stored], _access(None, objects, rooms, default_workers()), 1)
    checks = check(stored, others, rescored)
    for each in checks:
        typer.echo(f"{'needs' if each.missing else 'ok   '} {each.what}{': ' + each.missing if each.missing else ''}")
    missing = sum(bool(each.missing) for each in checks)
    if missing:
        raise VerificationError(f"{record}: {missing} of {len(checks)} things are missing")
    name, version = stored.record.suite
    folder = results / (find_suite(name, version).key if version is not None else name)
    typer.echo(
        f"{record} is complete: copy it and the files beside it to {folder}, run 'pixbench leaderboard build', commit all, and open a pull "
        "request as CONTRIBUTING.md says"
    )


@leaderboard.command("schema")
def schema() -> None:
    """Print the JSON Schema of records."""
    from ..evaluation.record import schema_json

    typer.echo(schema_json(), nl=False)


def _records(paths: Sequence[Path] | None) -> "list[StoredRecord]":
    from ..errors import UserError
    from ..evaluation.record import find_records

    folders = paths or [Path("results")]
    records = find_records(folders)
    if not records:
        raise UserError(f"no records in {', '.join(map(str, folders))}: make one with 'pixbench evaluate --model baseline:rgb-patch'")
    return records


def _rescored(found: "Sequence[StoredRecord]", access: "DataAccess", workers: int) -> "list[tuple[StoredRecord, Found]]":
    """Rows and the comparison of their numbers with those recomputed from predictions."""
    from ..leaderboard.verify import rescore_all
    from .progress import progress_bar

    with progress_bar("verify", sum(max(each.record.data.pairs, 1) for each in found), "pairs") as advance:
        return list(zip(found, rescore_all(found, access, workers, advance), strict=True))


def _run_again(each: "StoredRecord", model: str, access: "DataAccess", device: str, trust_code: bool) -> "tuple[StoredRecord, Found]":
    """A row, and the comparison of its numbers with a new run of the model."""
    from ..evaluation.matching.nearest import NORMS
    from ..evaluation.model import norm_name, parse_norm
    from ..leaderboard.verify import rerun
    from ..models.loading import load_model
    from .progress import progress_bar

    norm = str(each.record.model_info.get("p"))
    known = norm in {norm_name(one) for one in NORMS}
    loaded = load_model(model, p=parse_norm(norm) if known else None, device=device, trust_code=trust_code)
    return each, rerun(each, loaded, access, progress_bar)


def _access(data: Path | None, objects: str | None, rooms: str | None, workers: int) -> "DataAccess":
    from ..assets.paths import cache_folder
    from ..evaluation.request import DataAccess
    from ..evaluation.suite import Opening
    from .common import given

    sources: dict[str, Any] = {name: (value,) for name, value in given(objects=objects, rooms=rooms).items()}
    return DataAccess(Opening(cache_folder(), workers, sources), data)
