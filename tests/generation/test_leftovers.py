"""Cleanup of temporary shard files: those of running processes are kept, those of stopped processes are removed."""

import subprocess
import sys
from pathlib import Path

from pixbench.generation.runner import _remove_leftovers

WRITER = """
import h5py, sys
file = h5py.File(sys.argv[1], "w", libver=("v110", "v110"))
print("open", flush=True)
sys.stdin.read()
"""


def test_temporary_files_of_running_processes_are_kept(tmp_path: Path) -> None:
    written, empty, shard = (tmp_path / name for name in (".00000.h5.aa.tmp", ".00001.h5.bb.tmp", "00002.h5"))
    empty.touch()
    shard.touch()
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(written)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"open\n"
        _remove_leftovers(tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted([written, shard])
        writer.kill()
    _remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == [shard]
