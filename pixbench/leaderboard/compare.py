"""Comparison of two rows by a paired test, in one sentence."""

from collections.abc import Mapping, Sequence

from ..errors import UserError, unknown_name
from ..evaluation.record import StoredRecord
from ..evaluation.task import METRICS, TASKS
from .entries import Entry, entries
from .statistics import FEWEST_UNITS, SIGNIFICANT, paired_p


def compare(
    stored: Sequence[StoredRecord], suite: str, names: tuple[str, str], metric: str | None = None, other_suite: str | None = None
) -> str:
    """Compare the rows `names` of a suite, such as 'mini v2', by a metric; by default the task's primary one. The second row may be of
    another suite with the same scenes, such as 'mini-light v1'. A suite without a version is the latest one; what a row's name says in
    brackets may be left out.

    Raises UserError for suites, rows or values that do not exist, for suites of different scenes, and if values cannot be assigned to
    scenes or images.
    """
    one, other = (_row(stored, *row) for row in zip((suite, other_suite or suite), names, strict=True))
    task = TASKS.get(one.first.task)
    return statement(one, other, task.primary if metric is None else METRICS.get(metric).id)


def _row(stored: Sequence[StoredRecord], suite: str, name: str) -> Entry:
    whole = _latest({each.record.data.suite: each.record.suite for each in stored}, suite)
    rows = entries([each for each in stored if each.record.data.suite == whole])
    found = [entry for entry in rows if entry.name == name] or [entry for entry in rows if entry.name.split(" (")[0] == name]
    if len(found) > 1:
        files = ", ".join(str(each.path) for entry in found for each in entry.stored)
        raise UserError(f"{name} names {len(found)} rows of {whole}, of {files}: rename or remove all but one")
    if not found:
        raise unknown_name(f"row of {whole}", name, [entry.name for entry in rows])
    return found[0]


def _latest(known: Mapping[str, tuple[str, int | None]], suite: str) -> str:
    """The suite of this name, else its latest version."""
    if suite in known:
        return suite
    versions = {version: whole for whole, (name, version) in known.items() if name == suite and version is not None}
    if not versions:
        raise unknown_name("suite", suite, known)
    return versions[max(versions)]


def _check_comparable(one: Entry, other: Entry, metric: str) -> None:
    """Raises UserError for rows that never share a table: of one suite with different data or queries, or of different definitions."""
    a, b = one.first, other.first
    differences = {
        "queries": (a.protocol.queries, b.protocol.queries),
        "what is scored": (a.protocol.scored, b.protocol.scored),
        f"definition of {metric}": tuple(each.metrics[metric].sha256[:12] if metric in each.metrics else "" for each in (a, b)),
    }
    if a.data.suite == b.data.suite:
        differences["data"] = (a.data.recipe_sha256[:12], b.data.recipe_sha256[:12])
    for name, (mine, theirs) in differences.items():
        if mine != theirs and mine and theirs:
            raise UserError(f"{one.name} and {other.name} differ in {name}, {mine} and {theirs}: evaluate one of them again")


def statement(one: Entry, other: Entry, metric: str) -> str:
    """A sentence: both means, which row is ahead if any, and the p value of the paired test. Raises UserError if too few units have
    values of both rows, and for suites with different scenes.
    """
    suites = {entry.first.data.suite for entry in (one, other)}
    if len({entry.first.data.scenes for entry in (one, other)}) > 1:
        sizes = " and ".join(f"{entry.first.data.suite} has {entry.first.data.scenes} scenes" for entry in (one, other))
        raise UserError(f"{sizes}: rows are compared scene by scene, so both suites must have the same ones")
    if len({(entry.first.data.seed, entry.first.data.split) for entry in (one, other)}) > 1:
        drawn = " and ".join(f"{data.suite} has split '{data.split}', seed {data.seed}" for data in (one.first.data, other.first.data))
        raise UserError(f"{drawn}: rows are compared scene by scene, so both suites must have the same ones")
    _check_comparable(one, other, metric)
    a, b, samples = one.mean(metric), other.mean(metric), (one.samples(metric), other.samples(metric))
    p = paired_p(samples[0], samples[1]) if samples[0] and samples[1] else None
    if a is None or b is None or p is None:
        no_mean = a is not None and b is not None and None in samples
        why = (
            "it is not a mean over scenes or images"
            if no_mean
            else f"too few scenes or images have values of both; {FEWEST_UNITS} are needed"
        )
        raise UserError(f"{one.name} and {other.name} cannot be compared by {metric}: {why}")
    known, units = METRICS.get(metric), TASKS.get(one.first.task).units
    place, described = (f"{suites.pop()}, ", "{0}") if len(suites) == 1 else ("", "{0} on {1}")
    first, second = (
        f"{described.format(entry.name, entry.first.data.suite)} ({mean:.{known.digits}f})" for entry, mean in ((one, a), (other, b))
    )
    ahead = a > b if known.higher_is_better else a < b
    order = "cannot be told from" if p >= SIGNIFICANT else "is ahead of" if ahead else "is behind"
    p_value = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return f"{place}{metric}: {first} {order} {second}, {p_value} over {units}"
