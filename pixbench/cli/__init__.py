"""The command line. Commands import what they need when they run, so that `--help` answers at once."""

import errno
import os
import signal
import sys
from typing import NoReturn

import typer

from ..errors import UserError, VerificationError
from ..io.text import guard_output, printable
from ..io.threads import bound_spinning
from . import (
    animate,
    assets,
    croissant,
    demo,
    describe,
    evaluate,
    export,
    generate,
    hub,
    info,
    leaderboard,
    leak_check,
    match,
    metrics,
    model,
    preview,
    recipe,
    report,
    settings,
    sweep,
    train,
    verify,
    view,
)
from . import list as list_command
from .help import GroupedCommands, add_examples

app = typer.Typer(
    name="pixbench",
    cls=GroupedCommands,
    help="Images with exactly known pixel correspondences, per-pixel descriptors, and a leaderboard.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


RESUMABLE = ("generate", "train", "evaluate", "demo", "sweep")


def _print_version(wanted: bool) -> bool:
    if wanted:
        from .. import __version__

        typer.echo(f"pixbench {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
) -> None:
    pass


for command in (
    *(generate, recipe, verify, info, preview, train, evaluate, match, describe, export, list_command, settings, leaderboard, view),
    *(animate, croissant, hub, metrics, model, leak_check, assets, sweep, report, demo),
):
    command.register(app)
add_examples(app)


def main() -> None:
    """The entry point: a user's mistake is one line and exit code 2, a failed check exit code 1, Ctrl-C 130."""
    bound_spinning()
    guard_output()
    if "" in sys.argv[1:]:
        # Path("") is the working folder, into which nobody means to write.
        _fail("error: an argument is empty: expected a value (is a shell variable unset?)", 2)
    try:
        code = app(standalone_mode=False)
    except UserError as error:
        _fail(f"error: {' '.join(str(error).split())}", 2)
    except VerificationError as error:
        _fail(str(error), 1)
    except (KeyboardInterrupt, typer.Abort) as error:
        if isinstance(error.__cause__, EOFError):
            # Click would take an EOFError for the end of the user's input.
            _fail("error: a file ends before it should; fetch it again", 2)
        code = 130
    except (BrokenPipeError, SystemExit) as error:
        # The reader has closed the pipe: nothing more can be written to it. Click exits with 1 then.
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    except OSError as error:
        _fail_at_place(error)
    except Exception as error:
        # Path.resolve, before Python 3.13, makes a RuntimeError of a link to itself.
        if isinstance(error.__context__, OSError) and error.__context__.errno == errno.ELOOP:
            _fail_at_place(error.__context__)
        # Errors of the argument parser (an unknown option, text for a number) format their own message.
        message = getattr(error, "format_message", None)
        if message is None and not _was_interrupted(error):
            raise
        if message is not None:
            text = message()
            _fail(text if text.startswith("Usage:") else f"error: {' '.join(text.split())}{_received(error)}", 2)
        code = 130
    if code == 130:
        hint = "; finished work is kept, and the same command resumes" if sys.argv[1:2] and sys.argv[1] in RESUMABLE else ""
        _fail(f"stopped{hint}", 130)
    sys.exit(code if isinstance(code, int) else 0)


def _received(error: Exception) -> str:
    """What an option was given, where pydantic's message does not say so."""
    from pydantic import ValidationError

    cause = error.__cause__ or error.__context__
    return f"; received '{printable(str(cause.errors()[0]['input']))}'" if isinstance(cause, ValidationError) else ""


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C caused an error: compiled modules turn it into an ImportError."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def _fail_at_place(error: OSError) -> NoReturn:
    problem = " ".join(str(error.strerror or error).split())
    _fail(f"error: {error.filename or 'output'}: {problem}; choose a place that can be read and written", 2)


def _fail(message: str, code: int) -> NoReturn:
    print(printable(message), file=sys.stderr)
    sys.exit(code)
