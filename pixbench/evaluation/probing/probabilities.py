"""Predictions of classifiers for images, and the file that stores them."""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from ...errors import UserError
from ...io.files import written_whole
from .read_out import READ_OUTS, Classified

FORMAT = "pixbench-probabilities"


def write_probabilities(path: Path, classified: Mapping[str, tuple[Classified, Classified]]) -> None:
    """For each read-out the probability of class 1 of every ID and OOD image, and the labels."""
    with written_whole(path) as temporary, h5py.File(temporary, "w", libver=("v110", "v110")) as file:
        file.attrs["format"], file.attrs["format_version"] = FORMAT, 1
        for name, both in classified.items():
            for part, found in zip(("id", "ood"), both, strict=True):
                group = file.require_group(part)
                group.create_dataset(name, data=found.probability.astype(np.float32), compression="gzip")
                if "label" not in group:
                    group.create_dataset("label", data=found.label, compression="gzip")


def read_probabilities(path: Path) -> dict[str, tuple[Classified, Classified]]:
    """What `write_probabilities` wrote."""
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != FORMAT:
                raise UserError(f"{path} holds no probabilities: run 'pixbench evaluate' again")
            first, second = (
                {name: Classified(group[name][()].astype(np.float64), group["label"][()].astype(bool)) for name in READ_OUTS}
                for group in (file["id"], file["ood"])
            )
    except (OSError, KeyError) as error:
        raise UserError(f"{path} holds no probabilities ({error}): run 'pixbench evaluate' again") from None
    return {name: (first[name], second[name]) for name in READ_OUTS}
