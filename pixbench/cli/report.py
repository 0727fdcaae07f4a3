"""`pixbench report`."""

from pathlib import Path
from typing import Annotated

import typer

from .options import TrustCode


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    target: Annotated[str, typer.Argument(metavar="OUT|EXPERIMENT", help="Folder of the page; or an experiment, whose table is printed.")],
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE...", help="Sources of the page, as for 'pixbench view'. Default: results."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Page: the data set of its models. Experiment: the sweep's folder.")] = None,
    preset: Annotated[str | None, typer.Option(help="Experiment without --data: the preset whose folder is read. Default: cpu.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Experiment: picture to write. Default: figure.png and figure.pdf in the sweep's folder.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Page: largest number of scenes, and of pairs, to include. Default: 8.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Experiment: print one JSON object last, with every seed.")] = False,
    trust_code: TrustCode = False,
) -> None:
    """Write the page of 'pixbench view' as a folder, or the table and figure of a sweep."""
    import json
    from difflib import get_close_matches

    from ..errors import UserError, unknown_name
    from ..experiments import EXPERIMENTS, experiment_named, preset_named
    from ..experiments.sweep import command_of, read_cells
    from ..io.untrusted import parsing

    if target not in EXPERIMENTS or sources:
        near = get_close_matches(target, EXPERIMENTS, 1, cutoff=0.8)
        if target in EXPERIMENTS:
            raise UserError(f"report {target}: an experiment takes no sources; a page needs a folder of another name")
        if near and not sources and not Path(target).exists():
            raise unknown_name("experiment", target, EXPERIMENTS)
        if out is not None or as_json:
            raise UserError(f"report {target}: a page takes neither --out nor --json; experiments are {', '.join(EXPERIMENTS)}")
        if preset is not None:
            raise UserError("--preset: a page has none; leave it out")
        return _write_page(Path(target), sources, data, limit or 8, trust_code)
    if limit is not None:
        raise UserError(f"--limit: {target} is an experiment, all of whose cells are read; leave it out")
    if data is not None and preset is not None:
        raise UserError("--preset: --data names the folder already; leave one out")
    if trust_code:
        raise UserError(f"--trust-code: {target} is an experiment, whose records run no code; leave it out")
    module = experiment_named(target)
    if preset is not None:
        preset_named(target, module.PRESETS, preset)
    folder = data or Path("results") / f"{target}-{preset or 'cpu'}"
    found = read_cells(target, folder, None if data else preset)
    rows = module.summary(found)
    pictures = [out] if out else [folder / "figure.png", folder / "figure.pdf"]
    with parsing(folder / "cells", f"remove the damaged cell and run {command_of(target, folder)} again"):
        for picture in pictures:
            module.draw(found, picture)
    typer.echo(f"{', '.join(map(str, pictures))}\n\n{module.table(rows)}")
    if as_json:
        typer.echo(json.dumps({"experiment": target, "cells": rows}))


def _write_page(out: Path, sources: list[str] | None, data: Path | None, limit: int, trust_code: bool) -> None:
    """Write the page to a folder."""
    from .progress import progress_bar
    from .view import make_site

    site = make_site(sources, data, limit, trust_code=trust_code)
    with progress_bar(f"write {out.name}", len(site.paths()), "files") as advance:
        count = site.write(out, advance)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    typer.echo(f"{out}: {count} files, {size / 1e6:.1f} MB; open {out / 'index.html'}, or put the folder on any static host")
