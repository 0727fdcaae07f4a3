"""Parsers of third-party files, on damaged copies of valid files (hypothesis): they succeed, or raise a declared exception."""

import json
import shutil
from pathlib import Path

import pytest
from fuzzed import TARGETS, WORDS, edited, fault
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.models.loading import load_model

EXAMPLES = 400
"""Per parser; HDF5 parsers, which open a file for each example, get a quarter."""

POSITIONS = st.floats(0, 1, exclude_max=True)
INSERTED = st.sampled_from(WORDS) | st.binary(max_size=8)
EDITS = st.lists(st.tuples(POSITIONS, st.integers(0, 30), INSERTED), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def made(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A valid file of each kind. Documents lack their own hash, as old ones do: an attacker would recompute it."""
    folder = tmp_path_factory.mktemp("fuzzed")
    shutil.copytree(tiny, folder / "shard" / "data")
    path, record = evaluate(load_model("baseline:random-unet"), DatasetPairs(tiny, "tiny", 8), folder / "out")
    kept = {"manifest": tiny / "dataset.json", "record": path, "predictions": path.with_name(record.predictions.file)}
    found = {}
    for name, target in TARGETS.items():
        found[name] = folder / name / target.name
        found[name].parent.mkdir(parents=True, exist_ok=True)
        if name != "shard":
            found[name].write_bytes(kept[name].read_bytes() if name in kept else target.seed)
    for name, none in (("manifest", ""), ("record", None)):
        found[name].write_text(json.dumps({**json.loads(found[name].read_text()), "sha256": none}))
    return found


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
