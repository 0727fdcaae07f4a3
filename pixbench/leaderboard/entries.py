"""Rows of the leaderboard: records of one method, one for each seed, and the values that its statistics are made of."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UserError
from ..evaluation.record import Record, Stored
from .statistics import Samples, bimodal

PRIMARY = {"matching": "delta_avg", "classification": "ood_accuracy/training-domain", "segmentation": "ood_miou"}
"""What rows of a task are ranked by."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A method on a suite: its records, in order of seed."""

    stored: tuple[Stored, ...]

    @property
    def first(self) -> Record:
        """The record of the first seed."""
        return self.stored[0].record

    @property
    def name(self) -> str:
        """What the names of its records have in common, and how the question differed from the suite's."""
        names = [each.record.model for each in self.stored]
        common = names[0] if len(names) == 1 else _common_start(names).removesuffix("seed").rstrip("-_. ") or names[0]
        protocol = self.first.protocol
        changed = ["sub-pixel"] if protocol.subpixel else []
        if protocol.radius_px is not None:
            changed.append(f"within {protocol.radius_px:g} px")
        return common + (f" ({', '.join(changed)})" if changed else "")

    def values(self, metric: str) -> list[float]:
        """A metric's value for each seed that has one."""
        found = (each.record.metrics.get(metric) for each in self.stored)
        return [value.value for value in found if value is not None and value.value is not None]

    def mean(self, metric: str) -> float | None:
        """Over seeds; None where no seed has a value."""
        values = self.values(metric)
        return float(np.mean(values)) if values else None

    def samples(self, metric: str) -> Samples | None:
        """The metric's values by seed and scene or image, from the files beside the records; None where a task keeps none."""
        read = {"matching": _of_scenes, "classification": _of_images}.get(self.first.task)
        if read is None or not self.values(metric):
            return None
        rows = [read(each, metric) for each in self.stored]
        units = sorted(set().union(*rows))
        total, count = (np.array([[row.get(unit, (0.0, 0.0))[k] for unit in units] for row in rows]) for k in (0, 1))
        return Samples(total, count)

    def is_bimodal(self, metric: str) -> bool:
        """Whether an accuracy falls into two heaps over seeds."""
        return "accuracy" in metric and bimodal(self.values(metric))


def _common_start(names: Sequence[str]) -> str:
    shortest = min(names, key=len)
    return next((shortest[:k] for k, char in enumerate(shortest) if any(name[k] != char for name in names)), shortest)


def training(record: Record) -> Mapping[str, Any]:
    """The configuration that a model of this project was trained with; empty for others."""
    said = record.model_info.get("training")
    config = said.get("config") if isinstance(said, dict) else None
    return config if isinstance(config, dict) else {}


def seed_of(record: Record) -> int | None:
    """Of the training; None for models that were not trained here."""
    return training(record).get("seed")


def entries(stored: Sequence[Stored]) -> list[Entry]:
    """Records gathered by method: those that differ in nothing but the seed of their training are one entry's."""
    groups: dict[str, list[Stored]] = {}
    for each in sorted(stored, key=lambda each: (seed_of(each.record) or 0, each.record.model, each.record.created)):
        groups.setdefault(_method(each.record), []).append(each)
    found = []
    for group in groups.values():
        seeds = [seed_of(each.record) for each in group]
        if None in seeds or len(set(seeds)) < len(seeds):
            found += [Entry((each,)) for each in group]
        else:
            found.append(Entry(tuple(group)))
    return found


def _method(record: Record) -> str:
    config = dict(training(record))
    config.pop("seed", None)
    who = {"config": config, "data": record.model_info["training"].get("data")} if config else {"model": record.model_sha256}
    asked = (record.protocol.radius_px, record.protocol.subpixel, record.model_info.get("p"))
    return json.dumps([who, asked], sort_keys=True, default=str)


def _of_scenes(stored: Stored, metric: str) -> dict[int, tuple[float, float]]:
    """Sum and number of a metric's values over the pairs of each scene."""
    sums: dict[int, tuple[float, float]] = {}
    with stored.beside("pairs").open(newline="") as file:
        reader = csv.DictReader(file)
        if metric not in (reader.fieldnames or ()):
            raise UserError(f"{stored.path}: its table of pairs has no column '{metric}': run 'pixbench evaluate' again")
        for row in reader:
            if row[metric]:
                total, count = sums.get(int(row["scene"]), (0.0, 0.0))
                sums[int(row["scene"])] = total + float(row[metric]), count + 1
    return sums


def _of_images(stored: Stored, metric: str) -> dict[int, tuple[float, float]]:
    """Whether each image was classified rightly; other metrics than accuracies are not sums over images."""
    from ..evaluation.classify import read_probabilities

    kind, _, read_out = metric.partition("/")
    if not kind.endswith("_accuracy"):
        return {}
    found = read_probabilities(stored.beside("predictions"))[read_out][("id_accuracy", "ood_accuracy").index(kind)]
    return {image: (float(right), 1.0) for image, right in enumerate(found.said == found.label)}
