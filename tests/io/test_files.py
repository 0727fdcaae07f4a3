import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pixbench.io import files
from pixbench.io.files import file_sha256, has_contents


def test_file_sha256_rejects_pipes_and_devices(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    for name in ("pipe", "zeros"):
        with pytest.raises(OSError, match="no regular file"):
            file_sha256(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        file_sha256(tmp_path / "none")
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_contents_of_another_size_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    right = hashlib.sha256(b"abc").hexdigest()
    assert has_contents(path, 3, right)
    assert not has_contents(path, 3, hashlib.sha256(b"abd").hexdigest())
    monkeypatch.setattr(files, "file_sha256", lambda path: pytest.fail("the file was read"))
    assert not has_contents(path, 4, right)


def test_text_is_written_in_utf8_in_any_locale(tmp_path: Path) -> None:
    """Where the locale's encoding is ASCII, as on a bare server; files are read as UTF-8."""
    script = "import sys; from pathlib import Path; from pixbench.io.files import write_whole; write_whole(Path(sys.argv[1]), '\\u03b4\\n')"
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([sys.executable, "-c", script, tmp_path / "a"], env=ascii_only, check=True)
    assert (tmp_path / "a").read_bytes() == b"\xce\xb4\n"
