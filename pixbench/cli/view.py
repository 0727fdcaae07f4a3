"""`pixbench view`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..io.threads import use_threads
from .options import TrustCode

if TYPE_CHECKING:
    from ..page.site import Site

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE...", help="A data set, records, a folder of them, runs, baseline:NAME, a sweep of experiment 1. Default: results."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(view)


def view(
    sources: Sources = None,
    data: Annotated[Path | None, typer.Option(help="Data set that models are shown on. Default: their records', or mini.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 chooses a free one.")] = 8756,
    browser: Annotated[bool, typer.Option(help="Open the page in your browser.")] = True,
    trust_code: TrustCode = False,
) -> None:
    """Serve a page with scenes, matches, channels and tables to this machine alone, until Ctrl-C."""
    import webbrowser

    from ..page.serve import serve

    site = make_site(sources, data, trust_code=trust_code)

    def say(address: str) -> None:
        typer.echo(f"{address} (Ctrl-C ends it)")
        if browser:
            webbrowser.open(address)

    serve(site, port, say)


def make_site(sources: list[str] | None, data: Path | None, limit: int | None = None, *, trust_code: bool = False) -> "Site":
    """The page of some sources."""
    use_threads()
    from ..assets.paths import cache_folder
    from ..evaluation.suite import Opening
    from ..page.collect import build_site
    from .common import default_workers

    opening = Opening(cache_folder(), default_workers())
    return build_site(sources or ["results"], opening, data=data, limit=limit, trust_code=trust_code)
