import gzip
import json
import os
import time
from pathlib import Path

import h5py
import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixbench.errors import UserError
from pixbench.io import hdf5
from pixbench.io.documents import read_json
from pixbench.io.text import printable
from pixbench.io.untrusted import check_pixels, check_regular, check_shown, gunzip, inside, parse_xml, parsing, read_text

RAISED = [
    *(ValueError("a\nb"), EOFError(), RecursionError("deep"), MemoryError(), KeyError("name")),
    *(OSError(5, "Input/output error"), OverflowError()),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_parser_errors_become_one_line_that_names_the_file(error: Exception) -> None:
    with pytest.raises(UserError, match=r"^a\.bin cannot be read \(.+\): fetch it again$") as exc_info, parsing("a.bin", "fetch it again"):
        raise error
    assert "\n" not in str(exc_info.value)


@given(st.text())
def test_printable_output_has_no_control_characters(text: str) -> None:
    shown = printable(text)
    assert not any((ord(character) < 32 and character != "\n") or 0x7F <= ord(character) < 0xA0 for character in shown)
    assert printable(shown) == shown


def test_printable_keeps_unicode_letters() -> None:
    assert printable("δ_avg, 10°, 漢字, ä") == "δ_avg, 10°, 漢字, ä"
    assert printable("\x1b[2J\u202e") == "\\x1b[2J\\u202e"
    with pytest.raises(ValueError, match="control characters"):
        check_shown({"a": [{"b\x07": 1}]})


@given(st.binary(max_size=2000), st.binary(max_size=2000))
def test_gunzip_inverts_gzip_with_several_members(one: bytes, other: bytes) -> None:
    packed = gzip.compress(one) + gzip.compress(other)
    assert gunzip(packed) == one + other
    if len(one + other) > 1:
        with pytest.raises(ValueError, match="unpacks to more"):
            gunzip(packed, len(one + other) - 1)
    with pytest.raises(ValueError, match="cut off"):
        gunzip(packed[:-9])


@pytest.mark.parametrize("text", ["", "<a>", "<a></b>", "<a>&x;</a>", "<?xml version='1.0' encoding='nanutf-8'?><a/>", "<a b=1/>"])
def test_invalid_xml_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="it is not valid XML"):
        parse_xml(text.encode())


def test_decompression_bomb_is_rejected_within_memory_limit() -> None:
    bomb = gzip.compress(bytes(2**30), 1)
    before = psutil.Process().memory_info().rss
    with pytest.raises(ValueError, match="unpacks to more"):
        gunzip(bomb, 2**20)
    assert psutil.Process().memory_info().rss - before < 2**26


