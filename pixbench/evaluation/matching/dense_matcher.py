"""Matches between two images from their dense descriptors: mutual nearest neighbours, ratio test, sub-pixel refinement."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ...geometry.pixels import index_to_uv
from .nearest import BLOCK_BYTES, Norm, Window, distances, nearest


@dataclass(frozen=True)
class Search:
    """Settings of the search.

    `radius_px`: largest distance from the query's own position (inf: the whole image). `subpixel`: matches lie at the minimum of a parabola
    through the distances at the best pixel and its neighbours. `exclude_px`: the ratio test's second-best match (the rival) lies farther
    than this from the best pixel, because the second-best pixel of all is always its neighbour.
    """

    radius_px: float = math.inf
    subpixel: bool = False
    exclude_px: float = 5.0
    block_bytes: int = BLOCK_BYTES


@dataclass(frozen=True, eq=False)
class Matches:
    """Predicted matches of query points of image a.

    `uv` (queries, 2) are the positions in image b, in pixels; NaN means no answer. The other fields may be NaN if a model does not provide
    them: `distance` (smaller is more confident), `ratio` of it to the distance of the best rival, `cycle_error_px` from the query to the
    position where the answer is matched back in image a (0: the same pixel), `closer`, the share of b's other pixels that are closer in
    descriptor than the true match, ties counting half. A matcher's own matches, of any number, are `points_a` and `points_b` (matches, 2);
    None for models that answer queries.
    """

    uv: Float[np.ndarray, "queries 2"]
    distance: Float[np.ndarray, " queries"]
    ratio: Float[np.ndarray, " queries"]
    cycle_error_px: Float[np.ndarray, " queries"]
    closer: Float[np.ndarray, " queries"]
    points_a: Float[np.ndarray, "matches 2"] | None = None
    points_b: Float[np.ndarray, "matches 2"] | None = None

    @classmethod
    def only(
        cls,
        uv: Float[np.ndarray, "queries 2"],
        *,
        points_a: Float[np.ndarray, "matches 2"] | None = None,
        points_b: Float[np.ndarray, "matches 2"] | None = None,
    ) -> "Matches":
        """Matches with positions only."""
        unknown = np.full(len(uv), np.nan)
        return cls(uv, unknown, unknown, unknown, unknown, points_a, points_b)

    def at(self, query: Int[np.ndarray, " kept"]) -> "Matches":
        """The answers to some of the queries; a matcher's own matches stay."""
        kept = {name: getattr(self, name)[query] for name in ("uv", "distance", "ratio", "cycle_error_px", "closer")}
        return replace(self, **kept)


def match_dense(
    source: Float[Tensor, "channels height width"],
    target: Float[Tensor, "channels rows columns"],
    pixel: Int[Tensor, "queries 2"],
    *,
    p: Norm,
    search: Search = Search(),
    truth_pixel: Int[Tensor, "queries 2"] | None = None,
) -> Matches:
    """Match source pixels (column, row) against the whole target, and the answers back against the whole source.

    `truth_pixel` is the true match's pixel, negative where there is none; only `closer` depends on it.
    """
    width = target.shape[2]
    pixel = pixel.to(source.device)
    queries = source[:, pixel[:, 1], pixel[:, 0]].T
    targets, sources = target.flatten(1).T, source.flatten(1).T
    near = Window(pixel.double(), width, outer=search.radius_px) if math.isfinite(search.radius_px) else None
    rival = None
    if truth_pixel is not None:
        at = truth_pixel.clamp(min=0).to(source.device)
        rival = target[:, at[:, 1], at[:, 0]].T
    found = nearest(queries, targets, p=p, window=near, rival=rival, block_bytes=search.block_bytes)
    # A radius may allow no pixel at all; such queries have no answer.
    answered = found.index >= 0
    index = found.index.clamp(min=0)
    best = torch.stack([index % width, index // width], dim=1)
    second = nearest(queries, targets, p=p, window=Window(best.double(), width, inner=search.exclude_px), block_bytes=search.block_bytes)
    back = nearest(targets[index], sources, p=p, block_bytes=search.block_bytes).index
    returned = torch.stack([back % source.shape[2], back // source.shape[2]], dim=1)
    uv = index_to_uv(best.double())
    if search.subpixel:
        uv = uv + _parabola(queries, target, best, found.distance, p)
    closer = torch.full_like(found.distance, math.nan)
    if truth_pixel is not None:
        # Where it is searched, the true match is one of those as close as itself.
        own = (truth_pixel.to(pixel) - pixel).double().norm(dim=1) <= search.radius_px
        share = (found.closer - 0.5 * own) / max(len(targets) - 1, 1)
        closer = share.float().where((truth_pixel.to(pixel) >= 0).all(dim=1), closer)
    ratio = (found.distance / second.distance).nan_to_num(nan=1.0)
    return Matches(
        *(
            value.where(answered if value.ndim == 1 else answered[:, None], math.nan).cpu().numpy()
            for value in (uv, found.distance, ratio, (returned - pixel).double().norm(dim=1), closer)
        )
    )


def _parabola(
    queries: Float[Tensor, "queries channels"],
    target: Float[Tensor, "channels rows columns"],
    best: Int[Tensor, "queries 2"],
    distance: Float[Tensor, " queries"],
    p: Norm,
) -> Float[Tensor, "queries 2"]:
    """Offset of the minimum along x and y by themselves, at most half a pixel; none at the image's border or where it is flat."""
    height, width = target.shape[1:]
    offset = torch.zeros(len(best), 2, dtype=torch.float64, device=target.device)
    for axis, size in ((0, width), (1, height)):
        step = torch.zeros(2, dtype=best.dtype, device=best.device)
        step[axis] = 1
        sides = torch.stack([best - step, best + step], dim=1).clamp(min=0)
        column, row = sides[..., 0].clamp(max=width - 1), sides[..., 1].clamp(max=height - 1)
        before, after = distances(queries, target[:, row, column].permute(1, 2, 0), p=p).double().unbind(dim=1)
        inside = (best[:, axis] > 0) & (best[:, axis] < size - 1)
        offset[:, axis] = vertex(before, distance.double(), after).where(inside, 0.0)
    return offset


def vertex(
    before: Float[Tensor, " queries"], middle: Float[Tensor, " queries"], after: Float[Tensor, " queries"]
) -> Float[Tensor, " queries"]:
    """Minimum of a parabola through distances at -1, 0 and 1: at most half a pixel from 0, and 0 without curvature."""
    bend = before - 2 * middle + after
    bent = (bend > 0) & torch.isfinite(bend)
    return ((before - after) / (2 * bend.where(bent, 1.0))).clamp(-0.5, 0.5).where(bent, 0.0)
