import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from pixbench.errors import UserError
from pixbench.io.lock import LOCK, holds_nothing, locked

HOLDER = """
import sys
from pathlib import Path
from pixbench.io.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_lock_is_exclusive_and_released_when_its_process_is_killed(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match="is being written by another process"), locked(tmp_path):
            pass
        holder.kill()
    assert (tmp_path / LOCK).exists()
    (tmp_path / ".77.tmp.dataset.json").touch()  # left by a process that was killed before the rename
    with locked(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_file_system_without_locks_gives_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(FileLock, "acquire", fails)
    with locked(tmp_path):
        (tmp_path / "work").touch()
    assert (tmp_path / "work").exists()
    assert len(caplog.records) == 1
    assert "cannot be locked" in caplog.text


def test_holds_nothing_ignores_leftovers_of_killed_commands(tmp_path: Path) -> None:
    assert holds_nothing(tmp_path / "new")
    (tmp_path / ".lock").touch()
    (tmp_path / ".123.tmp.dataset.json").touch()
    (tmp_path / "shards").mkdir()
    assert not holds_nothing(tmp_path)
    assert holds_nothing(tmp_path, "shards")
    (tmp_path / "shards" / "00000.h5").touch()
    assert not holds_nothing(tmp_path, "shards")
    (tmp_path / "other" / "photos").mkdir(parents=True)
    (tmp_path / "other" / ".hidden").touch()
    assert not holds_nothing(tmp_path / "other")
