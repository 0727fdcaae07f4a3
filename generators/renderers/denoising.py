"""Removes the noise of one-ray shadows and ambient occlusion by an edge-avoiding filter."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float

from pixbench.jit import kernel

from .surface_samples import SurfaceSamples

FILTER_STEPS = (1, 2, 4)
"""Distances in samples between the taps of the filter, one pass for each."""


def denoise(values: Float[np.ndarray, "channels samples"], samples: SurfaceSamples) -> Float[np.ndarray, "channels samples"]:
    """Filter values over the grid of samples with an edge-avoiding a-trous wavelet (Dammertz et al. 2010).

    Normals and planes of the surfaces guide the filter. `values` is overwritten: the passes use it as a buffer.
    """
    rows, columns = samples.grid
    guide = np.empty((7, rows, columns), np.float32)
    _guide(samples.normal, samples.point, samples.depth, guide.reshape(7, -1))
    image = values.reshape(len(values), rows, columns)
    weight, total = np.empty((rows, columns), np.float32), np.empty_like(image)
    for step in FILTER_STEPS:
        _a_trous(image, guide, step, weight, total)
        image, total = total, image
    return image.reshape(len(values), -1)


@kernel
@no_type_check
def _guide(normal, point, depth, guide):
    for i in range(len(depth)):
        for axis in range(3):
            guide[axis, i], guide[3 + axis, i] = normal[i, axis], point[i, axis]
        guide[6, i] = depth[i]


@kernel
@no_type_check
def _a_trous(image, guide, step, weight, total):
    """One pass, row by row and neighbour by neighbour: the inner loops over columns have no branch, so that they are vectorised."""
    channels, rows, columns = image.shape
    like = np.empty(columns, np.float32)
    for row in range(rows):
        weight[row, :] = np.float32(1.0)
        for c in range(channels):
            total[c, row, :] = image[c, row, :]
        for dy in range(-1, 2):
            other = row + dy * step
            if other < 0 or other >= rows:
                continue
            for dx in range(-1, 2):
                if dy == 0 and dx == 0:
                    continue
                shift = dx * step
                low, high = max(0, -shift), min(columns, columns - shift)
                if high <= low:
                    continue
                near = np.float32(0.5) if dy != 0 and dx != 0 else np.float32(0.75)
                _likeness(guide, row, other, low, high, shift, near, like)
                weigh = weight[row]
                for x in range(low, high):
                    weigh[x] += like[x]
                for c in range(channels):
                    target, source = total[c, row], image[c, other]
                    for x in range(low, high):
                        target[x] += like[x] * source[x + shift]
        for c in range(channels):
            target, weigh = total[c, row], weight[row]
            for x in range(columns):
                target[x] /= weigh[x]


@kernel
@no_type_check
def _likeness(guide, row, other, low, high, shift, near, like):
    """Weights of the samples at `shift` in another row: `near` on the same smooth surface, 0 across edges and where nothing was hit."""
    ax, ay, az, apx, apy, apz, ad = (
        guide[0, row], guide[1, row], guide[2, row], guide[3, row], guide[4, row], guide[5, row], guide[6, row],
    )  # fmt: skip
    bx, by, bz, bpx, bpy, bpz, bd = (
        guide[0, other], guide[1, other], guide[2, other], guide[3, other], guide[4, other], guide[5, other], guide[6, other],
    )  # fmt: skip
    for x in range(low, high):
        y = x + shift
        alike = (ax[x] * bx[y] + ay[x] * by[y] + az[x] * bz[y]) * np.float32(8.0) - np.float32(7.0)
        off = ax[x] * (apx[x] - bpx[y]) + ay[x] * (apy[x] - bpy[y]) + az[x] * (apz[x] - bpz[y])
        alike = min(max(alike, np.float32(0.0)), np.float32(1.0))
        like[x] = near * alike if abs(off) < np.float32(0.006) * (ad[x] + bd[y]) else np.float32(0.0)
