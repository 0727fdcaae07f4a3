"""Predictions of classifiers for images, and the file that stores them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...io.files import written_whole
from ...io.hdf5 import create_file, member, read_file, values
from .read_out import READ_OUTS, Classified

FORMAT = "pixbench-probabilities"


def write_probabilities(path: Path, classified: Mapping[str, tuple[Classified, Classified]]) -> None:
    """Write, for each read-out, the probability of class 1 of every ID and OOD image, and the labels."""
    with written_whole(path) as temporary, create_file(temporary, libver=("v110", "v110")) as file:
        file.attrs["format"], file.attrs["format_version"] = FORMAT, 1
        for name, both in classified.items():
            for part, found in zip(("id", "ood"), both, strict=True):
                group = file.require_group(part)
                group.create_dataset(name, data=found.probability.astype(np.float32), compression="gzip")
                if "label" not in group:
                    group.create_dataset("label", data=found.label, compression="gzip")


def read_probabilities(path: Path) -> dict[str, tuple[Classified, Classified]]:
    """Read a file of `write_probabilities`. Raises UserError if the file is damaged or of another format."""
    with read_file(path, "it holds no probabilities; run 'pixbench evaluate' again") as file:
        if file.attrs.get("format") != FORMAT:
            raise ValueError(f"it is not of format {FORMAT}")
        first, second = (
            {name: _classified(values(member(group, name)), values(member(group, "label"))) for name in READ_OUTS}
            for group in (member(file, "id"), member(file, "ood"))
        )
    return {name: (first[name], second[name]) for name in READ_OUTS}


def _classified(probability: np.ndarray, label: np.ndarray) -> Classified:
    if probability.ndim != 1 or probability.shape != label.shape:
        raise ValueError(f"probabilities {probability.shape} and labels {label.shape} do not fit together")
    return Classified(probability.astype(np.float64), label.astype(bool))
