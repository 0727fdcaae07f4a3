from pathlib import Path

import pytest
from records import Blurred

from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pair_source import DatasetSource


@pytest.fixture(scope="module")
def source(tiny: Path) -> DatasetSource:
    return DatasetSource(tiny, "tiny", 4)


@pytest.fixture(scope="module")
def results(source: DatasetSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of one method, and a worse one."""
    folder = tmp_path_factory.mktemp("results")
    for model in (Blurred(0), Blurred(1), Blurred(0, noise=9.0)):
        evaluate(model, source, folder / str(model._noise))
    return folder
