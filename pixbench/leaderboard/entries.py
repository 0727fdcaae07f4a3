"""Rows of the leaderboard: records of one method, one for each seed, and the values that its statistics are made of."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..evaluation.record import Record, StoredRecord
from ..evaluation.task import TASKS
from .statistics import Samples, bimodal

SEEDED = re.compile(r"[-_. ]seed(\d+)$")
"""Suffix of the name of one seed's model."""

TRAINED_ON = ("data", "init", "earlier_steps")
"""What a model was trained with besides its configuration: data, first weights, and the lengths of earlier cycles of the learning rate."""

REFERENCES = ("oracle", "chance")
"""Kinds of models (`info['kind']`) that mark the ends of the scale: their rows have no rank and are not tested against others."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A method on a suite: its records, in order of seed."""

    stored: tuple[StoredRecord, ...]

    @property
    def first(self) -> Record:
        """The record of the first seed."""
        return self.stored[0].record

    @property
    def name(self) -> str:
        """The common name of its records without their seeds, else that of the first record; and where its protocol differs from the
        suite's.
        """
        names = [each.record.model for each in self.stored]
        bare = {_without_seed(name) for name in names}
        protocol = self.first.protocol
        changed = ["sub-pixel"] if protocol.subpixel else []
        if self.first.model_info.get("input_size"):
            changed.append(f"at {self.first.model_info['input_size']} px")
        if scales := self.first.model_info.get("scales"):
            changed.append(f"{len(scales)} scales")
        if protocol.radius_px is not None:
            changed.append(f"within {protocol.radius_px:g} px")
        name = bare.pop() if len(names) > 1 and len(bare) == 1 else names[0]
        return name + (f" ({', '.join(changed)})" if changed else "")

    @property
    def is_reference(self) -> bool:
        """Whether it is a reference and not a method."""
        return self.first.model_info.get("kind") in REFERENCES

    def values(self, metric: str) -> list[float]:
        """A metric's value for each seed that has one."""
        found = (each.record.metrics.get(metric) for each in self.stored)
        return [value.value for value in found if value is not None and value.value is not None]

    def mean(self, metric: str) -> float | None:
        """Mean of a metric over seeds; None where no seed has a value."""
        values = self.values(metric)
        return float(np.mean(values)) if values else None

    def samples(self, metric: str) -> Samples | None:
        """The metric's values by seed and scene or image, from the files beside the records, of the seeds that `values` has; None where a
        task keeps none, and for metrics that are not means over them.
        """
        task = TASKS.get(self.first.task)
        if task.units is None or not self.values(metric):
            return None
        rows = [task.unit_sums(each, metric) for each in self.stored if each.record.value(metric) is not None]
        units = sorted(set().union(*rows))
        if not units:
            return None
        total, count = (np.array([[row.get(unit, (0.0, 0.0))[k] for unit in units] for row in rows]) for k in (0, 1))
        return Samples(total, count, np.array(units))

    def is_bimodal(self, metric: str) -> bool:
        """Whether an accuracy is bimodal over seeds."""
        return "accuracy" in metric and bimodal(self.values(metric))


def training(record: Record) -> Mapping[str, Any]:
    """The configuration that a model of this project was trained with; empty for others."""
    described = record.model_info.get("training")
    config = described.get("config") if isinstance(described, dict) else None
    return config if isinstance(config, dict) else {}


def seed_of(record: Record) -> int | None:
    """Seed of the training; for models that were not trained here, the number at the end of a name such as `mine-seed1`, if it has one."""
    config = training(record)
    if config:
        seed = config.get("seed")
        return seed if isinstance(seed, int) else None
    named = SEEDED.search(record.model)
    return int(named[1]) if named else None


def entries(stored: Sequence[StoredRecord]) -> list[Entry]:
    """Records grouped by method: those that differ only in the seed form one entry; a second record of a seed is a row of its own."""
    groups: dict[str, dict[int, StoredRecord]] = {}
    alone = []
    unlike = {each.path.resolve(): each for each in stored}
    for each in sorted(unlike.values(), key=lambda each: (each.record.model, each.record.created, str(each.path))):
        seed = seed_of(each.record)
        if seed is None or groups.setdefault(_method(each.record), {}).setdefault(seed, each) is not each:
            alone.append(Entry((each,)))
    return alone + [Entry(tuple(by_seed[seed] for seed in sorted(by_seed))) for by_seed in groups.values()]


def _without_seed(name: str) -> str:
    return SEEDED.sub("", name) or name


def _method(record: Record) -> str:
    config, info = dict(training(record)), record.model_info
    config.pop("seed", None)
    if config:
        method = {"config": config, "step": info.get("step"), **{name: info["training"].get(name) for name in TRAINED_ON}}
    else:
        method = {"name": _without_seed(record.model), "kind": info.get("kind")}
    settings = [record.protocol.radius_px, record.protocol.subpixel]
    settings += [info.get(name) for name in ("p", "input_size", "input_multiple", "scales")]
    return json.dumps([method, *settings], sort_keys=True, default=str)
