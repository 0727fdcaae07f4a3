"""The command line. Commands import what they need when they run, so that `--help` answers at once."""

import sys

import typer

from ..errors import UserError, VerificationError
from . import assess, data, demo, show

app = typer.Typer(
    name="pixbench",
    help="Images with proved pixel correspondences, per-pixel descriptors, and an honest table.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        typer.echo(f"pixbench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
) -> None:
    pass


data.register(app)
assess.register(app)
show.register(app)
demo.register(app)


def main() -> None:
    """The entry point: a user's mistake is one line and exit code 2, a failed check exit code 1."""
    try:
        app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except VerificationError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped; what is finished is kept, and the same command goes on from there", file=sys.stderr)
        sys.exit(130)
