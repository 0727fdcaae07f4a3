import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torch import Tensor

from pixbench.evaluation.matching.dense_matcher import Search, match_dense
from pixbench.evaluation.matching.nearest import NORMS, Norm, Window, distances, nearest
from pixbench.evaluation.matching.nearest.search import _search_compiled, _search_in_blocks

SCIPY = {1: "cityblock", 2: "euclidean", math.inf: "chebyshev", "cosine": "cosine"}


def _random(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("channels", [1, 7, 32])
def test_nearest_matches_scipy_for_any_number_of_threads(p: Norm, channels: int) -> None:
    queries, targets = _random(150, channels), _random(700, channels, seed=2)
    expected = cdist(queries.double(), targets.double(), SCIPY[p])
    # With one channel all cosines are 1 or -1, up to rounding: distances are compared, indices only where they are apart.
    apart = np.diff(np.sort(expected, axis=1)[:, :2], axis=1)[:, 0] > 1e-6
    threads = torch.get_num_threads()
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            found = nearest(queries, targets, p=p)
            np.testing.assert_allclose(found.distance, expected.min(axis=1), rtol=2e-6, atol=2e-6)
            assert (found.index.numpy() == expected.argmin(axis=1))[apart].all()
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(("p", "windowed", "channels"), list(product(NORMS[:3], (False, True), (5, 32))))
def test_compiled_and_blockwise_search_are_bitwise_equal(p: Norm, windowed: bool, channels: int) -> None:
    # One runs on the CPU, the other on any device: both round every step of their sums alike.
    queries, targets = _random(90, channels), _random(30 * 20, channels, seed=2)
    targets[7] = targets[400] = queries[3]
    limit = torch.full((90,), float(_random(1).abs()) * channels)
    window = Window(torch.rand(90, 2, generator=torch.Generator().manual_seed(3)) * 20, 30, inner=1.5, outer=9.0) if windowed else None
    for block in (1, 50_000):
        compiled, blocks = (search(queries, targets, p, window, limit, block) for search in (_search_compiled, _search_in_blocks))
        for one, other in zip(compiled, blocks, strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("search", [_search_compiled, _search_in_blocks])
def test_no_queries_have_no_neighbours_on_any_device(search: Callable[..., tuple[Tensor, ...]]) -> None:
    """A pair in which the target sees nothing of the source has no query; the search in blocks is that of a GPU."""
    for window in (None, Window(torch.zeros(0, 2), 5, outer=3.0)):
        found = search(_random(0, 4), _random(20, 4), 2.0, window, None, 1024)
        assert [len(values) for values in found] == [0, 0, 0]


def test_euclidean_search_is_exact_in_tight_clusters() -> None:
    centres = torch.nn.functional.normalize(_random(10, 32), dim=1)
    targets = centres.repeat(60, 1) + 1e-4 * _random(600, 32, seed=2)
    queries = targets[::7] + 2e-5 * _random(86, 32, seed=3)
    expected = cdist(queries.double(), targets.double(), "sqeuclidean").argmin(axis=1)
    assert nearest(queries, targets, p=2).index.tolist() == expected.tolist()


def test_nearest_matches_faiss() -> None:
    import faiss

    queries, targets = _random(200, 24), _random(3000, 24, seed=2)
    for p, metric in ((2, faiss.METRIC_L2), (1, faiss.METRIC_L1), (math.inf, faiss.METRIC_Linf)):
        index = faiss.IndexFlat(24, metric)
        index.add(targets.numpy())
        distance, found = index.search(queries.numpy(), 1)
        ours = nearest(queries, targets, p=p)
        assert ours.index.tolist() == found[:, 0].tolist()
        np.testing.assert_allclose(ours.distance, np.sqrt(distance[:, 0]) if p == 2 else distance[:, 0], rtol=1e-4)


@pytest.mark.parametrize("p", NORMS)
def test_ties_return_the_first_index(p: Norm) -> None:
    targets = torch.tensor([[5.0, 0.0], [1.0, 1.0], [1.0, 1.0], [-1.0, -1.0]])
    assert nearest(torch.tensor([[1.0, 1.0], [2.0, 2.0]]), targets, p=p).index.tolist() == [1, 1]


def test_window_restricts_the_search_to_a_ring() -> None:
    # Six pixels in a row; the best is the query's own position, which the inner radius excludes.
    targets = torch.tensor([[9.0], [3.0], [0.0], [1.0], [2.0], [0.5]])
    centre = torch.tensor([[2.0, 0.0]])
    query = torch.tensor([[0.0]])
    assert nearest(query, targets, p=1, window=Window(centre, 6, inner=0.5)).index.tolist() == [5]
    assert nearest(query, targets, p=1, window=Window(centre, 6, inner=0.5, outer=2.0)).index.tolist() == [3]
    nothing = nearest(query, targets, p=1, window=Window(centre, 6, inner=1.2, outer=1.8))
    assert (nothing.index.tolist(), nothing.distance.tolist()) == ([-1], [math.inf])


@pytest.mark.parametrize("p", NORMS)
def test_closer_counts_targets_nearer_than_the_rival(p: Norm) -> None:
    queries, targets = _random(40, 6), _random(300, 6, seed=2)
    truth = torch.arange(40) * 7
    targets[11] = targets[7]
    found = nearest(queries, targets, p=p, rival=targets[truth])
    every = distances(queries, targets[None].expand(40, -1, -1), p=p)
    # A target is as close as itself, and so is its copy: each counts half.
    limit = every.gather(1, truth[:, None])
    assert found.closer.tolist() == ((every < limit).sum(dim=1) + (every == limit).sum(dim=1) / 2).tolist()
    assert found.closer[1] % 1 == 0
    assert found.closer[0] % 1 == 0.5
    assert torch.equal(every.min(dim=1).values, found.distance)


def test_invalid_inputs_are_rejected() -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        nearest(torch.tensor([[math.nan]]), torch.zeros(1, 1), p=2)
    with pytest.raises(ValueError, match="expected 1, 2, inf or 'cosine'"):
        nearest(torch.zeros(1, 1), torch.zeros(1, 1), p=3)


def _position_codes(width: int, height: int, shift: tuple[float, float] = (0.0, 0.0)) -> Tensor:
    """Smooth descriptors that are unique at every position of an image."""
    y, x = torch.meshgrid(torch.arange(height) - shift[1], torch.arange(width) - shift[0], indexing="ij")
    waves = [f(v / s) for v in (x, y) for s in (4.0, 7.0, 13.0) for f in (torch.sin, torch.cos)]
    return torch.stack(waves).float()


def test_dense_matching_recovers_a_shift() -> None:
    # What source pixel (x, y) shows, target pixel (x + 3, y + 2) shows.
    source, target = _position_codes(24, 16), _position_codes(24, 16, (3, 2))
    pixel = torch.tensor([[5, 5], [10, 8], [23, 15]])
    found = match_dense(source, target, pixel, p=2, truth_pixel=torch.tensor([[8, 7], [13, 10], [-1, -1]]))
    assert found.uv[:2].tolist() == [[8.5, 7.5], [13.5, 10.5]]
    assert found.cycle_error_px[:2].tolist() == [0.0, 0.0]
    assert found.cycle_error_px[2] > 0  # it left the image, and is matched to something else
    assert found.closer[:2].tolist() == [0.0, 0.0]
    assert math.isnan(found.closer[2])
    assert (found.ratio[:2] < 0.1).all()


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("radius", [math.inf, 6.0])
def test_collapsed_model_scores_at_chance(p: Norm, radius: float) -> None:
    # All pixels tie with the true match: half of the others count as closer; with a window, half of those inside.
    blank, pixel = torch.zeros(5, 16, 24), torch.tensor([[5, 5], [10, 8]])
    found = match_dense(blank, blank, pixel, p=p, truth_pixel=torch.tensor([[8, 7], [20, 10]]), search=Search(radius_px=radius))
    row, column = np.mgrid[:16, :24]
    inside = [int(((column - x) ** 2 + (row - y) ** 2 <= radius**2).sum()) for x, y in pixel.tolist()]
    # The second truth lies outside the small window.
    others = [inside[0] - 1, inside[1] - (radius == math.inf)]
    assert found.closer.tolist() == pytest.approx([n / 2 / (16 * 24 - 1) for n in others])


@pytest.mark.parametrize("p", [1.0, 2.0])
def test_parabola_fit_gives_subpixel_positions(p: float) -> None:
    source, target = _position_codes(24, 16), _position_codes(24, 16, (2.3, -1.4))
    pixel = torch.tensor([[6, 6], [12, 9], [9, 7]])
    expected = pixel.numpy() + 0.5 + [2.3, -1.4]
    whole, refined = (match_dense(source, target, pixel, p=p, search=Search(subpixel=subpixel)).uv for subpixel in (False, True))
    assert np.abs(whole - expected).max() > 0.29
    assert np.abs(refined - expected).max() < 0.13


def test_a_radius_limits_the_search() -> None:
    source, target = _position_codes(24, 16), _position_codes(24, 16, (6, 0))
    found = match_dense(source, target, torch.tensor([[8, 8]]), p=2, search=Search(radius_px=3))
    assert np.linalg.norm(found.uv[0] - [8.5, 8.5]) <= 3
