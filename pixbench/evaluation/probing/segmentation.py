"""The segmentation task: whether frozen descriptors of rooms encode classes, instances and edges.

A linear probe is trained on pixels; the measures of instances and edges need no training.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
from jaxtyping import Float, Int

from ...dataset.reader import Dataset, StoredScene
from ...errors import UserError
from ...geometry.instances import FIRST_OBJECT, NO_INSTANCE
from ...geometry.pixels import every_nth
from ..matching.nearest import Norm
from ..matching.pairs import recipe_identity
from ..metric import Metric
from ..model import DescriptorModel, Model, check_finite, failing_in_one_line, image_batch
from ..record import DataPart, Protocol, Record, StoredRecord, number
from ..record_place import file_stem
from ..record_writer import Timing, record_result
from ..reproduction import Comparison, compare_metrics
from ..request import DataAccess, EvaluationRequest, ProgressBar, no_progress_bar
from ..suite import GeneratedSuite, Opening, Suite
from ..task import METRICS, Task
from .calibration import BINS
from .columns import SEGMENTATION_COLUMNS
from .linear_probe import PIXEL_PROBE_STEPS, PIXEL_PROBE_STRENGTH, fit_linear_probe
from .pixel_classes import PixelClasses, mean_iou, pixel_accuracy, pixel_calibration_error, read_classes, write_classes
from .structure import (
    best_channel_iou,
    binary_codes,
    binary_share,
    code_rand_index,
    depth_edges,
    descriptor_steps,
    edge_precision,
    normal_edges,
)


@dataclass(frozen=True)
class RoomSuite(Suite):
    """Two generated sets: of `seen` rooms all views but the last train a probe, and the last is the ID test; `unseen` rooms are OOD."""

    seen: GeneratedSuite
    unseen: GeneratedSuite
    stride: int
    task: ClassVar[str] = "segmentation"

    @property
    def work(self) -> int:
        """Scenes of both."""
        return self.seen.work + self.unseen.work


_WHERE = {
    "id": "views that the probe was not trained on, of rooms, objects and lights that it was",
    "ood": "rooms, objects and textures that the probe never saw, under stronger light and colour changes",
}
STRUCTURE = {
    "instance_iou": "mean over instances of the best intersection over union with any binarised channel or its opposite, no training",
    "instance_rand": "adjusted Rand index of equal binary codes against instances, no training",
    "depth_edge_ap": "average precision of the descriptor's step between neighbours as a detector of depth edges, no training",
    "normal_edge_ap": "average precision of the descriptor's step between neighbours as a detector of creases, no training",
    "binary_share": "share of values in the lower or upper quarter of their channel's range in a view, from its 5th to its 95th percentile",
}
SEGMENTATION_METRICS: tuple[Metric, ...] = (
    *(
        Metric(
            f"{part}_{name}",
            1,
            f"{what}; on {words}",
            value,
            higher_is_better=higher,
            parameters={"strength": PIXEL_PROBE_STRENGTH, "bins": BINS},
            task="segmentation",
        )
        for part, words in _WHERE.items()
        for name, what, value, higher in (
            ("pixel_accuracy", "share of pixels whose class a linear probe of frozen descriptors says", pixel_accuracy, True),
            ("miou", "mean over classes of the intersection over union of a linear probe of frozen descriptors", mean_iou, True),
            (
                "pixel_ece",
                f"expected calibration error, {BINS} equal bins, of a linear probe of frozen descriptors",
                pixel_calibration_error,
                False,
            ),
        )
    ),
    *(
        Metric(name, 1, f"{what}; mean over the first views of OOD rooms", lambda row: float(row), task="segmentation")
        for name, what in STRUCTURE.items()
    ),
)


class Segmentation(Task):
    """See Task. Linear probes of rooms, and measures of instances and edges that need no training."""

    name = "segmentation"
    title = "which class each pixel of a room has, and where instances and edges are"
    primary = "ood_miou"
    columns = SEGMENTATION_COLUMNS
    metrics = SEGMENTATION_METRICS

    def run(self, model: Model, request: EvaluationRequest) -> tuple[Path, Record]:
        """See Task. Raises UserError for a matcher of points."""
        request.refuse_pair_options()
        request.check_replaced(model)
        suite = cast(RoomSuite, request.suite)
        return evaluate(model, suite, request.opening, request.folder, batch=request.batch, progress_bar=request.progress_bar)

    def rescore(self, stored: StoredRecord, access: DataAccess, progress: Callable[[int], None] = lambda done: None) -> list[Comparison]:
        """See Task. Metrics of instances and edges cannot be computed from the predictions."""
        found = compare_metrics(stored.record, score(read_classes(stored.beside("predictions"))), undecided=STRUCTURE)
        progress(1)
        return found

    def caption(self, record: Record, shown: Mapping[str, str]) -> str:
        """See Task."""
        chance = record.details.get("majority", {})
        return (
            f"A linear probe on frozen descriptors, {record.protocol.scored}; always saying the commonest class has accuracy "
            f"{chance.get('id')} ID and {chance.get('ood')} OOD. Instances and edges: no training. ECE: lower is better."
        )


SEGMENTATION = Segmentation()


def evaluate(
    model: Model,
    suite: RoomSuite,
    opening: Opening,
    out: Path,
    *,
    batch: int = 4,
    progress_bar: ProgressBar = no_progress_bar,
) -> tuple[Path, Record]:
    """Probe frozen descriptors of rooms. `progress_bar` is opened twice: for making the scenes of both sets and for describing them.
    Raises UserError for a matcher of points.
    """
    if not isinstance(model, DescriptorModel):
        raise UserError(f"{model.name} gives no descriptors: suite {suite.name} needs them")
    out.mkdir(parents=True, exist_ok=True)
    started, path = time.perf_counter(), out / f"{file_stem(model.name)}.h5"
    with progress_bar(f"suite {suite.name}", suite.work, "scenes") as advance:
        seen, unseen = (
            Dataset(part.ensure(opening.cache, workers=opening.workers, progress=advance)) for part in (suite.seen, suite.unseen)
        )
    begun = time.perf_counter()
    with progress_bar(f"probe {model.name}", suite.work, "scenes") as advance:
        train, id_test, ood_test, structure, images = _describe_views(model, seen, unseen, suite.stride, batch, advance)
    timing = Timing(describe_s=time.perf_counter() - begun, images=images)
    probe = fit_linear_probe(*train, strength=PIXEL_PROBE_STRENGTH, steps=PIXEL_PROBE_STEPS)
    classes = {"id": _predicted(probe, *id_test), "ood": _predicted(probe, *ood_test)}
    write_classes(path, classes)
    found = record_result(
        model,
        "segmentation",
        _data_part(suite, seen, unseen, images),
        _protocol(model, suite, batch),
        {**score(read_classes(path)), **structure},
        path,
        timing=timing,
        seconds=time.perf_counter() - started,
        details={
            "classes": sorted({int(k) for k in train[1]}),
            "majority": {part: number(float(np.mean(found.truth == np.bincount(train[1]).argmax()))) for part, found in classes.items()},
            "seen": asdict(suite.seen)["config"],
            "unseen": asdict(suite.unseen)["config"],
        },
    )
    for dataset in (seen, unseen):
        dataset.close()
    return found


def _data_part(suite: RoomSuite, seen: Dataset, unseen: Dataset, images: int) -> DataPart:
    return DataPart(
        suite=suite.full_name,
        recipe_sha256="".join(recipe_identity(part.manifest)[:32] for part in (seen, unseen)),
        content_sha256="".join(part.manifest.content_sha256()[:32] for part in (seen, unseen)),
        split="id and ood",
        seed=seen.manifest.seed,
        scenes=images,
    )


def _protocol(model: DescriptorModel, suite: RoomSuite, batch: int) -> Protocol:
    return Protocol(
        query_stride=suite.stride,
        scored=f"every {suite.stride}th pixel of every {suite.stride}th row",
        search="none",
        batch=batch,
        device=str(model.device),
        selection=["none: regularisation fixed"],
    )


Pixels = tuple[Float[np.ndarray, "_ channels"], Int[np.ndarray, " _"]]


def _describe_views(
    model: DescriptorModel, seen: Dataset, unseen: Dataset, stride: int, batch: int, progress: Callable[[int], None]
) -> tuple[Pixels, Pixels, Pixels, dict[str, float], int]:
    """Descriptors and classes of training, ID and OOD pixels; the measures of structure on OOD views; the number of images."""
    train, id_test, ood_test, rows, images = [], [], [], [], 0
    for dataset in (seen, unseen):
        for scene in dataset.scenes():
            rgb = list(scene.read("rgb"))
            with failing_in_one_line(model):
                batches = [model.dense(image_batch(*rgb[first : first + batch])) for first in range(0, len(rgb), batch)]
                check_finite(*batches)
            dense = [each.cpu().numpy() for found in batches for each in found]
            images += len(rgb)
            views = [_pixels(scene, dense[view], view, stride) for view in range(len(rgb))]
            if dataset is seen:
                train += views[:-1]
                id_test.append(views[-1])
            else:
                ood_test += views
                rows.append(_structure(dense[0].astype(np.float64), scene, model.p))
            progress(1)
    joined = [(np.concatenate([x for x, _ in part]), np.concatenate([y for _, y in part])) for part in (train, id_test, ood_test)]
    structure = {name: float(np.nanmean([row[name] for row in rows])) for name in STRUCTURE}
    return joined[0], joined[1], joined[2], structure, images


def _pixels(scene: StoredScene, dense: Float[np.ndarray, "channels height width"], view: int, stride: int) -> Pixels:
    """Every `stride`-th pixel with a surface. Classes are numbers of the data set, the same in all its scenes."""
    grid = every_nth(stride)
    semantic = scene.read("semantic", view)[grid, grid].astype(np.int64)
    has_surface = scene.read("instance", view)[grid, grid] > 0
    return dense[:, grid, grid][:, has_surface].T, semantic[has_surface]


def _structure(dense: Float[np.ndarray, "channels height width"], scene: StoredScene, p: Norm) -> dict[str, float]:
    instance = scene.read("instance", 0).astype(int)
    # The cosine defines no length: the l2 step of unit descriptors is used instead.
    unit = dense / np.maximum(np.linalg.norm(dense, axis=0), 1e-12) if isinstance(p, str) else dense
    codes, steps = binary_codes(dense), descriptor_steps(unit, 2.0 if isinstance(p, str) else p)
    return {
        "instance_iou": best_channel_iou(codes, np.where(instance >= FIRST_OBJECT, instance, NO_INSTANCE)),
        "instance_rand": code_rand_index(codes, instance),
        "depth_edge_ap": edge_precision(steps, depth_edges(scene.read("depth_m", 0).astype(float))),
        "normal_edge_ap": edge_precision(steps, normal_edges(scene.read("normal_world", 0).astype(float))),
        "binary_share": binary_share(dense),
    }


def _predicted(probe: Any, features: Float[np.ndarray, "pixels channels"], truth: Int[np.ndarray, " pixels"]) -> PixelClasses:
    probability = probe.predict_proba(features)
    best = probability.argmax(axis=1)
    return PixelClasses(probability.max(axis=1), probe.classes_[best].astype(np.int64), truth)


def score(classes: dict[str, PixelClasses]) -> dict[str, float]:
    """Every metric of the probe."""
    names: Sequence[str] = ("pixel_accuracy", "miou", "pixel_ece")
    return {f"{part}_{name}": METRICS.get(f"{part}_{name}")(found) for part, found in classes.items() for name in names}