def test_pipes_are_rejected_without_blocking(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    started = time.perf_counter()
    for read in (check_regular, read_text, hdf5.open_file, lambda path: read_json(path, "no")):
        with pytest.raises(UserError, match="is a pipe or a device: expected a file"):
            read(tmp_path / "pipe")
    with pytest.raises(UserError, match="is a folder"):
        check_regular(tmp_path)
    with pytest.raises(UserError, match="cannot be read"):
        check_regular(tmp_path / "none")
    assert time.perf_counter() - started < 1


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_round_trips_or_is_rejected(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(json.dumps(value))
    try:
        found = read_json(path, "write it again")
    except UserError:
        with pytest.raises(ValueError, match="control characters"):
            check_shown(value)
    else:
        assert found == value


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": ' * 100_000, "\x00", "{", "1" * 10_000, "NaN\n\n" * 3, '"\\ud800"', ""])
def test_hostile_json_is_rejected(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"a\.json is not valid JSON"):
        read_json(path, "write it again")


@pytest.mark.parametrize("name", ["/etc/passwd", "../a", "a/../../b", "", "..\\a"])
def test_path_traversal_is_rejected(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leads out"):
        inside(tmp_path, name)


def test_oversized_images_are_rejected() -> None:
    check_pixels(4000, 3000)
    with pytest.raises(ValueError, match="at most"):
        check_pixels(60_000, 60_000)


def test_hdf5_files_open_on_file_systems_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = h5py.File
    asked: list[object] = []

    class NoLocks(made):  # type: ignore[misc, valid-type]
        def __init__(self, path: object, mode: str = "r", **options: object):
            asked.append(options.get("locking"))
            if options.get("locking") is not False:
                raise OSError(37, "No locks available")
            super().__init__(path, mode, **options)

    monkeypatch.setattr(hdf5.h5py, "File", NoLocks)
    with hdf5.create_file(tmp_path / "a.h5") as file:
        file["x"] = np.arange(3)
    with hdf5.open_file(tmp_path / "a.h5") as file:
        assert hdf5.values(hdf5.member(file, "x")).tolist() == [0, 1, 2]
    assert asked == [None, False, None, False]


@pytest.mark.parametrize("size", [0, 2**64 - 16, 2**40])
def test_hdf5_string_heap_with_invalid_size_is_rejected(size: int, tmp_path: Path) -> None:
    """HDF5 2.0 loops forever on an entry of size zero."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["format"] = "a text of any length"
    with hdf5.open_file(path) as file:
        assert file.attrs["format"] == "a text of any length"
    data = bytearray(path.read_bytes())
    rest = data.find(b"GCOL") + 16 + 16 + 24  # after the heap's header and the text, padded, with its own
    assert data[rest : rest + 2] == b"\0\0"
    data[rest + 8 : rest + 16] = size.to_bytes(8, "little")
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match=r"a\.h5 cannot be read \(the heap of texts at byte \d+ is damaged\)"), hdf5.read_file(path, "no"):
        pass


def test_open_file_can_be_opened_again_with_h5py(tmp_path: Path) -> None:
    with hdf5.create_file(tmp_path / "a.h5") as file:
        file["x"] = np.arange(3)
    with hdf5.open_file(tmp_path / "a.h5"), h5py.File(tmp_path / "a.h5") as file:
        assert list(file) == ["x"]


def test_gzip_of_many_empty_members_takes_linear_time() -> None:
    packed = gzip.compress(b"", mtime=0) * 200_000 + bytes(1000) + gzip.compress(b"end")
    started = time.process_time()
    assert gunzip(packed) == b"end"
    assert time.process_time() - started < 5


@pytest.mark.parametrize("size", [0, 1, 235, 236, 237, 255, 256, 257, 767, 768, 769, 5000])
def test_gzip_members_may_end_anywhere(size: int) -> None:
    """Incompressible data, so that its members end around the ends of the steps in which they are read: 256, 768, ... bytes."""
    data = np.random.default_rng(0).bytes(size)
    packed = gzip.compress(data)
    assert gunzip(packed + bytes(3) + packed) == data + data
    with pytest.raises(ValueError, match="cut off"):
        gunzip(packed + packed[:-1])


def test_nested_heaps_are_refused_in_linear_time(tmp_path: Path) -> None:
    """Each text of 16 bytes is the beginning of another heap, whose entries are all those behind it."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["x"] = 1
    size, entry = 2**20, (1).to_bytes(8, "little") + (16).to_bytes(8, "little")
    heaps = [entry + hdf5.HEAP + (size - at - 16).to_bytes(8, "little") for at in range(0, size, 32)]
    path.write_bytes(path.read_bytes() + b"".join(heaps))
    started = time.process_time()
    with pytest.raises(UserError, match=r"the heap of texts at byte \d+ is damaged"), hdf5.read_file(path, "no"):
        pass
    assert time.process_time() - started < 5


def test_hdf5_with_several_heaps_of_short_texts_opens(tmp_path: Path) -> None:
    texts = [f"{number:03d}" * (number % 40) for number in range(3000)]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in "ab":
            file.create_dataset(name, data=texts, dtype=h5py.string_dtype())
    assert (tmp_path / "a.h5").read_bytes().count(hdf5.HEAP) > 5
    with hdf5.open_file(tmp_path / "a.h5") as file:
        assert [text.decode() for text in file["b"][()]] == texts
