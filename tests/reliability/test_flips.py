"""Every single bit flip in shards, manifests, predictions and records is found, and reported in one line."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pixbench.dataset.verify import verify
from pixbench.errors import UserError, VerificationError
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.record import StoredRecord, read_record
from pixbench.models.loading import load_model

FLIPS = 60


def missed(path: Path, read: Callable[[], object], seed: int) -> list[int]:
    """Positions of bit flips that `read` did not find. The file is restored afterwards."""
    whole = path.read_bytes()
    rng, found = np.random.default_rng(seed), []
    for position in rng.choice(len(whole), FLIPS, replace=False):
        changed = bytearray(whole)
        changed[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(changed))
        try:
            read()
        except (UserError, VerificationError):
            continue
        found.append(int(position))
    path.write_bytes(whole)
    read()
    return found


@pytest.fixture(scope="module")
def data(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flips") / "data"
    shutil.copytree(tiny, folder)
    return folder


@pytest.fixture(scope="module")
def stored(data: Path, tmp_path_factory: pytest.TempPathFactory) -> StoredRecord:
    return StoredRecord(*evaluate(load_model("baseline:random-unet"), DatasetPairs(data, "tiny", 8), tmp_path_factory.mktemp("out")))


@pytest.mark.slow
def test_bit_flips_in_a_shard_are_found_by_verify(data: Path) -> None:
    assert missed(data / "shards/00001.h5", lambda: verify(data), 0) == []


def test_bit_flips_in_a_shard_are_found_on_opening(data: Path) -> None:
    from pixbench.dataset.reader import Dataset

    assert missed(data / "shards/00001.h5", lambda: Dataset(data).scene(2), 1) == []


def test_bit_flips_in_a_manifest_are_found(data: Path) -> None:
    from pixbench.dataset.reader import Dataset

    assert missed(data / "dataset.json", lambda: Dataset(data).check_hashes(), 2) == []


def test_bit_flips_in_a_record_and_its_files_are_found(stored: StoredRecord) -> None:
    def read() -> None:
        again = StoredRecord(stored.path, read_record(stored.path))
        for which in ("predictions", "pairs"):
            again.beside(which)  # type: ignore[arg-type]

    assert stored.record.pairs is not None
    for seed, name in enumerate((stored.path.name, stored.record.predictions.file, stored.record.pairs.file)):
        assert missed(stored.path.with_name(name), read, 3 + seed) == []
