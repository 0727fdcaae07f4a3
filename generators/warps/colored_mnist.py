"""ColoredMNIST: digits whose colour predicts the label better than their shape in training domains, and wrongly in the test domain.

The label is digit < 5, flipped with probability 0.25. The colour is the label, flipped with probability e; it sets the red or the
green channel to zero. Invariant Risk Minimization (arXiv 1907.02893) introduced it with two channels; three divisions of the digits
into domains (cuts) are in use. In the cut `authors`, that of the authors of the method, the blue channel contains the digit whatever
its colour; in the other two it is zero.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, UInt8

from pixbench.errors import unknown_name

from .mnist import Digits, read_digits

NAME = "colored-mnist"
"""The name that this set of domains is registered under."""

LABEL_NOISE = 0.25
NOISE, ORDER = range(2)
"""Purposes of random streams; part of their seed."""


@dataclass(frozen=True, eq=False)
class Domain:
    """Digits, images in uint8, with a share e of flipped colours. `index` is their index among all digits, `ood` marks the test domain, and
    `digits_sha256` is the hash of all digits.
    """

    e: float
    ood: bool
    digits_sha256: str
    index: Int[np.ndarray, " digits"]
    images: UInt8[np.ndarray, "digits 28 28 3"]
    labels: Bool[np.ndarray, " digits"]
    classes: UInt8[np.ndarray, " digits"]
    red: Bool[np.ndarray, " digits"]


def colored_mnist(digits: Digits, *, cut: str, seed: int) -> tuple[Domain, ...]:
    """The domains of a cut: `authors`, `irm` or `domainbed`. Noise is drawn per digit and does not depend on the cut.

    Raises UserError for another cut.
    """
    if cut not in CUTS:
        raise unknown_name("cut of ColoredMNIST", cut, CUTS)
    draws = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(NOISE,))).random((len(digits), 2))
    labels = (digits.classes < 5) ^ (draws[:, 0] < LABEL_NOISE)
    order = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(ORDER,))).permutation(len(digits))
    blue = cut == "authors"
    return tuple(_domain(digits, index, e, labels, draws[:, 1], blue=blue) for e, index in CUTS[cut](len(digits), order))


def load(source: str, *, cut: str, seed: int) -> tuple[Domain, ...]:
    """ColoredMNIST from a source of digits (see `read_digits`)."""
    return colored_mnist(read_digits(source), cut=cut, seed=seed)


def _domain(digits: Digits, index: np.ndarray, e: float, labels: np.ndarray, draws: np.ndarray, *, blue: bool) -> Domain:
    red = labels[index] ^ (draws[index] < e)
    grey = digits.images[index]
    images = np.zeros((*grey.shape, 3), np.uint8)
    images[..., 0] = grey * red[:, None, None]
    images[..., 1] = grey * ~red[:, None, None]
    images[..., 2] = grey * blue
    return Domain(e, e > 0.5, digits.sha256, index, images, labels[index], digits.classes[index], red)


Cut = Callable[[int, np.ndarray], list[tuple[float, np.ndarray]]]


def _authors(count: int, _: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Three equal consecutive parts in the original order."""
    third = count // 3
    return [(e, np.arange(k * third, (k + 1) * third)) for k, e in enumerate((0.1, 0.2, 0.9))]


def _irm(count: int, order: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Shuffled; five sixths alternate between two training domains, the last sixth is the test domain (50,000 and 10,000 of 60,000)."""
    train = count * 5 // 6
    return [(0.2, order[:train:2]), (0.1, order[1:train:2]), (0.9, order[train:])]


def _domainbed(count: int, order: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Shuffled; every third digit belongs to the same domain (DomainBed, arXiv 2007.01434)."""
    return [(e, order[k::3]) for k, e in enumerate((0.1, 0.2, 0.9))]


CUTS: Mapping[str, Cut] = {"authors": _authors, "irm": _irm, "domainbed": _domainbed}
