"""Labelled domains, one of them held out, and suites of them."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, UInt8

from ...registry import Registry
from ..suite import Suite


@runtime_checkable
class LabelledDomain(Protocol):
    """Images and labels of one domain. `e` is its share of misleading cues, `ood` marks the held-out domain, and `digits_sha256` is the
    hash of all images that the domains were cut from.
    """

    @property
    def e(self) -> float:
        """Share of images with a misleading cue."""
        ...

    @property
    def ood(self) -> bool:
        """Whether it is the held-out domain."""
        ...

    @property
    def digits_sha256(self) -> str:
        """Hash of the images of all domains."""
        ...

    @property
    def images(self) -> UInt8[np.ndarray, "images side side 3"]:
        """The images, uint8 RGB."""
        ...

    @property
    def labels(self) -> Bool[np.ndarray, " images"]:
        """Their labels."""
        ...


DOMAIN_SETS: Registry[Callable[..., Sequence[LabelledDomain]]] = Registry("set of labelled domains", "pixbench.domain_sets")
"""Functions that load the domains of a set, called with (source, cut=, seed=)."""


@dataclass(frozen=True)
class Bounds:
    """Criteria for a run that encodes colour or suppresses it: closed ranges of ID and OOD accuracy, and their largest difference."""

    encode_id: tuple[float, float]
    encode_ood: tuple[float, float]
    suppress: tuple[float, float]
    suppress_gap: float

    def classify(self, id_: float, ood: float) -> str:
        """The class of a run by its accuracies: encode, suppress or ambiguous."""
        if self.encode_id[0] <= id_ <= self.encode_id[1] and self.encode_ood[0] <= ood <= self.encode_ood[1]:
            return "encode"
        low, high = self.suppress
        return "suppress" if low <= min(id_, ood) and max(id_, ood) <= high and abs(id_ - ood) <= self.suppress_gap else "ambiguous"


WIDE = Bounds((0.80, 1.0), (0.0, 0.25), (0.55, 0.80), 0.10)
"""Bounds that allow for the sampling error of about 700 test digits."""


@dataclass(frozen=True)
class DomainSuite(Suite):
    """A set of labelled domains, one of them held out, at `size` px; the probe reads every `stride`-th pixel of every `stride`-th row."""

    domain_set: str
    source: str
    cut: str
    seed: int
    size: int
    stride: int
    bounds: Bounds = WIDE
    task: ClassVar[str] = "classification"

    def recipe_sha256(self, contents: str) -> str:
        """Hash of the suite's settings and of its digits."""
        return hashlib.sha256(json.dumps([asdict(self), contents], sort_keys=True).encode()).hexdigest()
