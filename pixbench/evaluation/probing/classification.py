"""Whether a frozen descriptor knows what it sees, where colours tell the truth (ID) and where they lie (OOD)."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor
from torch.nn import functional

from ...errors import UserError
from ...geometry.pixels import normalised_grid, pixel_centres
from ...io.files import written_whole
from ...registry import DOMAIN_SETS, METRICS
from ..matching.evaluate import file_stem, store_probe
from ..matching.metrics import Metric
from ..model import DescriptorModel, Model
from ..record import DataPart, Protocol, Record
from ..suite import Suite, Task
from .head import Features, head_probability, pooled, train_head

FORMAT = "pixbench-probabilities"
BINS = 15
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Inverse regularisation of the linear probe, of which a protocol selects one; the first of equals, so the strongest."""

HELD_OUT = 0.2
"""Share of each domain that is kept from training, to select on and, of the training domains, to measure ID accuracy on."""

HEAD_STEPS, HEAD_BATCH, HEAD_RATE = 800, 64, 2e-3

READ_OUTS = ("training-domain", "leave-one-domain-out", "oracle", "head")
"""How the linear probe's regularisation was selected (DomainBed, arXiv 2007.01434); and the paper's head, of which nothing is."""

Images = UInt8[np.ndarray, "images side side 3"]
Labels = Bool[np.ndarray, " images"]


@dataclass(frozen=True)
class Bounds:
    """When a run encodes colour, and when it suppresses it: closed ranges of ID and OOD accuracy, and their largest difference."""

    encode_id: tuple[float, float]
    encode_ood: tuple[float, float]
    suppress: tuple[float, float]
    suppress_gap: float

    def classify(self, id_: float, ood: float) -> str:
        """encode, suppress or ambiguous."""
        if self.encode_id[0] <= id_ <= self.encode_id[1] and self.encode_ood[0] <= ood <= self.encode_ood[1]:
            return "encode"
        low, high = self.suppress
        return "suppress" if low <= min(id_, ood) and max(id_, ood) <= high and abs(id_ - ood) <= self.suppress_gap else "ambiguous"


WIDE = Bounds((0.80, 1.0), (0.0, 0.25), (0.55, 0.80), 0.10)
"""Windows as wide as some 700 test digits need."""


