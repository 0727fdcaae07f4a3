"""Runs the cells of an experiment's grid that have no record yet, on this machine or on a Dask cluster."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..generation.cluster import connected, on_cluster
from ..io.documents import read_json
from ..io.files import write_whole
from ..io.lock import holds_nothing, locked
from ..io.processes import in_processes
from ..io.text import printable
from ..io.untrusted import REASON, parsing, read_text
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

    `progress` gets the number of cells done since its last call, those found included, in fractions but on a cluster. A finished cell is
    never run again; one that was stopped resumes. Raises UserError for a folder of another preset, or that is not a sweep, and for two
    cells of one name.
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
        _on_cluster(cluster, experiment, missing, place, progress)
        return len(missing)
    work = [(experiment, cell, place) for cell in missing]
    if workers > 1:
        for _ in in_processes(_run, work, workers, progress):
            pass
    else:
        for item in work:
            _run(item, progress)
    return len(missing)


def record_path(folder: Path, cell: Cell) -> Path:
    """Where the record of a cell is, once it is finished."""
    return folder / "cells" / f"{cell.name}.json"


def read_cells(experiment: str, folder: Path) -> list[Record]:
    """All records of a sweep. Raises UserError if there are none, or a file is not a record."""
    again = f"'pixbench sweep {experiment} --out {folder}'"
    module, found = experiment_named(experiment), []
    for path in sorted((folder / "cells").glob("*.json")):
        cell = read_json(path, f"remove it and run {again} again")
        if not isinstance(cell, dict) or cell.get("format") != cell_format(experiment):
            raise UserError(f"{path} is not a record of {experiment}: remove it")
        with parsing(path, f"remove it and run {again} again"):
            # Making the table of the cell checks that all its values are there.
            module.table(module.summary([cell]))
        found.append(cell)
    if not found:
        raise UserError(f"{folder} holds no finished cells of {experiment}: make some with {again}")
    return found


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


def _run(item: Work, advance: Advance) -> None:
    """Runs in a worker."""
    experiment, cell, folder = item
    path, progress = record_path(folder, cell), _CellProgress(advance)
    # On a cluster, another worker may have written it and been lost before it reported that.
    if not path.is_file():
        record = experiment_named(experiment).run(cell, folder, progress)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(record) + "\n")
    progress.finish()


def _run_on_cluster(work: Work) -> None:
    folder = work[-1]
    if not (folder / MARK).is_file():
        raise UserError(f"a worker does not see {folder}: --out must lie on a file system that all workers share, under the same path")
    _run(work, silent)


def _on_cluster(cluster: str, experiment: str, cells: Sequence[Cell], folder: Path, progress: Advance) -> None:
    with connected(cluster, "gzip") as client:
        for _ in on_cluster(client, _run_on_cluster, (((experiment, cell, folder),) for cell in cells), "cell"):
            progress(1)


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
