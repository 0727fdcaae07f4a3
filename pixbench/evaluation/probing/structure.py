"""Structure of descriptor channels without a probe: segmentation of instances, and steps at edges (experiment 2)."""

import numpy as np
from jaxtyping import Bool, Float, Int

Descriptors = Float[np.ndarray, "channels height width"]

SPREAD = (5.0, 95.0)
"""Percentiles of a channel; their midpoint is its threshold, which is robust to offsets of the channel and to outliers."""

ENDS = 0.25
"""Share of that range, at either end, in which a value counts as binary."""

LEAST_PIXELS = 25
DEPTH_STEP = 0.05
CREASE_DEG = 30.0


def binary_codes(descriptors: Descriptors) -> Bool[np.ndarray, "channels height width"]:
    """Each channel above or below the middle between its 5th and its 95th percentile over the image."""
    low, high = np.percentile(descriptors, SPREAD, axis=(1, 2))
    return descriptors > ((low + high) / 2)[:, None, None]


def binary_share(descriptors: Descriptors) -> float:
    """Share of all values that lie in the lower or upper quarter of their channel's range, from its 5th to its 95th percentile.

    1 for channels that take two values, about 0.55 for uniformly distributed values, 0.41 for normally distributed ones. Constant channels
    are left out; NaN without others.
    """
    low, high = np.percentile(descriptors, SPREAD, axis=(1, 2))
    changes = high > low
    low, high = (end[changes][:, None, None] for end in (low, high))
    place = (descriptors[changes] - low) / (high - low)
    return float(np.mean((place <= ENDS) | (place >= 1 - ENDS))) if changes.any() else float("nan")


def best_channel_iou(codes: Bool[np.ndarray, "channels height width"], instance: Int[np.ndarray, "height width"]) -> float:
    """Mean over instances of the best intersection over union with any channel or its opposite; NaN without instances.

    Instances are numbers from 1; those of fewer than 25 pixels are left out.
    """
    numbers, counts = np.unique(instance[instance > 0], return_counts=True)
    found = []
    for number in numbers[counts >= LEAST_PIXELS]:
        mask = instance == number
        both = np.concatenate([codes, ~codes])
        inside = (both & mask).sum(axis=(1, 2))
        union = (both | mask).sum(axis=(1, 2))
        found.append(float((inside / union).max()))
    return float(np.mean(found)) if found else float("nan")


def code_rand_index(codes: Bool[np.ndarray, "channels height width"], instance: Int[np.ndarray, "height width"]) -> float:
    """Adjusted Rand index of the partition into equal codes against that into instances (Hubert and Arabie, 1985)."""
    from sklearn.metrics import adjusted_rand_score

    flat = codes.reshape(len(codes), -1)
    _, cluster = np.unique(np.packbits(flat, axis=0), axis=1, return_inverse=True)
    return float(adjusted_rand_score(instance.ravel(), cluster.ravel()))


def descriptor_steps(descriptors: Descriptors, p: float) -> Float[np.ndarray, "height width"]:
    """The larger of a pixel's p-distances to its right and lower neighbours; 0 where there is no neighbour."""
    steps = np.zeros(descriptors.shape[1:])
    for axis in (1, 2):
        size = np.linalg.norm(np.diff(descriptors, axis=axis), ord=p, axis=0)
        _raise_to(steps, size)
    return steps


def depth_edges(depth_m: Float[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Pixels whose right or lower neighbour lies 5 % nearer or farther, or has no surface where this one has."""
    edges = np.zeros(depth_m.shape)
    for axis in (0, 1):
        before, after = _neighbours(depth_m, axis)
        nearer = np.fmin(before, after)
        _raise_to(edges, (np.abs(after - before) > DEPTH_STEP * nearer) | (np.isnan(before) != np.isnan(after)))
    return edges > 0


def normal_edges(normal: Float[np.ndarray, "height width 3"]) -> Bool[np.ndarray, "height width"]:
    """Pixels whose normal is turned by over 30 degrees against the right or lower neighbour's."""
    edges = np.zeros(normal.shape[:2])
    for axis in (0, 1):
        before, after = _neighbours(normal, axis)
        _raise_to(edges, np.einsum("...i,...i->...", before, after) < np.cos(np.radians(CREASE_DEG)))
    return edges > 0


def edge_precision(steps: Float[np.ndarray, "height width"], edges: Bool[np.ndarray, "height width"]) -> float:
    """Average precision of steps as a detector of edges; NaN where there are none."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(edges.ravel(), steps.ravel())) if edges.any() else float("nan")


def _neighbours(values: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    count = values.shape[axis]
    return values.take(range(count - 1), axis), values.take(range(1, count), axis)


def _raise_to(steps: np.ndarray, found: np.ndarray) -> None:
    """Raise `steps` to `found` where that is larger, at the first of the two neighbours."""
    first = steps[: found.shape[0], : found.shape[1]]
    np.maximum(first, found, out=first)
