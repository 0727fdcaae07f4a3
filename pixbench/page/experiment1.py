"""Experiment 1 for the page: every run's accuracies, loss curve and feature maps."""

from collections.abc import Iterator, Sequence
from typing import Any

from .site import PagePart

ACCURACIES = ("p", "between_weight", "seed", "id", "ood", "class", "probe_id", "probe_ood", "preset")


class Experiment1Part(PagePart):
    """The cells of a sweep."""

    name = "experiment1"

    def __init__(self, cells: Sequence[dict[str, Any]]):
        self._cells = list(cells)

    def index(self) -> dict[str, Any]:
        """Accuracies and class of every run."""
        cells = [{name: cell[name] for name in ACCURACIES} for cell in self._cells]
        return {"objective": self._cells[0].get("objective", "paper"), "preset": self._cells[0]["preset"], "cells": cells}

    def files(self) -> Iterator[str]:
        """All runs."""
        yield from (f"cell-{number}" for number in range(len(self._cells)))

    def read(self, name: str) -> dict[str, Any]:
        """`cell-N`: its losses, and channels of some digits, in hundredths. Raises KeyError for another name."""
        kind, _, number = name.partition("-")
        if kind != "cell" or not number.isdecimal() or int(number) >= len(self._cells):
            raise KeyError(name)
        cell = self._cells[int(number)]
        return {"losses": cell["losses"], "steps": cell["settings"]["steps"], "channels": cell["channels"]}
