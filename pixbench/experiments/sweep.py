"""Runs the cells of an experiment's grid that have no record yet, on this machine or on a Dask cluster."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..errors import UserError
from ..generation.cluster import connected, on_cluster
from ..io.documents import read_json
from ..io.files import write_whole
from ..io.lock import holds_nothing, locked
from ..io.processes import in_processes
from ..io.text import printable
from ..io.untrusted import REASON, parsing, read_text
from ..training.step import DivergedError
from . import Advance, Cell, Record, cell_format, experiment_named, silent

MARK = "sweep.json"


Work = tuple[str, Cell, Path]
"""An experiment's name, a cell of it, and the sweep's folder."""


def sweep(
    experiment: str,
    cells: Sequence[Cell],
    folder: Path,
    *,
    workers: int = 1,
    cluster: str | None = None,
    progress: Advance = silent,
) -> int:
    """Run what is missing of `cells`; each record is written to `folder`/cells when its cell is finished. Returns the number of cells
    that were run.

    `progress` is called with the number of cells finished since its last call. The first call counts the cells that were found finished.
    Within a cell it gets fractions, except on a cluster. A finished cell is never run again; one that was stopped resumes. Raises UserError
    for a folder of another preset, or that is not a sweep, and for two cells of one name; and at the end for cells whose training diverged,
    which get no record.
    """
    twice = [name for name, count in Counter(cell.name for cell in cells).items() if count > 1]
    if twice:
        raise UserError(f"two cells have the name {twice[0]}: expected each cell once")
    _check_folder(folder, experiment, cells[0])
    with locked(folder):
        return _sweep(experiment, cells, folder, workers, cluster, progress)


def _sweep(experiment: str, cells: Sequence[Cell], folder: Path, workers: int, cluster: str | None, progress: Advance) -> int:
    mark, said = folder / MARK, _check_folder(folder, experiment, cells[0])
    if not mark.is_file():
        write_whole(mark, said)
    missing = [cell for cell in cells if not record_path(folder, cell).is_file()]
    progress(len(cells) - len(missing))
    if not missing:
        return 0
    place = folder.resolve()
    experiment_named(experiment).prepare(cells[0].preset, place, workers)
    if cluster is not None:
        _raise_failures(_on_cluster(cluster, experiment, missing, place, progress))
        return len(missing)
    work = [(experiment, cell, place) for cell in missing]
    if min(workers, len(work)) > 1:
        _raise_failures(in_processes(_run, work, workers, progress))
    else:
        _raise_failures(_run(item, progress) for item in work)
    return len(missing)


def _raise_failures(outcomes: Iterable[str | None]) -> None:
    """Go through the outcomes, which runs the cells; then raise UserError if any failed. An outcome says why a cell failed, or is None."""
    failed = [reason for reason in outcomes if reason is not None]
    if failed:
        raise UserError(f"{len(failed)} of the cells failed, all others are finished: {'; '.join(failed)}")


def record_path(folder: Path, cell: Cell) -> Path:
    """Where the record of a cell is, once it is finished."""
    return folder / "cells" / f"{cell.name}.json"


def read_cells(experiment: str, folder: Path, preset: str | None = None) -> list[Record]:
    """All records of a sweep. Raises UserError if there are none, if a file is not a record, and for records of different sweeps.

    `preset` is that of the command that the error names, where the folder is not a sweep.
    """
    again = command_of(experiment, folder)
    module, found = experiment_named(experiment), []
    for path in sorted((folder / "cells").glob("*.json")):
        cell = read_json(path, f"remove it and run {again} again")
        if not isinstance(cell, dict) or cell.get("format") != cell_format(experiment):
            raise UserError(f"{path} is not a record of {experiment}: remove it")
        with parsing(path, f"remove it and run {again} again"):
            # Making the table of the cell checks that all its values are there.
            module.table(module.summary([cell]))
        found.append(cell)
        for name, default in (("preset", None), ("objective", "paper")):
            mine, first = (str(each.get(name, default)) for each in (cell, found[0]))
            if mine != first:
                raise UserError(
                    f"{path} has {name} {printable(mine)[:REASON]}, the records before it have {printable(first)[:REASON]}: "
                    "keep the records of different sweeps in different folders"
                )
    if not found:
        raise UserError(f"{folder} holds no finished cells of {experiment}: make some with {command_of(experiment, folder, preset)}")
    return found


def command_of(experiment: str, folder: Path, preset: str | None = None) -> str:
    """The command that continues the sweep of a folder, in quotes; that of `preset` if the folder is not a sweep."""
    options = {} if preset is None else {"preset": preset}
    if (folder / MARK).is_file():
        stored = read_json(folder / MARK, "it is not the marker of a sweep; remove it")
        options = {name: str(stored[name]) for name in ("preset", "objective") if isinstance(stored, dict) and name in stored}
    chosen = " ".join(f"--{name} {printable(value)[:REASON]}" for name, value in options.items())
    return f"'{' '.join(filter(None, ('pixbench sweep', experiment, chosen, f'--out {folder}')))}'"


class _CellProgress:
    """Passes the progress of one cell on, so that it adds up to one cell when `finish` is called."""

    def __init__(self, advance: Advance):
        self._advance, self._done = advance, 0.0

    def __call__(self, share: float) -> None:
        """Report a share of the cell."""
        self._done += share
        self._advance(share)

    def finish(self) -> None:
        """Report the rest."""
        self._advance(1 - self._done)
        self._done = 1.0


def _run(item: Work, advance: Advance) -> str | None:
    """Runs in a worker. Returns why the cell failed: a training that diverged would do so again, and must not keep others from running."""
    experiment, cell, folder = item
    path, progress = record_path(folder, cell), _CellProgress(advance)
    # On a cluster, another worker may have written it and been lost before it reported that.
    if not path.is_file():
        try:
            record = experiment_named(experiment).run(cell, folder, progress)
        except DivergedError as error:
            progress.finish()
            return f"{cell.name}: {error}"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(record) + "\n")
    progress.finish()
    return None


def _run_on_cluster(work: Work) -> str | None:
    folder = work[-1]
    if not (folder / MARK).is_file():
        raise UserError(f"a worker does not see {folder}: --out must lie on a file system that all workers share, under the same path")
    return _run(work, silent)


def _on_cluster(cluster: str, experiment: str, cells: Sequence[Cell], folder: Path, progress: Advance) -> Iterator[str | None]:
    with connected(cluster, "gzip") as client:
        for outcome in on_cluster(client, _run_on_cluster, (((experiment, cell, folder),) for cell in cells), "cell"):
            progress(1)
            yield outcome


def _check_folder(folder: Path, experiment: str, cell: Cell) -> str:
    """The contents of this sweep's marker file. Raises UserError for a folder of another sweep: records of different presets or
    objectives are not mixed.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: --out must name a folder")
    mark = folder / MARK
    objective = getattr(cell, "objective", "paper")
    other = {} if objective == "paper" else {"objective": objective}
    said = json.dumps({"experiment": experiment, "preset": cell.preset, **other}) + "\n"
    if mark.is_file():
        if (there := read_text(mark)) != said:
            raise UserError(f"{folder} holds another sweep ({printable(there.strip())[:REASON]}): choose another --out")
        return said
    if not holds_nothing(folder):
        raise UserError(f"{folder} is not empty and is not a sweep: choose a new or empty folder for --out")
    return said
