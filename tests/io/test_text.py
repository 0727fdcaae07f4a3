import subprocess
import sys

import pytest

from pixbench.io.text import shortened

SCRIPT = """
import sys
from pixbench.io.text import guard_output
guard_output()
print("\\x1b]0;owned\\x07 \\x1b[31mred\\x1b[0m \\x1b[2J \\u202e \\u6f22 ok\\tand\\r\\nnext")
"""


@pytest.mark.parametrize(("encoding", "sign"), [("utf-8", "漢"), ("ascii", "\\u6f22"), ("latin-1", "\\u6f22")])
def test_guarded_output_escapes_control_sequences_in_any_encoding(encoding: str, sign: str) -> None:
    environment = {"PYTHONIOENCODING": encoding, "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, env=environment, check=True)
    shown = done.stdout.decode(encoding)
    assert shown == f"\\x1b]0;owned\\x07 \x1b[31mred\x1b[0m \\x1b[2J \\u202e {sign} ok\tand\r\nnext\n"


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("one\n two", 7, "one two"),
        ("one two", 6, "one…"),
        ("one two three", 8, "one two…"),
        ("of eleven", 8, "of elev…"),
        ("x" * 9, 8, "xxxxxxx…"),
    ],
)
def test_long_texts_end_at_a_word(text: str, most: int, expected: str) -> None:
    assert shortened(text, most) == expected
    assert len(expected) <= most
