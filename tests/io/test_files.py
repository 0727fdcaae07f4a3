import hashlib
import os
from pathlib import Path

import pytest

from pixbench.io.files import file_sha256


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
