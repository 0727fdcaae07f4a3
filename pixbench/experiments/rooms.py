"""Generated rooms for the experiments on 3D scenes: made once in a sweep's folder, train, val and test apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..evaluation.matching.evaluate import evaluate
from ..evaluation.matching.pairs import DatasetPairs
from ..evaluation.model import Model
from ..evaluation.suite import STRIDE
from ..generation import generate
from ..generation.components import DEFAULTS
from ..generation.protocol import GENERATORS


@dataclass(frozen=True)
class Rooms:
    """Scenes of each split, with this many views of size x size pixels. Splits share no room and no object."""

    scenes: Mapping[str, int]
    views: int
    size: int

    def make(self, folder: Path, workers: int) -> None:
        """Make all splits in `folder`/data, or finish them."""
        generator = DEFAULTS.get("rooms")
        kind = GENERATORS.get(generator).config_type
        for split, scenes in self.scenes.items():
            config = kind(split=split, scenes=scenes, views=self.views, size=self.size)
            generate(generator, config, self.path(folder, split), workers=workers)

    @staticmethod
    def path(folder: Path, split: str) -> Path:
        """Where a split lies."""
        return folder / "data" / split


def matching(model: Model, data: Path, out: Path) -> dict[str, float]:
    """Matching scores of a model on a data set, means over pairs; record and predictions go into the folder `out`."""
    _, record = evaluate(model, DatasetPairs(data, data.name, STRIDE), out, force=True)
    return {name: value.value for name, value in record.metrics.items() if value.value is not None}
