"""Parsers of third-party files, on damaged copies of valid files (hypothesis): they succeed, or raise a declared exception."""

from pathlib import Path

import pytest
from fuzzed import TARGETS, WORDS, edited, fault, valid_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = 400
"""Per parser; HDF5 parsers, which open a file for each example, get a quarter."""

POSITIONS = st.floats(0, 1, exclude_max=True)
INSERTED = st.sampled_from(WORDS) | st.binary(max_size=8)
EDITS = st.lists(st.tuples(POSITIONS, st.integers(0, 30), INSERTED), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def made(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return valid_files(tmp_path_factory.mktemp("fuzzed"), tiny)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_damaged_files_are_read_or_rejected(name: str, made: dict[str, Path]) -> None:
    target, path, whole = TARGETS[name], made[name], made[name].read_bytes()
    assert fault(target, path, whole) is None
    target.read(path)

    @settings(max_examples=EXAMPLES // 4 if path.suffix == ".h5" else EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(EDITS)
    def read(edits: list[tuple[float, int, bytes]]) -> None:
        found = fault(target, path, edited(whole, edits, in_place=target.binary))
        if found is not None:
            raise found

    try:
        read()
    finally:
        path.write_bytes(whole)
