"""Which targets cannot be a query's nearest, from products along a few directions: a bound on the Euclidean sums, with its rounding.

Let u = 2^-24 be the unit roundoff of float32, and x, y a query and a target, of D numbers, after the same shift and the same scaling by s,
a power of two that makes |x|, |y| <= 1. They are not rounded to float32, so that |x - y| is s times the distance of query and target.

1. R is a matrix of m orthonormal rows. The residual of x has the length r(x), r(x)^2 = |x|^2 - |R x|^2, and by Cauchy and Schwarz
   x.y <= R x . R y + r(x) r(y). With a = (R x, r(x)) and b = (R y, r(y)), vectors of m + 1 numbers with |a| = |x| and |b| = |y|,

       |x - y|^2 >= |x|^2 + |y|^2 - 2 a.b.

   R is computed in float64, and orthonormal up to |R R' - 1| <= e = D 2^-45 (some D 2^-52 in fact). With r(x)^2 = (1 + e) |x|^2 - |R x|^2
   the bound on x.y holds but for e |x| |y|, e < u; e outweighs the rounding of all that is done in float64, too.
2. The entries of a and b are rounded to float32, each by a share of u at most. That changes a.b by at most (2 u + u^2) |x| |y|.
3. The kernel computes t = h - a.b for a pair, h = (1 - c) |y|^2 / 2 rounded, in m + 1 steps, each a product and a sum, rounded twice or
   once. So t is off by at most g (h + |a| |b|), g = n u / (1 - n u) with n = m + 2 (Higham, Accuracy and Stability of Numerical
   Algorithms, chapter 3).
4. As |x| |y| <= (|x|^2 + |y|^2) / 2, the errors of 1 to 3 are together at most (g + 4 u) (|x|^2 + |y|^2), and with c = 2 (m + 12) u

       2 t + (1 - c) |x|^2 <= |x - y|^2    for m <= 4000.

   Numbers below 2^-126 may be rounded by more than their share or flushed to zero. As no factor is larger than 1, that changes t by at
   most v = 8 (m + 2) 2^-126.
5. The exact search gives S, D squares of differences, rounded three times each, in D - 1 sums. With d = |x - y| / s it is infinite or
   S >= (1 - u)^(D + 2) d^2 - D 2^-126, so that for D <= 4000 a target with S < T has d^2 <= (T + D 2^-126) (1 + (D + 3) u), and therefore

       t < (T + D 2^-126) (1 + (D + 8) u) s^2 / 2 - (1 - c - 4 u) |x|^2 / 2 + v,

   where the right side may be rounded to float32: that is what the additional 4 u of both terms are for.

So no target with a larger t can have a sum below T. None of this depends on what R and the shift are; only how many targets remain does.
R has the principal directions of the targets, and their mean is the shift.
"""

import math
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Float64

from ....jit import kernel
from ....jit.simd import WIDTH
from .product_kernels import BLOCK, Products
from .sum_kernels import in_rows

Array = np.ndarray
Vectors = Float32[Array, "count channels"]
Queries = Float32[Array, "queries channels"]
Given = Float32[Array, "targets channels"]

UNIT, LEAST = 2.0**-24, 2.0**-126
MOST_CHANNELS = 4000
"""The bound is proved up to this D."""


@dataclass(frozen=True, eq=False)
class Frame:
    """The shift, the scale s, and orthonormal directions (the columns of R'), ordered by decreasing variance."""

    shift: Float64[Array, " channels"]
    scale: float
    directions: Float64[Array, "channels directions"]

    @classmethod
    def of(cls, sample: Vectors, largest: float) -> "Frame":
        """A frame from a sample of the targets; no entry of any query or target is larger than `largest`."""
        sampled = sample.astype(np.float64)
        shift = sampled.mean(axis=0)
        scale = 2.0 ** -math.ceil(math.log2(2 * largest * math.sqrt(sample.shape[1])))
        centred = (sampled - shift) * scale
        directions = np.linalg.eigh(centred.T @ centred).eigenvectors[:, ::-1]
        return cls(shift, scale, np.ascontiguousarray(directions))

    def cut(self, count: int) -> "Frame":
        """The frame with the first `count` directions only."""
        return Frame(self.shift, self.scale, np.ascontiguousarray(self.directions[:, :count]))

    def place(self, vectors: Vectors) -> tuple[Float32[Array, "count directions_and_one"], Float64[Array, " count"]]:
        """(R x, r(x)) and |x|^2."""
        placed, squared = np.empty((len(vectors), self.directions.shape[1] + 1), np.float32), np.empty(len(vectors))
        _project(vectors, self.shift, self.scale, self.directions, placed, squared)
        return placed, squared


def error_share(directions: int) -> float:
    """The relative error c of the bound, without unit (see the module)."""
    return 2 * (directions + 12) * UNIT


def products_of(frame: Frame, queries: Queries, targets: Given) -> Products:
    """The input of the search by products, along the frame's directions."""
    channels, directions = frame.directions.shape
    keep = 1 - error_share(directions)
    a, x_squared = frame.place(queries)
    b, y_squared = frame.place(targets)
    begin = np.full(-(-len(targets) // WIDTH) * WIDTH, np.inf, np.float32)
    begin[: len(targets)] = keep * y_squared / 2
    return Products(
        rows=in_rows(-a, BLOCK),
        groups=np.concatenate([begin.reshape(-1, WIDTH), in_rows(b, WIDTH)], axis=1),
        half=(keep - 4 * UNIT) * x_squared / 2 - 8 * (directions + 2) * LEAST,
        tiny=channels * LEAST,
        factor=(1 + (channels + 8) * UNIT) * frame.scale**2 / 2,
    )


@kernel
@no_type_check
def _project(vectors, shift, scale, directions, placed, squared):
    channels, count = directions.shape
    along = np.empty(count)
    for i in range(len(vectors)):
        along[:] = 0
        whole, seen = 0.0, 0.0
        for c in range(channels):
            x = (vectors[i, c] - shift[c]) * scale
            whole += x * x
            for k in range(count):
                along[k] += x * directions[c, k]
        for k in range(count):
            seen += along[k] * along[k]
            placed[i, k] = along[k]
        placed[i, count] = np.sqrt(max((1 + channels * 2.0**-45) * whole - seen, 0.0))
        squared[i] = whole
