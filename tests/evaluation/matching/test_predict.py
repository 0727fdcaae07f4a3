from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from flat_pairs import MOVE, FlatPairs, flat_pair
from torch import Tensor

from pixbench.dataset.reader import Pair
from pixbench.errors import UserError
from pixbench.evaluation.matching.dense_matcher import Matches, Search
from pixbench.evaluation.matching.predict import _describe_images, predict
from pixbench.evaluation.model import DescriptorModel, Model


class Batches(DescriptorModel):
    """Records the batch sizes; describes each image by its mean."""

    name, p = "batches", 2.0

    def __init__(self) -> None:
        self.asked: list[int] = []

    def describe(self, images: Tensor) -> Tensor:
        self.asked.append(len(images))
        return images.mean(dim=(1, 2, 3), keepdim=True).expand(-1, 1, *images.shape[2:])


@pytest.mark.parametrize(
    ("heights", "batch", "asked"),
    [
        ([4, 4, 4, 4, 4], 2, [2, 2, 1]),
        ([4, 4, 6, 6, 6, 4], 4, [2, 3, 1]),
        ([4, 6, 4], 9, [1, 1, 1]),
        ([4, 4, 4], 1, [1, 1, 1]),
        ([], 4, []),
    ],
)
def test_images_of_equal_size_are_batched(heights: Sequence[int], batch: int, asked: list[int]) -> None:
    model, images = Batches(), [np.full((height, 5, 3), 10 * number, np.uint8) for number, height in enumerate(heights)]
    described = list(_describe_images(model, images, batch))
    assert model.asked == asked
    assert [tuple(each.shape) for each in described] == [(1, height, 5) for height in heights]
    assert [round(float(each.mean()) * 255) for each in described] == [10 * number for number in range(len(heights))]


class Moved(Model):
    """Predicts every match exactly, but fails on some calls."""

    name = "moved"

    def __init__(self, *fails: int, short: bool = False, error: type[Exception] = ValueError):
        self.calls, self._fails, self._short, self._error = 0, fails, short, error

    def match(self, pair: Pair, query_uv: np.ndarray) -> Matches:
        self.calls += 1
        if self.calls in self._fails:
            raise self._error("no\n  points")
        return Matches.only((query_uv + MOVE)[self._short :])


def _source() -> FlatPairs:
    return FlatPairs(*(flat_pair(scene=scene) for scene in range(3)))


def test_finished_scenes_are_not_predicted_again(tmp_path: Path) -> None:
    done: list[int] = []
    first, spent = predict(Moved(2), _source(), tmp_path / "work", progress=done.append)
    assert [answer.reason for answer in first.answers] == ["", "ValueError: no points", ""]
    assert (spent.images, spent.pairs, done) == (0, 3, [1, 1, 1])
    assert np.isnan(first.answers[1].matches.uv).all()
    again = Moved()
    second, spent = predict(again, _source(), tmp_path / "work", progress=done.append)
    assert (again.calls, spent.pairs, sum(done)) == (0, 0, 6)
    assert [answer.reason for answer in second.answers] == [answer.reason for answer in first.answers]
    np.testing.assert_allclose(second.answers[2].matches.uv, first.answers[2].matches.uv)
    # Another search is another run.
    with pytest.raises(UserError, match="holds an interrupted run of another model or with other options"):
        predict(Moved(), _source(), tmp_path / "work", search=Search(radius_px=3))
    assert predict(again, _source(), tmp_path / "work", search=Search(radius_px=3), force=True)[1].pairs == 3


def test_incomplete_predictions_are_a_failure(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="moved failed on every pair; the first time with: ValueError: 11 answers for 12 queries"):
        predict(Moved(short=True), _source(), tmp_path / "work")
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("error", [UserError, MemoryError])
def test_errors_that_affect_every_pair_end_the_run(error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error, match="no"):
        predict(Moved(2, error=error), _source(), tmp_path / "work")


def test_failure_reasons_are_one_short_line(tmp_path: Path) -> None:
    class Verbose(Moved):
        def match(self, pair: Pair, query_uv: np.ndarray) -> Matches:
            if pair.rgb_a.any():
                return super().match(pair, query_uv)
            raise np.linalg.LinAlgError("x" * 500 + "\nsecond line")

    with pytest.raises(UserError) as caught:
        predict(Verbose(), _source(), tmp_path / "work")
    assert str(caught.value).endswith(f"with: LinAlgError: {'x' * 399}…")
