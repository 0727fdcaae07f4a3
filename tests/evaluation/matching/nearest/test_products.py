"""Search by products: its bound, and bitwise equality with the sums over all pairs."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pixbench.evaluation.matching.nearest import NORMS, Norm, Window, compiled, product_plan
from pixbench.evaluation.matching.nearest.product_bound import BLOCK, UNIT, Frame, products_of
from pixbench.evaluation.matching.nearest.search import _search_compiled, _search_in_blocks, sums_of, unit
from pixbench.jit.simd import WIDTH

Rng = np.random.Generator
Array = np.ndarray
Pair = tuple[Array, Array]


def _random(rng: Rng, queries: int, targets: int, channels: int) -> Pair:
    return rng.normal(size=(queries, channels)), rng.normal(size=(targets, channels))


def _copies(rng: Rng, queries: int, targets: int, channels: int) -> Pair:
    """Noisy copies of targets."""
    q, t = _random(rng, queries, targets, channels)
    return t[rng.integers(targets, size=queries)] + 0.1 * q, t


def _clusters(rng: Rng, queries: int, targets: int, channels: int) -> Pair:
    """All within 1e-4 of five centres."""
    q, t = (1e-4 * x for x in _random(rng, queries, targets, channels))
    centres = rng.normal(size=(5, channels))
    return centres[rng.integers(5, size=queries)] + q, centres[rng.integers(5, size=targets)] + t


def _duplicates(rng: Rng, queries: int, targets: int, channels: int) -> Pair:
    """Seven different descriptors, repeated."""
    seven = rng.normal(size=(7, channels))
    return seven[rng.integers(7, size=queries)], seven[rng.integers(7, size=targets)]


def _integers(rng: Rng, queries: int, targets: int, channels: int) -> Pair:
    """Many equal distances."""
    q, t = _random(rng, queries, targets, channels)
    return np.round(q), np.round(t)


def _shell(rng: Rng, queries: int, targets: int, channels: int) -> Pair:
    """One query, and targets at the same distance from it up to a few roundings."""
    q, t = _random(rng, 1, targets, channels)
    length = 1 + 3e-7 * rng.integers(-2, 3, size=(targets, 1))
    return np.repeat(q, queries, axis=0), q + length * t / np.linalg.norm(t, axis=1, keepdims=True)


def _curve(rng: Rng, queries: int, targets: int, channels: int) -> Pair:
    """On a smooth curve in three directions, as descriptors of neighbouring pixels are."""
    axes = rng.normal(size=(3, channels))
    q, t = (np.cos(u[:, None] * np.arange(1, 4)) @ axes for u in (rng.uniform(0, 6, queries), np.linspace(0, 6, targets)))
    return q, t + 1e-3 * rng.normal(size=t.shape)


def _scaled(low: float, high: float) -> Callable[..., Pair]:
    def make(rng: Rng, queries: int, targets: int, channels: int) -> Pair:
        q, t = (x * 10.0 ** rng.uniform(low, high, size=(len(x), 1)) for x in _random(rng, queries, targets, channels))
        return q, t

    return make


def _offset(rng: Rng, queries: int, targets: int, channels: int) -> Pair:
    q, t = (1e3 + 1e-3 * x for x in _random(rng, queries, targets, channels))
    return q, t


def _outlier(rng: Rng, queries: int, targets: int, channels: int) -> Pair:
    q, t = _random(rng, queries, targets, channels)
    t[targets // 2] *= 1e15
    return q, t


KINDS: dict[str, Callable[..., Pair]] = {
    "random": _random,
    "copies": _copies,
    "clusters": _clusters,
    "duplicates": _duplicates,
    "integers": _integers,
    "shell": _shell,
    "curve": _curve,
    "offset": _offset,
    "tiny": _scaled(-30, -30),
    "subnormal": _scaled(-42, -42),
    "huge": _scaled(30, 30),
    "all ranges": _scaled(-30, 30),
    "moderate ranges": _scaled(-10, 10),
    "one outlier": _outlier,
    "zeros": lambda rng, *sizes: tuple(0 * x for x in _random(rng, *sizes)),
}


def _descriptors(kind: str, seed: int, queries: int, targets: int, channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    q, t = (torch.from_numpy(x.astype(np.float32)) for x in KINDS[kind](np.random.default_rng(seed), queries, targets, channels))
    return q, t


@pytest.fixture(params=[None, 3, 1000], ids=lambda m: f"directions-{m or 'planned'}")
def by_products(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[int] | None:
    """Uses products for small searches too: along the planned number of directions, or a given one; then lists such searches."""
    used: list[int] = []
    original = compiled._by_products
    monkeypatch.setattr(product_plan, "PAIRS", 0)
    monkeypatch.setattr(product_plan, "CHANNELS", range(1, 4001))
    if not request.param:
        return None
    monkeypatch.setattr(product_plan, "_directions", lambda frame, queries, *_: min(request.param, queries.shape[1]))
    monkeypatch.setattr(compiled, "_by_products", lambda products, *rest: used.append(1) or original(products, *rest))
    return used


def _same(kind: str, seed: int, queries: int, targets: int, channels: int, p: Norm, windowed: bool, rivals: bool) -> None:
    rng = np.random.default_rng(seed + 1)
    q, t = _descriptors(kind, seed, queries, targets, channels)
    if p == "cosine":
        q, t = unit(q), unit(t)
    width = 40
    centre = torch.from_numpy(rng.uniform(-2, width, size=(queries, 2)))
    window = Window(centre, width, inner=float(rng.choice([-1, 0, 4.5])), outer=float(rng.choice([6, math.inf]))) if windowed else None
    limit = sums_of(q, t[torch.from_numpy(rng.integers(targets, size=queries))], p) if rivals else None
    found, expected = (search(q, t, p, window, limit, 2**20) for search in (_search_compiled, _search_in_blocks))
    for what, one, other in zip(("target", "distance", "closer"), found, expected, strict=True):
        assert torch.equal(one, other), what


@pytest.mark.parametrize("kind", KINDS)
def test_search_by_products_is_bitwise_equal(by_products: list[int] | None, kind: str) -> None:
    for channels in (1, 3, 32, 128):
        _same(kind, 0, 30, 400, channels, 2, False, False)
        _same(kind, 1, 30, 1401, channels, 2, True, True)
        _same(kind, 2, 1, 300, channels, "cosine", False, False)
    if by_products is not None:
        # The squares of huge descriptors overflow: as unit vectors they are zeros, which are all equal.
        assert len(by_products) == {"zeros": 0, "huge": 8}.get(kind, 12)


@settings(max_examples=60)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    seed=st.integers(0, 2**30),
    queries=st.integers(1, 40),
    targets=st.integers(1, 1500),
    channels=st.integers(1, 40),
    directions=st.integers(1, 40),
    p=st.sampled_from(NORMS),
    windowed=st.booleans(),
    rivals=st.booleans(),
)
@example("duplicates", 0, 3, 256, 4, 2, 2, False, False)
def test_search_by_products_is_bitwise_equal_on_random_inputs(
    kind: str, seed: int, queries: int, targets: int, channels: int, directions: int, p: Norm, windowed: bool, rivals: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(product_plan, "PAIRS", 0)
        patch.setattr(product_plan, "CHANNELS", range(1, 4001))
        patch.setattr(product_plan, "_directions", lambda frame, queries, *_: min(directions, queries.shape[1]))
        _same(kind, seed, queries, targets, channels, p, windowed, rivals)


def _products(q: torch.Tensor, t: torch.Tensor, directions: int) -> tuple[Array, Callable[[Array], Array]]:
    """Products of all pairs, computed in float32 with numpy; and the limit of the products for given sums."""
    largest = max(float(x.abs().max()) for x in (q, t))
    products = products_of(Frame.of(t.numpy(), largest).cut(directions), q.numpy(), t.numpy())
    rows = products.rows.reshape(-1, directions + 1, BLOCK).transpose(0, 2, 1).reshape(-1, directions + 1)[: len(q)]
    groups = products.groups.reshape(-1, directions + 2, WIDTH).transpose(0, 2, 1).reshape(-1, directions + 2)[: len(t)]
    value = np.repeat(groups[None, :, 0], len(q), axis=0)
    for k in range(directions + 1):
        value = value + rows[:, None, k] * groups[None, :, k + 1]

    def limit(sums: Array) -> Array:
        with np.errstate(over="ignore"):
            return ((sums.astype(np.float64) + products.tiny) * products.factor - products.half[:, None]).astype(np.float32)

    return value, limit


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"zeros"}))
@pytest.mark.parametrize(("channels", "directions"), [(1, 1), (3, 2), (32, 8), (32, 32), (128, 5), (128, 128)])
def test_bound_never_rules_out_a_nearer_target(kind: str, channels: int, directions: int) -> None:
    q, t = _descriptors(kind, 3, 40, 600, channels)
    sums = sums_of(q[:, None], t[None], 2).numpy()
    value, limit = _products(q, t, directions)
    finite = np.isfinite(sums)
    assert (value < limit(np.nextafter(sums, np.float32(np.inf))))[finite].all()


def test_bound_is_tight_up_to_rounding() -> None:
    # With all directions nothing is left out of the products: the bound is loose only by its rounding errors.
    q, t = _descriptors("random", 0, 40, 600, 32)
    squares = q.double().square().sum(1)[:, None] + t.double().square().sum(1)
    margin = 2.5 * 2 * (32 + 12) * UNIT * squares.numpy()
    sums = sums_of(q[:, None], t[None], 2).numpy()
    value, limit = _products(q, t, 32)
    assert (value >= limit(sums - margin)).all()


def test_products_are_used_where_they_leave_few_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    # Copies in few directions are separated by products; differences below the rounding of products are not.
    monkeypatch.setattr(product_plan, "PAIRS", 0)
    rng = np.random.default_rng(0)
    near = (rng.normal(size=(2000, 4)) @ rng.normal(size=(4, 64))).astype(np.float32)
    same = (rng.choice([-1, 1], size=(2000, 1)) + 1e-6 * rng.normal(size=(2000, 64))).astype(np.float32)
    some = np.arange(32)
    for targets, queries, expected in ((near, near + np.float32(1e-3), range(1, 5)), (same, same[::-1], [0])):
        queries = np.ascontiguousarray(queries)
        nearest = sums_of(torch.from_numpy(queries[some, None]), torch.from_numpy(targets[None]), 2).min(dim=1).values.double().numpy()
        planned = product_plan.prepare(queries, targets, some, nearest)
        directions = planned.rows.shape[1] // BLOCK - 1 if planned else 0
        assert directions in expected


@pytest.mark.parametrize("by_products", [1000], indirect=True)
def test_clustered_queries_are_searched_by_sums(by_products: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    # Half the queries lie among targets that differ by less than the rounding of products; the others far from all but one.
    rng = np.random.default_rng(0)
    t = np.concatenate([8 + 1e-6 * rng.normal(size=(1500, 16)), 5 * rng.normal(size=(1500, 16))]).astype(np.float32)
    q = np.concatenate([8 + 1e-6 * rng.normal(size=(60, 16)), t[1500:1560]]).astype(np.float32)
    summed: list[int] = []
    original = compiled._by_sums
    monkeypatch.setattr(compiled, "_by_sums", lambda rows, *rest: summed.append(len(rows)) or original(rows, *rest))
    found, expected = (search(*map(torch.from_numpy, (q, t)), 2, None, None, 2**20) for search in (_search_compiled, _search_in_blocks))
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    assert summed == [product_plan.SAMPLED_QUERIES, 60]
