"""The classification task: accuracy of frozen descriptors where colour predicts the label (ID) and where it misleads (OOD)."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np

from ...errors import UserError
from ..metric import Metric
from ..model import DescriptorModel, Model, check_finite, failing_in_one_line
from ..record import DataPart, Protocol, Record, StoredRecord
from ..record_place import file_stem
from ..record_writer import Timing, record_result
from ..reproduction import Comparison, compare_metrics
from ..request import DataAccess, EvaluationRequest
from ..task import METRICS, Task
from .calibration import BINS, binned_gap
from .columns import CLASSIFICATION_COLUMNS
from .domains import DOMAIN_SETS, DomainSuite, LabelledDomain
from .grid import describe_images
from .linear_probe import STRENGTHS
from .probabilities import read_probabilities, write_probabilities
from .read_out import HEAD_STEPS, HELD_OUT, READ_OUTS, Classified, LabelledDescriptors, accuracy, read_out


def calibration_error(found: Classified, bins: int = BINS) -> float:
    """Expected calibration error (Guo et al., 2017): confidence of the predicted class against its accuracy, in equal bins."""
    if not len(found.label):
        return math.nan
    confidence = np.where(found.predicted, found.probability, 1 - found.probability)
    return binned_gap(confidence, found.predicted == found.label, bins)


_SELECTED = {
    "training-domain": "a linear probe whose regularisation was selected on held-out images of the training domains",
    "leave-one-domain-out": "a linear probe whose regularisation was selected on each training domain left out of training in turn",
    "oracle": "a linear probe whose regularisation was selected on a fifth of the test domain (an upper bound, not a fair score)",
    "head": "the paper's per-pixel head, of which nothing was selected",
}
CLASSIFICATION_METRICS: tuple[Metric, ...] = tuple(
    metric
    for part, words in (("id", "held-out images of the training domains"), ("ood", "the last four fifths of the test domain"))
    for protocol, how in _SELECTED.items()
    for metric in (
        Metric(
            f"{part}_accuracy/{protocol}",
            1,
            f"accuracy on {words}, frozen descriptors, {how}",
            accuracy,
            parameters={"protocol": protocol, "held_out": HELD_OUT, "strengths": STRENGTHS, "head_steps": HEAD_STEPS},
            task="classification",
        ),
        Metric(
            f"{part}_ece/{protocol}",
            1,
            f"expected calibration error, {BINS} equal bins, on {words}, frozen descriptors, {how}",
            partial(calibration_error, bins=BINS),
            higher_is_better=False,
            parameters={"protocol": protocol, "held_out": HELD_OUT, "bins": BINS},
            task="classification",
        ),
    )
)


class Classification(Task):
    """See Task. Probes of labelled domains, one of which is held back."""

    name = "classification"
    title = "which class an image has, in the training domains and in one held back"
    primary = "ood_accuracy/training-domain"
    columns = CLASSIFICATION_COLUMNS
    metrics = CLASSIFICATION_METRICS
    units = "test images"

    def run(self, model: Model, request: EvaluationRequest) -> tuple[Path, Record]:
        """See Task. Raises UserError for a matcher of points."""
        request.refuse_pair_options()
        request.check_replaced(model)
        with request.progress_bar(f"classify {model.name}", 100, "%") as advance:
            return evaluate(model, cast(DomainSuite, request.suite), request.folder, batch=request.batch, progress=advance)

    def rescore(self, stored: StoredRecord, access: DataAccess, progress: Callable[[int], None] = lambda done: None) -> list[Comparison]:
        """See Task."""
        found = compare_metrics(stored.record, score(read_probabilities(stored.beside("predictions"))))
        progress(1)
        return found

    def unit_sums(self, stored: StoredRecord, metric: str) -> dict[int, tuple[float, float]]:
        """Correct classifications per image; only accuracies are sums over images."""
        kind, _, protocol = metric.partition("/")
        if not kind.endswith("_accuracy"):
            return {}
        found = read_probabilities(stored.beside("predictions"))[protocol][("id_accuracy", "ood_accuracy").index(kind)]
        return {image: (float(right), 1.0) for image, right in enumerate(found.predicted == found.label)}

    def caption(self, record: Record, shown: Mapping[str, str]) -> str:
        """See Task."""
        return (
            f"Accuracy of a linear probe on frozen descriptors, {record.protocol.scored}; its regularisation is selected on the training "
            "domains, on each left out, or on the test domain (oracle: an upper bound). Head: the paper's, nothing selected. "
            "ECE: lower is better."
        )


CLASSIFICATION = Classification()


def evaluate(
    model: Model, suite: DomainSuite, out: Path, *, batch: int = 4, progress: Callable[[int], None] = lambda done: None
) -> tuple[Path, Record]:
    """Probe a model's frozen descriptors. Writes `NAME.h5` and `NAME.json`; `progress` gets percents. Raises UserError for a matcher of
    points.
    """
    if not isinstance(model, DescriptorModel):
        raise UserError(f"{model.name} gives no descriptors: suite {suite.name} needs them")
    out.mkdir(parents=True, exist_ok=True)
    started, path = time.perf_counter(), out / f"{file_stem(model.name)}.h5"
    domains = DOMAIN_SETS.get(suite.domain_set)(suite.source, cut=suite.cut, seed=suite.seed)
    parts, timing = _describe_domains(model, domains, suite, batch, progress)
    ood = next(part for part, domain in zip(parts, domains, strict=True) if domain.ood)
    training = [part for part, domain in zip(parts, domains, strict=True) if not domain.ood]
    chosen, classified = read_out(training, ood, suite.seed, progress)
    write_probabilities(path, classified)
    scores = score(read_probabilities(path))
    return record_result(
        model,
        "classification",
        _data_part(suite, domains),
        _protocol(model, suite, batch),
        scores,
        path,
        timing=timing,
        seconds=time.perf_counter() - started,
        details={
            "class": {name: suite.bounds.classify(scores[f"id_accuracy/{name}"], scores[f"ood_accuracy/{name}"]) for name in READ_OUTS},
            "bounds": {name: list(np.atleast_1d(bound)) for name, bound in asdict(suite.bounds).items()},
            "selected_strength": chosen,
            "domains": [{"e": domain.e, "ood": domain.ood, "images": len(domain.labels)} for domain in domains],
        },
    )


def _describe_domains(
    model: DescriptorModel, domains: Sequence[LabelledDomain], suite: DomainSuite, batch: int, progress: Callable[[int], None]
) -> tuple[list[LabelledDescriptors], Timing]:
    parts, timing = [], Timing()
    for domain in domains:
        begun = time.perf_counter()
        with failing_in_one_line(model):
            features = describe_images(model.dense, domain.images, size=suite.size, stride=suite.stride, batch=batch)
            check_finite(features)
        parts.append(LabelledDescriptors(features, domain.labels))
        timing = timing.plus(Timing(describe_s=time.perf_counter() - begun, images=len(domain.labels)))
        progress(60 // len(domains))
    return parts, timing


def _data_part(suite: DomainSuite, domains: Sequence[LabelledDomain]) -> DataPart:
    contents = domains[0].digits_sha256
    return DataPart(
        suite=suite.full_name,
        recipe_sha256=suite.recipe_sha256(contents),
        content_sha256=contents,
        split="id and ood",
        seed=suite.seed,
        scenes=sum(len(domain.labels) for domain in domains),
    )


def _protocol(model: DescriptorModel, suite: DomainSuite, batch: int) -> Protocol:
    return Protocol(
        scored=f"mean and spread over every {suite.stride}th pixel of {suite.size} px images",
        search="none",
        batch=batch,
        device=str(model.device),
        selection=list(READ_OUTS),
    )


def score(classified: Mapping[str, tuple[Classified, Classified]]) -> dict[str, float]:
    """Every metric of classification."""
    return {
        f"{part}_{kind}/{name}": METRICS.get(f"{part}_{kind}/{name}")(found)
        for kind in ("accuracy", "ece")
        for name, both in classified.items()
        for part, found in zip(("id", "ood"), both, strict=True)
    }
