from pathlib import Path

import pytest
from records import Blurred

from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs


@pytest.fixture(scope="module")
def source(tiny: Path) -> DatasetPairs:
    return DatasetPairs(tiny, "tiny", 4)


@pytest.fixture(scope="module")
def results(source: DatasetPairs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of one method, and a worse one."""
    folder = tmp_path_factory.mktemp("results")
    for model in (Blurred(0), Blurred(1), Blurred(0, noise=9.0)):
        evaluate(model, source, folder / str(model._noise))
    return folder
