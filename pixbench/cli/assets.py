"""`pixbench assets`: lists, fetches and checks asset packs."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..assets.check import CheckedModel, CheckReport

SPLITS = ("train", "val", "test")

assets = typer.Typer(help="Packs of objects and rooms, and the user's own copies of them.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(assets, name="assets")


@assets.command("list")
def list_packs() -> None:
    """List every pack of the data manifest: name, role, where it is on this machine, licence."""
    from ..assets.manifest import packs

    rows = [("name", "role", "licence", "place"), *((pack.name, pack.role, pack.licence, pack.place) for pack in packs())]
    _print_aligned(rows)


@assets.command("fetch")
def fetch_packs(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of packs: see 'pixbench assets list'.")],
    force: Annotated[bool, typer.Option("--force", help="Fetch packs again that are there already, as they may be damaged.")] = False,
) -> None:
    """Fetch packs with the clients of this machine, check their sha256, and unpack them."""
    from ..assets.fetch import fetch
    from ..assets.manifest import pack_named

    for pack in [pack_named(name) for name in names]:
        typer.echo(f"{pack.name}: {pack.title}\n  licence {pack.licence}\n  cite {pack.citation}")
        new = fetch(pack, again=force)
        typer.echo(f"  {'fetched to' if new else 'is there already (--force fetches it again):'} {pack.place}")


@assets.command("check")
def check_source(
    spec: Annotated[
        str,
        typer.Argument(metavar="KIND[:PATH]", help="A kind of source and where its files are. Without a path: the pack that was fetched."),
    ],
    list_all: Annotated[bool, typer.Option("--list", help="Print every file: what it is, or why it cannot be used.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with every file instead of tables.")] = False,
) -> None:
    """Read every object and room of a source once; report which can be used, and what is wrong with the others.

    Exits with 1 if nothing can be used.
    """
    from ..assets.check import check_models, open_sources
    from ..errors import UserError, VerificationError
    from .progress import progress_bar

    finite = [(kind, source) for kind, source in open_sources(spec) if hasattr(source, "entries")]
    if not finite:
        raise UserError(f"{spec} makes its models from seeds: there is nothing to check")
    reports = []
    for kind, source in finite:
        with progress_bar(f"read {kind}", len(source.entries), "models") as advance:
            reports.append((kind, check_models(source, progress=advance)))
        if not as_json:
            _print_report(f"{spec}, {kind}", reports[-1][1], list_all)
    if as_json:
        typer.echo(json.dumps({"source": spec, "kinds": [_plain(kind, found) for kind, found in reports]}, ensure_ascii=False))
    if not any(found.usable for _, found in reports):
        raise VerificationError(f"{spec}: nothing can be used")


def _plain(kind: str, found: "CheckReport") -> dict[str, Any]:
    """A report as plain values."""
    counts = {
        "usable": found.usable.total(),
        "unusable": found.unusable.total(),
        "not_listed": dict(found.listing),
        "skipped": found.skipped,
    }
    return {"kind": kind, **counts, "models": [asdict(model) for model in found.models]}


def _print_report(title: str, found: "CheckReport", list_all: bool) -> None:
    typer.echo(f"{title}: {found.usable.total()} can be used, {found.unusable.total()} cannot")
    categories = sorted({category for category, _ in found.usable})
    counts = [[found.usable[category, split] for split in SPLITS] for category in categories]
    rows = [[category or "(rooms)", *map(str, row), str(sum(row))] for category, row in zip(categories, counts, strict=True)]
    total = [str(sum(column)) for column in zip(*counts, strict=True)] or ["0"] * len(SPLITS)
    _print_aligned([["category", *SPLITS, "all"], *rows, ["all", *total, str(found.usable.total())]])
    _print_defects("not listed", found.listing, {})
    details = {model.id: model.detail for model in found.models if model.detail}
    examples = {kind: " ".join(filter(None, (name, details.get(name)))) for kind, name in found.example.items()}
    _print_defects("cannot be used", found.unusable, examples)
    _print_defects("mended", found.mended, found.example)
    if list_all:
        typer.echo("all files")
        skipped = [(path, f"not listed: {reason}") for path, reason in found.skipped.items()]
        _print_aligned([*((model.id, _in_words(model)) for model in found.models), *skipped])


def _in_words(model: "CheckedModel") -> str:
    """One line about a model: why it cannot be used, or what it is and what was mended."""
    if model.reason:
        return f"cannot be used: {model.reason}" + (f" ({model.detail})" if model.detail else "")
    size = " x ".join(f"{side:.4g}" for side in model.size_m)
    shown = f"{model.textures} textures" + (", colours" if model.has_colors else "")
    mended = "; ".join(f"{kind} {count}" for kind, count in model.mended.items())
    return f"{model.faces} triangles, {size} m, {shown}" + (f"; mended: {mended}" if mended else "")


def _print_defects(title: str, kinds: Counter[str], example: dict[str, str]) -> None:
    if kinds:
        typer.echo(f"{title}: {kinds.total()}" if title != "mended" else "mended, models by kind")
        _print_aligned([[str(count), kind, example.get(kind, "")] for kind, count in kinds.most_common()])


def _print_aligned(rows: Sequence[Sequence[str]]) -> None:
    """Print rows as aligned columns, indented by two spaces."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        typer.echo("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
