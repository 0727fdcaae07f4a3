"""Runs a command of pixbench in this process, and reports its resources and forbidden actions."""

import contextlib
import faulthandler
import io
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from pixbench.cli import main

SECONDS, WAITS, HANGS = 10, 60, 200
"""CPU time and time after which a command is stopped; and after which the process is, should the command not let itself be stopped."""

RUNS_CODE = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "subprocess.Popen", "socket.connect")
"""Audit events (docs.python.org/3/library/audit_events.html) of running something else, and of asking another machine."""


@dataclass
class Done:
    """The result of a command. `forbidden` lists forbidden actions; `peak_mb` is the peak memory beyond that before the command."""

    code: int = 0
    output: str = ""
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    forbidden: list[str] = field(default_factory=list)


class _Watch:
    """Records what this process does while it is on. An audit hook cannot be removed, so there is only one."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.secret, self.own, self.on = "", ("",), False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in RUNS_CODE:
            self.found.append(f"{event} {args[:1]!r}"[:200])
        elif event == "open" and isinstance(args[0], str | bytes) and isinstance(args[2], int):
            path = os.path.realpath(os.fsdecode(args[0]))
            if path.startswith(self.secret):
                self.found.append(f"read {path}")
            elif args[2] & (os.O_WRONLY | os.O_RDWR) and not path.startswith((*self.own, "/dev/")):
                self.found.append(f"write {path}")


_WATCH: _Watch | None = None


class TooLongError(BaseException):
    """Raised into a command; nothing catches it on the way."""


def run(argv: str, secret: Path, *own: Path) -> Done:
    """A command that may read nothing in `secret`, and write only in its `own` folders."""
    global _WATCH
    _WATCH = _WATCH or _Watch()
    done, out = Done(), io.StringIO()
    _WATCH.found, _WATCH.secret, _WATCH.own = [], os.path.realpath(secret), tuple(map(os.path.realpath, own))
    before, started = _peak_mb(start=True), time.process_time()
    with (
        mock.patch.object(sys, "argv", ["pixbench", *argv.split()]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
        _stopped(),
    ):
        _WATCH.on = True
        try:
            main()
        except SystemExit as end:
            done.code = int(end.code or 0)
        except BaseException:
            done.code = 70
            traceback.print_exc(file=out)
        finally:
            _WATCH.on = False
    done.cpu_s, done.peak_mb = time.process_time() - started, _peak_mb() - before
    done.output, done.forbidden = out.getvalue(), _WATCH.found
    return done


@contextlib.contextmanager
def _stopped() -> Iterator[None]:
    """Stops a command at its time limit."""

    def stop(*_: Any) -> None:
        raise TooLongError

    before = {number: signal.signal(number, stop) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WAITS)
    faulthandler.dump_traceback_later(HANGS, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
            signal.setitimer(timer, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        faulthandler.cancel_dump_traceback_later()


def _peak_mb(*, start: bool = False) -> float:
    """The peak memory of this process; `start` resets the peak."""
    if start:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
