"""Commands of pixbench that run one after the other in forks of one process (see fork_server.py)."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SERVER = Path(__file__).with_name("fork_server.py")


class Forked:
    """Runs commands in a folder."""

    def __init__(self, folder: Path, *modules: str):
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER), *modules], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._read() == "ready"

    def run(self, argv: str | list[str], *, limit: float = 300, **asked: Any) -> dict[str, Any]:
        """The result of a command."""
        words = argv.split() if isinstance(argv, str) else argv
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"argv": words, "limit": limit, **asked}) + "\n")
        self._process.stdin.flush()
        result: dict[str, Any] = json.loads(self._read())
        return result

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def forked(folder: Path, *modules: str) -> Iterator[Forked]:
    """Commands in a folder, for the time of a block; the server calls `install` of `modules` first."""
    server = Forked(folder, *modules)
    try:
        yield server
    finally:
        server.close()
