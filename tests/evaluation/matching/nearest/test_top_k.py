"""nearest_k against distance matrices of scipy and torch, and the compiled search against torch."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from torch import Tensor

from pixbench.evaluation.matching.nearest import NORMS, Norm, Separation, nearest, nearest_k, top_k

SCIPY = {1: "cityblock", 2: "euclidean", math.inf: "chebyshev", "cosine": "cosine"}


def _random(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _uv(*shape: int, seed: int = 1) -> Tensor:
    return 30 * torch.rand(*shape, 2, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("channels", [1, 3, 32])
def test_distances_and_order_match_scipy(p: Norm, channels: int) -> None:
    queries, targets = _random(2, 37, channels), _random(2, 83, channels, seed=2)
    found = nearest_k(queries, targets, 5, p=p)
    for image in range(2):
        expected = cdist(queries[image].double(), targets[image].double(), SCIPY[p])
        np.testing.assert_allclose(found.distance[image], np.sort(expected, axis=1)[:, :5], rtol=3e-6, atol=3e-6)
        np.testing.assert_allclose(
            np.take_along_axis(expected, found.index[image].numpy(), axis=1), found.distance[image], rtol=3e-6, atol=3e-6
        )


@pytest.mark.parametrize("p", [1.0, 2.0, math.inf])
def test_masks_and_lower_bounds_match_topk_of_a_masked_matrix(p: float) -> None:
    # All distances differ: torch.topk has no ties.
    queries, targets, uv, allowed = _random(3, 50, 8), _random(3, 70, 8, seed=2), _uv(3, 70), _random(3, 70, seed=4) > -0.5
    apart = Separation(uv[:, :50], uv, 6.0)
    found = nearest_k(queries, targets, 4, p=p, allowed=allowed, apart=apart, beyond=targets[:, :50])
    distance = torch.cdist(queries.double(), targets.double(), p=p)
    counts = (torch.cdist(uv[:, :50].double(), uv.double()) > 6) & allowed[:, None]
    # The lower bound of query n is target n, at the same position: it is not separated, so equality does not matter.
    counts &= distance > distance[:, range(50), range(50)][..., None]
    expected = distance.masked_fill(~counts, math.inf).topk(4, dim=2, largest=False)
    assert torch.equal(found.index, expected.indices.where(expected.values < math.inf, -1))
    torch.testing.assert_close(found.distance.double(), expected.values, rtol=1e-5, atol=1e-6)


@settings(max_examples=80)
@given(
    seed=st.integers(0, 2**30),
    batch=st.integers(1, 3),
    queries=st.integers(1, 70),
    targets=st.integers(1, 70),
    channels=st.integers(1, 20),
    k=st.integers(1, 20),
    p=st.sampled_from(NORMS),
    equal=st.booleans(),
    scale=st.sampled_from([1.0, 1e-30, 1e25, 1e38]),
    masked=st.tuples(st.booleans(), st.sampled_from([None, -1.0, 0.0, 5.0]), st.booleans()),
    threads=st.integers(1, 3),
)
def test_compiled_search_matches_torch(
    seed: int, batch: int, queries: int, targets: int, channels: int, k: int, p: Norm, equal: bool, scale: float, masked: Any, threads: int
) -> None:
    rng = np.random.default_rng(seed)
    x, y, beyond = (rng.normal(size=(batch, n, channels)) for n in (queries, targets, queries))
    # Rounded to integers, many distances are equal.
    x, y, beyond = (torch.from_numpy((scale * (np.round(v) if equal else v)).clip(-3e38, 3e38).astype(np.float32)) for v in (x, y, beyond))
    centre, place = (torch.from_numpy(np.round(rng.uniform(0, 12, (batch, n, 2)))) for n in (queries, targets))
    options: dict[str, Any] = {
        "allowed": torch.from_numpy(rng.random((batch, targets)) < 0.6) if masked[0] else None,
        "apart": None if masked[1] is None else Separation(centre, place, masked[1]),
        "beyond": beyond if masked[2] else None,
    }
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        found = nearest_k(x, y, k, p=p, **options)
    finally:
        torch.set_num_threads(before)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(top_k, "_can_be_compiled", lambda _: False)
        expected = nearest_k(x, y, k, p=p, **options)
    assert torch.equal(found.distance, expected.distance)
    assert torch.equal(found.index, expected.index)


@pytest.mark.parametrize("k", [1, 5, 16, 17, 40])
@pytest.mark.parametrize("px", [3.0, 20.0, 60.0, 120.0])
def test_targets_too_close_in_the_image_are_skipped(px: float, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Descriptors are positions on a line, so the skipped targets are the nearest; some queries keep no target."""
    place = torch.stack([torch.randperm(200, generator=torch.Generator().manual_seed(5)).float(), torch.zeros(200)], dim=1)[None]
    line, apart = place[..., :1].clone(), Separation(place, place, px)
    found = nearest_k(line, line, k, p=1.0, apart=apart)
    distance = (line - line.transpose(1, 2)).abs()
    least = distance.masked_fill(distance <= px, math.inf).sort(dim=2).values[..., :k]
    assert torch.equal(found.distance, least)
    monkeypatch.setattr(top_k, "_can_be_compiled", lambda _: False)
    assert torch.equal(nearest_k(line, line, k, p=1.0, apart=apart).index, found.index)


def test_ties_keep_their_order_and_missing_neighbours_come_last() -> None:
    targets = torch.tensor([[[3.0], [1.0], [2.0], [1.0], [0.0], [2.0]]])
    found = nearest_k(torch.zeros(1, 1, 1), targets, 4, p=1, allowed=torch.tensor([[True, True, True, True, False, True]]))
    assert found.index.tolist() == [[[1, 3, 2, 5]]]
    found = nearest_k(torch.zeros(1, 1, 1), targets, 8, p=1, beyond=torch.tensor([[[2.0]]]))
    assert found.index.tolist() == [[[2, 5, 0, -1, -1, -1, -1, -1]]]
    assert found.distance[0, 0, :4].tolist() == [2.0, 2.0, 3.0, math.inf]


def test_separation_radius_is_exclusive() -> None:
    place = torch.tensor([[[0.0, 0.0], [4.0, 0.0], [4.01, 0.0], [3.0, 3.0]]])
    found = nearest_k(torch.zeros(1, 1, 2), torch.zeros(1, 4, 2), 4, p=2, apart=Separation(torch.zeros(1, 1, 2), place, 4.0))
    assert found.index.tolist() == [[[2, 3, -1, -1]]]


@pytest.mark.parametrize("p", NORMS)
def test_first_neighbour_matches_nearest(p: Norm) -> None:
    queries, targets = _random(100, 12), _random(300, 12, seed=2)
    one, several = nearest(queries, targets, p=p), nearest_k(queries[None], targets[None], 3, p=p)
    assert torch.equal(several.index[0, :, 0], one.index)
    assert torch.equal(several.distance[0, :, 0], one.distance)


@pytest.mark.parametrize("p", [1.0, 2.0, math.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nan_and_infinite_descriptors_are_never_neighbours(p: float, dtype: torch.dtype) -> None:
    targets = torch.tensor([[[math.nan, 0], [5, 0], [math.inf, 0], [1, 0]]], dtype=dtype)
    queries = torch.tensor([[[0, 0], [0, math.nan]]], dtype=dtype)
    assert nearest_k(queries, targets, 3, p=p).index.tolist() == [[[3, 1, -1], [-1, -1, -1]]]
