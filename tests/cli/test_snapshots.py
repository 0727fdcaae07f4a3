"""What a user sees of generate, train, evaluate and leaderboard show: on a terminal of 80 columns, and in a pipe."""

import io
import re
import sys
from collections.abc import Mapping, Sequence

import pytest
from typer.main import get_command

from pixbench.cli import app

pytestmark = pytest.mark.slow

COMMANDS = {
    "generate": "generate 3d --out data --scenes 2 --views 2 --size 32 --workers 1",
    "train": "train --data data --out run --steps 3 --batch 2 --set points=32 --set network.widths=[8] --set network.blocks=[1]",
    "evaluate": "evaluate --data data --model baseline:rgb-patch",
    "leaderboard show": "leaderboard show",
}

TABLE_80 = """\
          data (train, 2 scenes, 4 ordered pairs, recipe da5616164105)
┏━━━━━━━━━━━┳━━━━━━┳━━━━━┳━━━┳━━━━━━━┳━━━━━━━┳━━━━━━━┳━━━━━━━━┳━━━━━━━┳━━━━━━━━┓
┃           ┃      ┃     ┃   ┃       ┃       ┃       ┃ median ┃       ┃        ┃
┃ model     ┃ norm ┃   D ┃ c ┃ δ_avg ┃ PCK@1 ┃ PCK@4 ┃    EPE ┃ MMA@3 ┃ closer ┃
┡━━━━━━━━━━━╇━━━━━━╇━━━━━╇━━━╇━━━━━━━╇━━━━━━━╇━━━━━━━╇━━━━━━━━╇━━━━━━━╇━━━━━━━━┩
│ rgb-patch │    2 │ 243 │ – │ 0.309 │ 0.096 │ 0.211 │   9.86 │ 0.295 │  0.184 │
└───────────┴──────┴─────┴───┴───────┴───────┴───────┴────────┴───────┴────────┘
89 visible queries (every 4th pixel of every 4th row), searched in the whole
target image; means over pairs. Higher is better, but for median EPE and closer.
'pixbench metrics explain ID' says what a number means.
Left out for the width: AUC@10° MAGSAC, AUC@10° PoseLib. 'pixbench leaderboard
show --markdown' has all columns.
"""

TABLE_WHOLE = """\
                    data (train, 2 scenes, 4 ordered pairs, recipe da5616164105)
┏━━━━━━━━━━━┳━━━━━━┳━━━━━┳━━━┳━━━━━━━┳━━━━━━━┳━━━━━━━┳━━━━━━━━┳━━━━━━━┳━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━┓
┃           ┃      ┃     ┃   ┃       ┃       ┃       ┃ median ┃       ┃        ┃ AUC@10° ┃ AUC@10° ┃
┃ model     ┃ norm ┃   D ┃ c ┃ δ_avg ┃ PCK@1 ┃ PCK@4 ┃    EPE ┃ MMA@3 ┃ closer ┃  MAGSAC ┃ PoseLib ┃
┡━━━━━━━━━━━╇━━━━━━╇━━━━━╇━━━╇━━━━━━━╇━━━━━━━╇━━━━━━━╇━━━━━━━━╇━━━━━━━╇━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━┩
│ rgb-patch │    2 │ 243 │ – │ 0.309 │ 0.096 │ 0.211 │   9.86 │ 0.295 │  0.184 │   0.000 │   0.000 │
└───────────┴──────┴─────┴───┴───────┴───────┴───────┴────────┴───────┴────────┴─────────┴─────────┘
89 visible queries (every 4th pixel of every 4th row), searched in the whole target image; means
over pairs. Higher is better, but for median EPE and closer. 'pixbench metrics explain ID' says what
a number means.
"""

RECORD = """\
record results/data/rgb-patch.json; predictions are beside it
next: pixbench leaderboard show results
"""

GENERATED = """\
data: 2 scenes, 4 views, 4 ordered pairs, 0.1 MB
content HASH
"""

TRAINED = """\
run/checkpoint: trained for 3 steps; loss curve in run/loss.png
next: pixbench evaluate --model run
"""

TERMINAL = {
    "generate": f"generate ━━━━━━━━━━ 2/2 scenes, RATE, took TIME\n{GENERATED}",
    "train": f"train ━━━━━━━━━━ 3/3 steps, RATE, took TIME, loss 0.0000, RATE\n{TRAINED}",
    "evaluate": f"""\
match rgb-patch ━━━━━━━━━━ 4/4 pairs, RATE, took TIME
score rgb-patch ━━━━━━━━━━ 4/4 pairs, RATE, took TIME
{TABLE_80}{RECORD}""",
    "leaderboard show": TABLE_80,
}

PIPE = {
    "generate": f"""\
generate: 2 of 2 scenes (100 %), RATE, took TIME
{GENERATED}""",
    "train": f"""\
train: 3 of 3 steps (100 %), loss 0.0000, RATE, RATE, took TIME
{TRAINED}""",
    "evaluate": f"""\
match rgb-patch: 4 of 4 pairs (100 %), RATE, took TIME
score rgb-patch: 4 of 4 pairs (100 %), RATE, took TIME
{TABLE_WHOLE}{RECORD}""",
    "leaderboard show": TABLE_WHOLE,
}


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module", params=["terminal", "pipe"])
def outputs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The output of each command, and the expected output."""
    folder = tmp_path_factory.mktemp(request.param)
    kind = Terminal if request.param == "terminal" else io.StringIO
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "80")
        written = {name: _written(command.split(), kind, patch) for name, command in COMMANDS.items()}
    return written, TERMINAL if request.param == "terminal" else PIPE


def _written(arguments: Sequence[str], kind: type[io.StringIO], patch: pytest.MonkeyPatch) -> str:
    """Progress on standard error, then standard output, as finally displayed."""
    streams = kind(), kind()
    with patch.context() as patched:
        patched.setattr(sys, "stderr", streams[0])
        patched.setattr(sys, "stdout", streams[1])
        get_command(app)(list(arguments), standalone_mode=False)
    return "".join(map(_displayed, streams))


def _displayed(stream: io.StringIO) -> str:
    """The text without colours; of an overwritten line, the last version."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    return "".join(line.split("\r")[-1].rstrip() + "\n" for line in plain.removesuffix("\n").split("\n") if plain)


def _without_numbers(text: str) -> str:
    """Speed and time differ each time, scores and hashes between machines; how wide they are does not."""
    text = re.sub(r"[\d.]+( images)?/s", "RATE", text)
    text = re.sub(r"\d:\d\d:\d\d", "TIME", text)
    text = re.sub(r"\b[0-9a-f]{64}\b", "HASH", text)
    return re.sub(r"(?<=\d\.)\d+|\d(?=\.\d)|(?<=recipe )\w+|\d+(?= visible)", lambda found: "0" * len(found[0]), text)


@pytest.mark.parametrize("command", COMMANDS)
def test_output_matches_the_snapshot(command: str, outputs: tuple[Mapping[str, str], Mapping[str, str]]) -> None:
    written, expected = outputs
    assert _without_numbers(written[command]) == _without_numbers(expected[command])
    if expected is TERMINAL:
        assert max(map(len, written[command].splitlines())) <= 80