@dataclass(frozen=True)
class DomainSuite(Suite):
    """A set of labelled domains, one of them held back, at `size` px; the probe reads every `stride`-th pixel of every `stride`-th row."""

    domain_set: str
    source: str
    cut: str
    seed: int
    size: int
    stride: int
    bounds: Bounds = WIDE
    task: ClassVar[Task] = "classification"

    def recipe_sha256(self, contents: str) -> str:
        """Hash of the suite's settings and of its digits."""
        import hashlib
        import json

        return hashlib.sha256(json.dumps([asdict(self), contents], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Classified:
    """What a classifier said of images: the probability of class 1, and the truth."""

    probability: Float[np.ndarray, " images"]
    label: Labels

    @property
    def said(self) -> Labels:
        """The class that is more probable; 0 where both are equally so."""
        return self.probability > 0.5


def accuracy(found: Classified) -> float:
    """Share of images whose more probable class is theirs; NaN for none."""
    return float(np.mean(found.said == found.label)) if len(found.label) else math.nan


def calibration_error(found: Classified, bins: int = BINS) -> float:
    """Expected calibration error (Guo et al., 2017): confidence of the class that is said against its accuracy, in equal bins."""
    if not len(found.label):
        return math.nan
    confidence = np.where(found.said, found.probability, 1 - found.probability)
    return binned_gap(confidence, found.said == found.label, bins)


def binned_gap(confidence: Float[np.ndarray, " cases"], right: Bool[np.ndarray, " cases"], bins: int) -> float:
    """Mean gap between confidence and accuracy in equal bins of confidence, by their numbers of cases (Guo et al., 2017)."""
    # Bins are open below and closed above, as in the reference code.
    number = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = [abs(float(np.sum(right[number == k].astype(float) - confidence[number == k]))) for k in range(bins)]
    return float(sum(gaps) / len(right))


_SELECTED = {
    "training-domain": "a linear probe whose regularisation was selected on held-out images of the training domains",
    "leave-one-domain-out": "a linear probe whose regularisation was selected on each training domain left out of training in turn",
    "oracle": "a linear probe whose regularisation was selected on a fifth of the test domain (an upper bound, not a fair score)",
    "head": "the paper's per-pixel head, of which nothing was selected",
}
for _part, _words in (("id", "held-out images of the training domains"), ("ood", "the last four fifths of the test domain")):
    for _protocol, _how in _SELECTED.items():
        METRICS.add(f"{_part}_accuracy/{_protocol}")(
            Metric(
                f"{_part}_accuracy/{_protocol}",
                1,
                f"accuracy on {_words}, frozen descriptors, {_how}",
                accuracy,
                parameters={"protocol": _protocol, "held_out": HELD_OUT, "strengths": STRENGTHS, "head_steps": HEAD_STEPS},
                task="classification",
            )
        )
        METRICS.add(f"{_part}_ece/{_protocol}")(
            Metric(
                f"{_part}_ece/{_protocol}",
                1,
                f"expected calibration error, {BINS} equal bins, on {_words}, frozen descriptors, {_how}",
                partial(calibration_error, bins=BINS),
                higher_is_better=False,
                parameters={"protocol": _protocol, "held_out": HELD_OUT, "bins": BINS},
                task="classification",
            )
        )


@dataclass(frozen=True, eq=False)
class Part:
    """Descriptors and labels of some images."""

    features: Features
    labels: Labels


def evaluate(
    model: Model, suite: DomainSuite, out: Path, *, batch: int = 4, progress: Callable[[int], None] = lambda done: None
) -> tuple[Path, Record]:
    """Probe a model's frozen descriptors. Writes `NAME.h5` and `NAME.json`; `progress` gets percents. UserError for a matcher of points."""
    if not isinstance(model, DescriptorModel):
        raise UserError(f"{model.name} gives no descriptors: suite {suite.name} needs them")
    out.mkdir(parents=True, exist_ok=True)
    started, stem = time.perf_counter(), file_stem(model.name)
    domains = DOMAIN_SETS.get(suite.domain_set)(suite.source, cut=suite.cut, seed=suite.seed)
    parts, images, seconds = [], 0, 0.0
    for domain in domains:
        begun = time.perf_counter()
        parts.append(Part(describe_images(model, domain.images, suite, batch), domain.labels))
        seconds, images = seconds + time.perf_counter() - begun, images + len(domain.labels)
        progress(60 // len(domains))
    ood = next(part for part, domain in zip(parts, domains, strict=True) if domain.ood)
    training = [part for part, domain in zip(parts, domains, strict=True) if not domain.ood]
    chosen, classified = read_out(training, ood, suite.seed, progress)
    contents = domains[0].digits_sha256
    path = out / f"{stem}.h5"
    write_probabilities(path, classified)
    scores = score(read_probabilities(path))
    return store_probe(
        model,
        path,
        "classification",
        DataPart(
            suite=suite.full_name,
            recipe_sha256=suite.recipe_sha256(contents),
            content_sha256=contents,
            split="id and ood",
            seed=suite.seed,
            scenes=images,
        ),
        Protocol(
            scored=f"mean and spread over every {suite.stride}th pixel of {suite.size} px images",
            search="none",
            batch=batch,
            device=str(model.device),
            selection=list(READ_OUTS),
        ),
        scores,
        {
            "class": {name: suite.bounds.classify(scores[f"id_accuracy/{name}"], scores[f"ood_accuracy/{name}"]) for name in READ_OUTS},
            "bounds": {name: list(np.atleast_1d(bound)) for name, bound in asdict(suite.bounds).items()},
            "selected_strength": chosen,
            "domains": [{"e": domain.e, "ood": domain.ood, "images": len(domain.labels)} for domain in domains],
        },
        describe_s=seconds,
        seconds=time.perf_counter() - started,
    )


def describe_images(model: DescriptorModel, images: Images, suite: DomainSuite, batch: int) -> Features:
    """Descriptors at every `stride`-th pixel of images scaled as a whole to the suite's size, (images, channels, pixels), on the CPU."""
    found = []
    for first in range(0, len(images), batch):
        views = to_size(torch.from_numpy(images[first : first + batch].transpose(0, 3, 1, 2).copy()).float() / 255, suite.size)
        dense = model.dense(views)[..., suite.stride // 2 :: suite.stride, suite.stride // 2 :: suite.stride]
        found.append(dense.flatten(2).float().cpu())
    return torch.cat(found)


def to_size(images: Float[Tensor, "images 3 side side"], size: int) -> Float[Tensor, "images 3 size size"]:
    """Images scaled as a whole, bilinear, neither turned nor moved."""
    side = images.shape[-1]
    grid = normalised_grid(pixel_centres(size, size) * (side / size), side, side)
    return functional.grid_sample(images, torch.from_numpy(grid).float().expand(len(images), -1, -1, -1), align_corners=False)


def read_out(
    training: Sequence[Part], ood: Part, seed: int, progress: Callable[[int], None] = lambda done: None
) -> tuple[dict[str, float], dict[str, tuple[Classified, Classified]]]:
    """Probes and head on frozen descriptors: the strength that each protocol selected, and what each read-out says of ID and OOD images."""
    fit, held = zip(*(_cut(part, 1 - HELD_OUT) for part in training), strict=True)
    test_choice, test = _cut(ood, HELD_OUT)
    probes = {strength: _probe(fit, strength) for strength in STRENGTHS}
    progress(10)
    by_protocol = {
        "training-domain": {s: np.mean([accuracy(_says(probe, part)) for part in held]) for s, probe in probes.items()},
        "leave-one-domain-out": {
            s: np.mean(
                [
                    accuracy(_says(_probe([part for k, part in enumerate(fit) if k != out], s), training[out]))
                    for out in range(len(training))
                ]
            )
            for s in STRENGTHS
        },
        "oracle": {s: accuracy(_says(probe, test_choice)) for s, probe in probes.items()},
    }
    progress(10)
    chosen = {name: max(STRENGTHS, key=lambda s, found=found: (found[s], -s)) for name, found in by_protocol.items()}  # type: ignore[misc]
    id_test = _together(held)
    classified = {name: (_says(probes[s], id_test), _says(probes[s], test)) for name, s in chosen.items()}
    whole = _together(fit)
    head = train_head(
        whole.features, whole.labels, steps=HEAD_STEPS, batch=HEAD_BATCH, learning_rate=HEAD_RATE, seed=seed, device=torch.device("cpu")
    )
    first, second = (Classified(head_probability(head, part.features, device=torch.device("cpu")), part.labels) for part in (id_test, test))
    classified["head"] = (first, second)
    progress(20)
    return chosen, classified


def _cut(part: Part, share: float) -> tuple[Part, Part]:
    at = round(len(part.labels) * share)
    return Part(part.features[:at], part.labels[:at]), Part(part.features[at:], part.labels[at:])


def _together(parts: Sequence[Part]) -> Part:
    return Part(torch.cat([part.features for part in parts]), np.concatenate([part.labels for part in parts]))


def _probe(parts: Sequence[Part], strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    whole = _together(parts)
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000)).fit(pooled(whole.features), whole.labels)


def _says(probe: Any, part: Part) -> Classified:
    return Classified(probe.predict_proba(pooled(part.features))[:, 1], part.labels)


def write_probabilities(path: Path, classified: Mapping[str, tuple[Classified, Classified]]) -> None:
    """For each read-out the probability of class 1 of every ID and OOD image, and the labels."""
    with written_whole(path) as temporary, h5py.File(temporary, "w", libver=("v110", "v110")) as file:
        file.attrs["format"], file.attrs["format_version"] = FORMAT, 1
        for name, both in classified.items():
            for part, found in zip(("id", "ood"), both, strict=True):
                group = file.require_group(part)
                group.create_dataset(name, data=found.probability.astype(np.float32), compression="gzip")
                if "label" not in group:
                    group.create_dataset("label", data=found.label, compression="gzip")


def read_probabilities(path: Path) -> dict[str, tuple[Classified, Classified]]:
    """What `write_probabilities` wrote."""
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != FORMAT:
                raise UserError(f"{path} holds no probabilities: run 'pixbench evaluate' again")
            first, second = (
                {name: Classified(group[name][()].astype(np.float64), group["label"][()].astype(bool)) for name in READ_OUTS}
                for group in (file["id"], file["ood"])
            )
    except (OSError, KeyError) as error:
        raise UserError(f"{path} holds no probabilities ({error}): run 'pixbench evaluate' again") from None
    return {name: (first[name], second[name]) for name in READ_OUTS}


def score(classified: Mapping[str, tuple[Classified, Classified]]) -> dict[str, float]:
    """Every metric of classification."""
    return {
        f"{part}_{kind}/{name}": METRICS.get(f"{part}_{kind}/{name}")(found)
        for kind in ("accuracy", "ece")
        for name, both in classified.items()
        for part, found in zip(("id", "ood"), both, strict=True)
    }
