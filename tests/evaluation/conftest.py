from pathlib import Path

import pytest

from pixbench.evaluation.matching.pairs import DatasetPairs


@pytest.fixture
def source(tiny: Path) -> DatasetPairs:
    return DatasetPairs(tiny, "tiny", 4)
