"""Records for tests of the leaderboard: a fast model with seeds, and copies that can be changed."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.model import DescriptorModel
from pixbench.evaluation.record import Record, StoredRecord, read_record, write_record
from pixbench.models.loading import load_model


def evaluated(data: Path, out: Path, *baselines: str) -> Path:
    """The folder `out` with records of baselines on a data set."""
    for name in baselines:
        evaluate(load_model(f"baseline:{name}"), DatasetPairs(data, "tiny", 4), out)
    return out


class Colour(DescriptorModel):
    """Describes by colour and position: fast, with intermediate scores."""

    name = "colour"
    p = 2.0

    def describe(self, images: Tensor) -> Tensor:
        places = torch.linspace(0, 1, images.shape[3]).expand(len(images), 1, *images.shape[2:])
        return torch.cat([images, places, places.transpose(2, 3)], dim=1)


class Blurred(DescriptorModel):
    """Describes by colour with seeded noise; its info is that of a trained model."""

    p = 2.0

    def __init__(self, seed: int, noise: float = 0.02):
        self.name = f"blurred-seed{seed}" if seed else "blurred"
        self._seed, self._noise = seed, noise

    @property
    def info(self) -> dict[str, Any]:
        config = {"objective": "paper", "between_weight": 0.5, "seed": self._seed, "noise": self._noise}
        training = {"config": config, "data": {"recipe_sha256": "0"}}
        return {"kind": "checkpoint", "p": 2, "checkpoint_sha256": str(self._seed), "training": training}

    def describe(self, images: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(self._seed)
        places = torch.linspace(0, 1, images.shape[3]).expand(len(images), 1, *images.shape[2:])
        noise = torch.randn(images.shape[1:], generator=generator)
        return torch.cat([images + self._noise * noise, places, places.transpose(2, 3)], dim=1)


def copied(stored: StoredRecord, folder: Path) -> StoredRecord:
    for part in (stored.record.predictions, stored.record.pairs):
        assert part is not None
        (folder / part.file).write_bytes(stored.path.with_name(part.file).read_bytes())
    path = folder / stored.path.name
    path.write_text(stored.path.read_text())
    return StoredRecord(path, stored.record)


def changed(stored: StoredRecord, **fields: Any) -> StoredRecord:
    record = Record.model_validate({**stored.record.model_dump(), **fields})
    write_record(stored.path, record)
    return StoredRecord(stored.path, read_record(stored.path))
