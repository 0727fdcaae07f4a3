"""Checks of the data of a run, before it starts."""

from ...errors import UserError
from .pairs import TrainingPairs


def check_pairs(source: TrainingPairs, validation: TrainingPairs | None, batch: int, processes: int, compares_images: bool) -> None:
    """Raises UserError where there are no pairs to train or validate on; and for a loss that compares the images of a batch, where the
    pairs of all processes cannot be of different scenes. `batch` counts pairs per process.
    """
    scenes = len(set(source.groups))
    if not scenes:
        raise UserError("the data has no pairs of views: there is nothing to train on")
    if validation is not None and not len(validation.groups):
        raise UserError("the validation set has no pairs of views: there is nothing to validate on")
    if compares_images and batch * processes > scenes:
        if processes > scenes:
            raise UserError(f"{processes} processes share {scenes} scenes: use at most {scenes} processes, or more data")
        several = "" if processes == 1 else f" on {processes} processes"
        raise UserError(
            f"--batch {batch}{several} with {scenes} scenes: views of one scene would be compared as different images; "
            f"use at most {scenes // processes}"
        )
