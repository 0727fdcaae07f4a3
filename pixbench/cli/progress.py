"""Progress of commands: a bar on a terminal, plain lines in a pipe and in a log file."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..io.text import printable

if TYPE_CHECKING:
    from rich.progress import Progress

LINE_SECONDS = 30.0
LINE_SHARE = 0.05
LEAST_SECONDS = 5.0
"""A plain line is written after LINE_SECONDS or LINE_SHARE of the work, whichever comes first, but at most one in LEAST_SECONDS."""

WIDE = 120
"""Width of a terminal, in columns, from which the long bar is shown."""

Write = Callable[[str], None]


@contextmanager
def progress_bar(what: str, total: int, unit: str, *, log: Path | None = None) -> Iterator[Callable[..., None]]:
    """Progress of work: count, rate and time left. Yields advance(done=1, note=None); `note` is shown beside the count.

    Shows a bar on a terminal, and plain lines where standard error is not a terminal. With `log` the lines are appended to that file too;
    its folder must exist when the first work is done.
    """
    what = printable(what)
    bar = _bar() if sys.stderr.isatty() else None
    task = bar.add_task(what, total=total, note="", unit=unit) if bar else None

    def write(line: str) -> None:
        if bar is None:
            print(line, file=sys.stderr, flush=True)
        if log is not None:
            with log.open("a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")

    plain = PlainProgress(what, total, unit, write)

    def advance(done: float = 1, note: str | None = None) -> None:
        plain.advance(done, note)
        if bar is not None and task is not None:
            # Shown when the first work is done, so that an early error message stands alone.
            bar.start()
            bar.update(task, advance=done, **({} if note is None else {"note": note}))  # type: ignore[arg-type]

    try:
        yield advance
    finally:
        if bar is not None and bar.live.is_started:
            bar.stop()


class PlainProgress:
    """Writes a line after some work or some time, and always one at the end."""

    def __init__(self, what: str, total: int, unit: str, write: Write, *, clock: Callable[[], float] = time.monotonic):
        self._what, self._total, self._unit, self._write, self._clock = what, total, unit, write, clock
        self._note, self._done, self._written_done = "", 0.0, 0.0
        # Rate and time left are measured from the first call on, which may report work of an earlier run.
        self._first: tuple[float, float] | None = None
        self._written_at = clock()

    def advance(self, done: float = 1, note: str | None = None) -> None:
        """Report `done` more units of work; `note` stays until it is replaced."""
        now = self._clock()
        self._done = round(self._done + done, 9)  # shares of a unit add up to one
        self._note = self._note if note is None else note
        if self._first is None:
            self._first = now, self._done
        since, share = now - self._written_at, (self._done - self._written_done) / max(self._total, 1)
        enough = since >= LINE_SECONDS or (since >= LEAST_SECONDS and share >= LINE_SHARE)
        if enough or (self._done >= self._total and done):
            self._write(self._line(now))
            self._written_done, self._written_at = self._done, now

    def _line(self, now: float) -> str:
        count = f"{self._what}: {_count(self._done)} of {self._total} {self._unit} ({100 * self._done / max(self._total, 1):.0f} %)"
        return ", ".join(part for part in (count, self._note, *self._pace(now)) if part)

    def _pace(self, now: float) -> tuple[str, ...]:
        started, before = self._first or (now, self._done)
        passed, done = now - started, self._done - before
        if passed <= 0 or done <= 0:
            return ()
        left = (self._total - self._done) * passed / done
        return _rate(done / passed), f"{clock_time(left)} left" if left else f"took {clock_time(passed)}"


def _count(done: float) -> str:
    """A whole number, or one with two digits after the point."""
    return f"{done:.0f}" if float(done).is_integer() else f"{done:.2f}"


def _rate(per_second: float) -> str:
    """A rate with three significant digits; large numbers keep all digits of their integer part, small ones are per hour."""
    if per_second < 0.01:
        return f"{3600 * per_second:.3g}/h"
    return f"{per_second:.0f}/s" if per_second >= 100 else f"{per_second:.3g}/s"


def clock_time(seconds: float) -> str:
    """Hours, minutes and seconds, as 1:02:03."""
    minutes, second = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}"


def _bar() -> "Progress":
    """A description, a bar that is short on narrow terminals, and the count, the rate, the time left and the note."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.table import Column
    from rich.text import Text

    class WordsColumn(ProgressColumn):
        def render(self, task: Task) -> Text:
            count = f"{_count(round(task.completed, 9))}/{task.total or 0:.0f} {task.fields['unit']}"
            rate = _rate(task.speed) if task.speed else ""
            left = task.time_remaining
            time_ = f"took {clock_time(task.elapsed or 0)}" if task.finished else "" if left is None else f"{clock_time(left)} left"
            words = ", ".join(part for part in (count, rate, time_, task.fields["note"]) if part)
            return Text(words, no_wrap=True, overflow="ellipsis")

    console = Console(stderr=True)
    bar = BarColumn(40 if console.width >= WIDE else 10)
    words = WordsColumn(table_column=Column(no_wrap=True, ratio=1))
    return Progress(TextColumn("{task.description}"), bar, words, console=console, expand=True)
