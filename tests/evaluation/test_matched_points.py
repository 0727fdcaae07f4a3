from typing import Any

import numpy as np
import pytest
import torch

from pixbench.evaluation.matched_points import matched_points

A = np.arange(10.0).reshape(5, 2)
B = A + 100


@pytest.mark.parametrize(
    ("found", "score"),
    [
        ((A, B), None),
        ([A.tolist(), B.tolist()], None),
        ((torch.from_numpy(A), torch.from_numpy(B), torch.arange(5.0)), [0, 1, 2, 3, 4]),
        ((np.column_stack([A, np.arange(5)]), np.column_stack([B, np.arange(5)])), [0, 1, 2, 3, 4]),
        # kornia's and the authors' LoFTR
        ({"keypoints0": A, "keypoints1": B, "confidence": np.arange(5), "batch_indexes": np.zeros(5)}, [0, 1, 2, 3, 4]),
        ({"mkpts0_f": A, "mkpts1_f": B, "mconf": np.arange(5)}, [0, 1, 2, 3, 4]),
        # Only names present for both images are points; a batch dimension of one and a column of scores are squeezed.
        ({"keypoints0": A + 7, "mkpts0": A, "mkpts1": B}, None),
        ({"keypoints0": A[None], "keypoints1": B[None], "scores": np.arange(5)[None]}, [0, 1, 2, 3, 4]),
        ((A, B, np.arange(5)[:, None]), [0, 1, 2, 3, 4]),
    ],
)
def test_output_layouts_of_matchers(found: Any, score: list[int] | None) -> None:
    points = matched_points(found)
    assert np.array_equal(points.a, A)
    assert np.array_equal(points.b, B)
    assert (None if points.score is None else points.score.tolist()) == score


@pytest.mark.parametrize("wrong", [-1, 5])
def test_indices_of_no_point_are_rejected(wrong: int) -> None:
    """-1 stands for none in many programs; NumPy would take it for the last point."""
    pairs = np.array([[0, 3], [4, wrong]])
    with pytest.raises(ValueError, match=rf"matches with the index {wrong}, of 5 points: expected indices from 0"):
        matched_points({"keypoints0": A, "keypoints1": B, "matches": pairs})


def test_tensors_of_other_types_and_with_gradient() -> None:
    """As of a network in bfloat16, or one called with gradients; LightGlue's scores are in a list. All numbers are exact in bfloat16."""
    half = [torch.from_numpy(points).bfloat16().requires_grad_() for points in (A, B)]
    points = matched_points({"keypoints0": half[0], "keypoints1": half[1], "scores": [torch.full((5,), 0.5).bfloat16().requires_grad_()]})
    assert np.array_equal(points.a, A)
    assert np.array_equal(points.b, B)
    assert points.score is not None
    assert points.score.tolist() == [0.5] * 5


def test_matches_given_as_keypoint_indices() -> None:
    light = {"keypoints0": torch.from_numpy(A)[None], "keypoints1": torch.from_numpy(B)[None]}
    pairs = torch.tensor([[0, 3], [4, 1]])
    for matches in (pairs, pairs[None], [pairs]):
        points = matched_points({**light, "matches": matches, "scores": [torch.tensor([0.5, 0.25])]})
        assert points.a.tolist() == [[0, 1], [8, 9]]
        assert points.b.tolist() == [[106, 107], [102, 103]]
        assert points.score is not None
        assert points.score.tolist() == [0.5, 0.25]
    glue = matched_points({**light, "matches0": torch.tensor([[-1, 2, -1, -1, 0]]), "matching_scores0": torch.arange(5.0)[None]})
    assert glue.a.tolist() == [[2, 3], [8, 9]]
    assert glue.b.tolist() == [[104, 105], [100, 101]]
    assert glue.score is not None
    assert glue.score.tolist() == [1, 4]


@pytest.mark.parametrize("matches", [[[4, 1]], np.array([[4, 1]]), torch.tensor([[[4, 1]]]), [torch.tensor([[4, 1]])]])
def test_a_single_match(matches: Any) -> None:
    points = matched_points({"keypoints0": A, "keypoints1": B, "matches": matches, "confidence": [0.5]})
    assert (points.a.tolist(), points.b.tolist()) == ([[8, 9]], [[102, 103]])
    assert points.score is not None
    assert points.score.tolist() == [0.5]


def test_scores_of_points_are_those_of_their_matches_also_where_all_are_matched() -> None:
    # By its name there is one score per point of the first image, here of as many matches as points, in another order.
    order = [4, 3, 2, 1, 0]
    points = matched_points({"keypoints0": A, "keypoints1": B, "matches": [[k, k] for k in order], "matching_scores0": np.arange(5)})
    assert points.score is not None
    assert points.score.tolist() == order


def test_two_sources_of_scores_are_rejected() -> None:
    scored = np.concatenate([A, np.ones((5, 1))], axis=1)
    with pytest.raises(ValueError, match="points with scores, and a third array of scores"):
        matched_points((scored, scored, np.zeros(5)))


def test_keypoint_scores_are_gathered_for_matches() -> None:
    pairs = np.array([[3, 0], [1, 4]])
    points = matched_points({"keypoints0": A, "keypoints1": B, "matches": pairs, "scores": np.arange(5) / 10})
    assert points.score is not None
    assert points.score.tolist() == [0.3, 0.1]
    # As many scores as matches are scores of the matches, even if there are as many points.
    order = np.array([4, 3, 2, 1, 0])
    points = matched_points({"keypoints0": A, "keypoints1": B, "matches": np.stack([order, order], axis=1), "scores": np.arange(5)})
    assert points.score is not None
    assert points.score.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("image", "axis"), [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_non_finite_points_are_dropped(image: int, axis: int, value: float) -> None:
    both = np.stack([A, B])
    both[image, 2, axis] = value
    assert matched_points((*both, np.arange(5))).score.tolist() == [0, 1, 3, 4]  # type: ignore[union-attr]


def test_empty_points_give_no_matches() -> None:
    assert len(matched_points((np.empty((0, 2)), np.empty((0, 2)))).a) == 0


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ((A.T, B.T), r"points 0 of shape \(2, 5\): expected two arrays \(matches, 2\)"),
        ((A[None], B[None]), r"points 0 of shape \(1, 5, 2\)"),
        ((A, B[:4]), "5 points of the first image and 4 of the second"),
        ((A, B, np.arange(4)), r"scores of shape \(4,\) for 5 matches"),
        (A, r"a ndarray of shape \(5, 2\)"),
        (None, "a NoneType"),
        (("x", "y"), "points 0 that are not numeric"),
        ({"kpts0": A, "kpts1": B}, "a dictionary with kpts0, kpts1: expected"),
        ({"keypoints0": A.T, "keypoints1": B.T}, r"keypoints0 of shape \(2, 5\)"),
        ({"keypoints0": A, "keypoints1": B, "matches": np.arange(3)}, r"matches of shape \(3,\)"),
    ],
)
def test_unknown_layouts_are_rejected(found: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        matched_points(found)
