import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from pixbench.cli.progress import PlainProgress, clock_time, progress_bar


def _lines(total: int, *calls: tuple[float, int, str | None]) -> list[str]:
    """What is written when `done` is reported at `seconds`."""
    now, lines = [0.0], []
    progress = PlainProgress("train", total, "steps", lines.append, clock=lambda: now[0])
    for seconds, done, note in calls:
        now[0] = seconds
        progress.advance(done, note)
    return lines


def test_line_is_printed_every_five_percent() -> None:
    lines = _lines(200, *((1.0 + step, 1, f"loss {step}") for step in range(200)))
    assert len(lines) == 20
    # Step 10 was reported 9 seconds after step 1, so that 190 steps are left, at one a second.
    assert lines[0] == "train: 10 of 200 steps (5 %), loss 9, 1/s, 0:03:10 left"
    assert lines[-1] == "train: 200 of 200 steps (100 %), loss 199, 1/s, took 0:03:19"


def test_fast_work_prints_a_line_every_five_seconds() -> None:
    # Ten steps a second: a line every five seconds, and the last.
    lines = _lines(120, *((step / 10, 1, None) for step in range(1, 121)))
    assert lines == [
        "train: 50 of 120 steps (42 %), 10/s, 0:00:07 left",
        "train: 100 of 120 steps (83 %), 10/s, 0:00:02 left",
        "train: 120 of 120 steps (100 %), 10/s, took 0:00:12",
    ]


def test_slow_work_prints_a_line_every_half_minute() -> None:
    lines = _lines(1000, *((10.0 * step, 1, None) for step in range(1, 10)))
    assert [line.split(" of")[0] for line in lines] == ["train: 3", "train: 6", "train: 9"]
    assert lines[1] == "train: 6 of 1000 steps (1 %), 0.1/s, 2:45:40 left"


def test_rate_excludes_work_of_an_earlier_run() -> None:
    # 90 of 100 steps are done already; those of this run take two seconds each.
    lines = _lines(100, (6.0, 90, None), (9.0, 1, None), (14.0, 4, None), (16.0, 0, "writing"))
    assert lines == ["train: 90 of 100 steps (90 %)", "train: 95 of 100 steps (95 %), 0.625/s, 0:00:08 left"]


def test_times_are_formatted_as_hours_minutes_seconds() -> None:
    assert [clock_time(seconds) for seconds in (0.4, 59.6, 3723, 90000)] == ["0:00:00", "0:01:00", "1:02:03", "25:00:00"]


def test_a_pipe_and_a_log_file_get_the_same_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    for _ in range(2):
        with progress_bar("verify", 3, "scenes", log=tmp_path / "log") as advance:
            advance(2)
            advance(1, "last")
    logged = (tmp_path / "log").read_text().splitlines()
    assert [line[20:] for line in logged] == stderr.getvalue().splitlines()
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d verify: .*", line) for line in logged)
    # A resumed run appends to the log.
    assert len(logged) == 2
    assert "verify: 3 of 3 scenes (100 %), last" in logged[1]


def test_nothing_is_printed_before_any_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress_bar("train", 3, "steps", log=tmp_path / "log"):
        pass
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]
    assert not list(tmp_path.iterdir())


def test_terminal_shows_a_progress_bar() -> None:
    outer, inner = pty.openpty()
    code = "from pixbench.cli.progress import progress_bar\nwith progress_bar('match', 4, 'pairs') as advance: advance(4, 'rgb')"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=inner, env={**os.environ, "TERM": "xterm"})
    assert process.wait() == 0
    shown = os.read(outer, 1 << 16).decode()
    for file in (outer, inner):
        os.close(file)
    assert "━━" in shown
    assert "4/4 pairs" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


@pytest.mark.parametrize("columns", [80, 100, 140])
def test_progress_bar_fits_the_terminal(columns: int) -> None:
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    code = "from pixbench.cli.progress import progress_bar\nwith progress_bar('train', 20000, 'steps') as advance: advance(20000, '{}')"
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"TERM": "xterm"}
    command = [sys.executable, "-c", code.format("loss 0.1234, 45 images/s")]
    assert subprocess.run(command, stderr=inner, env=environment, check=False).returncode == 0
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", os.read(outer, 1 << 16).decode()).splitlines()
    for file in (outer, inner):
        os.close(file)
    (last,) = {line.strip() for line in shown if "20000/20000" in line}
    assert re.fullmatch(r"train ━+ 20000/20000 steps, (\S+/s, )?took 0:00:0\d, loss 0\.1234, 45 images/s", last)
    assert len(last) < columns


@pytest.mark.slow
def test_train_in_a_pipe_prints_and_logs_its_steps(tiny: Path, tmp_path: Path) -> None:
    options = "--steps 20 --batch 2 --set points=32 --set network.widths=[8] --set network.blocks=[1]".split()
    command = [sys.executable, "-m", "pixbench", "train", "--data", str(tiny), "--out", "run", *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("train: ")]
    pattern = r"train: \d+ of 20 steps \(\d+ %\), loss \d\.\d{4}(, \d+ images/s)?(, \S+/s, \d:\d\d:\d\d left)?"
    for line in lines[:-1]:
        assert re.fullmatch(pattern, line)
    assert re.fullmatch(r"train: 20 of 20 steps \(100 %\), loss \d\.\d{4}, \d+ images/s, \S+/s, took \d:\d\d:\d\d", lines[-1])
    logged = (tmp_path / "run/train.log").read_text().splitlines()
    assert [line[20:] for line in logged] == lines
