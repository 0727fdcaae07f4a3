"""Whether frozen descriptors of rooms know classes, instances and edges: a linear probe of pixels, and what channels show without one."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
from jaxtyping import Float, Int

from ...dataset.reader import Dataset, StoredScene
from ...errors import UserError
from ...geometry.instances import FIRST_OBJECT, NO_INSTANCE
from ...io.files import written_whole
from ...registry import METRICS
from ..matching.evaluate import file_stem, number, store_probe
from ..matching.metrics import Metric
from ..matching.nearest import Norm
from ..matching.pairs import recipe_identity
from ..model import DescriptorModel, Model, image_batch
from ..record import DataPart, Protocol, Record
from ..suite import GeneratedSuite, Opening, Suite, Task
from .classification import binned_gap
from .structure import best_channel_iou, binary_codes, code_rand_index, depth_edges, descriptor_steps, edge_precision, normal_edges

FORMAT = "pixbench-pixel-classes"
PARTS = ("id", "ood")
STRENGTH = 0.01
BINS = 15


@dataclass(frozen=True)
class RoomSuite(Suite):
    """Two generated sets: of `seen` rooms all views but the last train a probe, and the last is the ID test; `unseen` rooms are OOD."""

    seen: GeneratedSuite
    unseen: GeneratedSuite
    stride: int
    task: ClassVar[Task] = "segmentation"

    @property
    def work(self) -> int:
        """Scenes of both."""
        return self.seen.work + self.unseen.work


@dataclass(frozen=True, eq=False)
class PixelClasses:
    """What a probe said of pixels: the probability of the class it said, that class, and the true one; classes are numbers."""

    confidence: Float[np.ndarray, " pixels"]
    said: Int[np.ndarray, " pixels"]
    truth: Int[np.ndarray, " pixels"]


def pixel_accuracy(found: PixelClasses) -> float:
    """Share of pixels whose class was said."""
    return float(np.mean(found.said == found.truth)) if len(found.truth) else math.nan


def mean_iou(found: PixelClasses) -> float:
    """Mean over the true classes of intersection over union of said and true pixels."""
    ious = [np.sum((found.said == k) & (found.truth == k)) / np.sum((found.said == k) | (found.truth == k)) for k in np.unique(found.truth)]
    return float(np.mean(ious)) if ious else math.nan


def pixel_calibration_error(found: PixelClasses, bins: int = BINS) -> float:
    """Expected calibration error of the said class, in equal bins (Guo et al., 2017)."""
    if not len(found.truth):
        return math.nan
    return binned_gap(found.confidence, found.said == found.truth, bins)


_WHERE = {
    "id": "views that the probe was not trained on, of rooms, objects and lights that it was",
    "ood": "rooms, objects and textures that the probe never saw, under stronger light and colour changes",
}
STRUCTURE = {
    "instance_iou": "mean over instances of the best intersection over union with any binarised channel or its opposite, no training",
    "instance_rand": "adjusted Rand index of equal binary codes against instances, no training",
    "depth_edge_ap": "average precision of the descriptor's step between neighbours as a detector of depth edges, no training",
    "normal_edge_ap": "average precision of the descriptor's step between neighbours as a detector of creases, no training",
}
for _part, _words in _WHERE.items():
    for _id, _what, _value, _higher in (
        ("pixel_accuracy", "share of pixels whose class a linear probe of frozen descriptors says", pixel_accuracy, True),
        ("miou", "mean over classes of the intersection over union of a linear probe of frozen descriptors", mean_iou, True),
        (
            "pixel_ece",
            f"expected calibration error, {BINS} equal bins, of a linear probe of frozen descriptors",
            pixel_calibration_error,
            False,
        ),
    ):
        METRICS.add(f"{_part}_{_id}")(
            Metric(
                f"{_part}_{_id}",
                1,
                f"{_what}; on {_words}",
                _value,
                higher_is_better=_higher,
                parameters={"strength": STRENGTH, "bins": BINS},
                task="segmentation",
            )
        )
for _id, _what in STRUCTURE.items():
    METRICS.add(_id)(Metric(_id, 1, f"{_what}; mean over the first views of OOD rooms", lambda row: float(row), task="segmentation"))


def evaluate(
    model: Model,
    suite: RoomSuite,
    opening: Opening,
    out: Path,
    *,
    batch: int = 4,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[Path, Record]:
    """Probe frozen descriptors of rooms; `progress` gets scenes of both sets, made and described. UserError for a matcher of points."""
    if not isinstance(model, DescriptorModel):
        raise UserError(f"{model.name} gives no descriptors: suite {suite.name} needs them")
    out.mkdir(parents=True, exist_ok=True)
    started, stem = time.perf_counter(), file_stem(model.name)
    seen, unseen = (Dataset(part.ensure(opening.cache, workers=opening.workers, progress=progress)) for part in (suite.seen, suite.unseen))
    begun = time.perf_counter()
    train, id_test, ood_test, structure, images = _described(model, seen, unseen, suite.stride, batch, progress)
    seconds = time.perf_counter() - begun
    probe = _probe(*train)
    classes = {"id": _says(probe, *id_test), "ood": _says(probe, *ood_test)}
    path = out / f"{stem}.h5"
    write_classes(path, classes)
    scores = {**score(read_classes(path)), **structure}
    identities = [recipe_identity(part.manifest) for part in (seen, unseen)]
    found = store_probe(
        model,
        path,
        "segmentation",
        DataPart(
            suite=suite.full_name,
            recipe_sha256="".join(each[:32] for each in identities),
            content_sha256="".join(part.manifest.content_sha256()[:32] for part in (seen, unseen)),
            split="id and ood",
            seed=seen.manifest.seed,
            scenes=images,
        ),
        Protocol(
            query_stride=suite.stride,
            scored=f"every {suite.stride}th pixel of every {suite.stride}th row",
            search="none",
            batch=batch,
            device=str(model.device),
            selection=["none: regularisation fixed"],
        ),
        scores,
        {
            "classes": sorted({int(k) for k in train[1]}),
            "majority": {part: number(float(np.mean(found.truth == np.bincount(train[1]).argmax()))) for part, found in classes.items()},
            "seen": asdict(suite.seen)["config"],
            "unseen": asdict(suite.unseen)["config"],
        },
        describe_s=seconds,
        seconds=time.perf_counter() - started,
    )
    for dataset in (seen, unseen):
        dataset.close()
    return found


Pixels = tuple[Float[np.ndarray, "_ channels"], Int[np.ndarray, " _"]]


def _described(
    model: DescriptorModel, seen: Dataset, unseen: Dataset, stride: int, batch: int, progress: Callable[[int], None]
) -> tuple[Pixels, Pixels, Pixels, dict[str, float], int]:
    """Descriptors and classes of training, ID and OOD pixels; the measures of structure on OOD views; the number of images."""
    train, id_test, ood_test, rows, images = [], [], [], [], 0
    for dataset in (seen, unseen):
        for scene in dataset.scenes():
            rgb = list(scene.read("rgb"))
            dense = [
                each.cpu().numpy() for first in range(0, len(rgb), batch) for each in model.dense(image_batch(*rgb[first : first + batch]))
            ]
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
    start = stride // 2
    semantic = scene.read("semantic", view)[start::stride, start::stride].astype(np.int64)
    there = scene.read("instance", view)[start::stride, start::stride] > 0
    return dense[:, start::stride, start::stride][:, there].T, semantic[there]


def _structure(dense: Float[np.ndarray, "channels height width"], scene: StoredScene, p: Norm) -> dict[str, float]:
    instance = scene.read("instance", 0).astype(int)
    # Steps are lengths; a cosine has none, so that the l2 step of unit descriptors stands for it.
    unit = dense / np.maximum(np.linalg.norm(dense, axis=0), 1e-12) if isinstance(p, str) else dense
    codes, steps = binary_codes(dense), descriptor_steps(unit, 2.0 if isinstance(p, str) else p)
    return {
        "instance_iou": best_channel_iou(codes, np.where(instance >= FIRST_OBJECT, instance, NO_INSTANCE)),
        "instance_rand": code_rand_index(codes, instance),
        "depth_edge_ap": edge_precision(steps, depth_edges(scene.read("depth_m", 0).astype(float))),
        "normal_edge_ap": edge_precision(steps, normal_edges(scene.read("normal_world", 0).astype(float))),
    }


def _probe(features: Float[np.ndarray, "pixels channels"], classes: Int[np.ndarray, " pixels"]) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=300)).fit(features, classes)


def _says(probe: Any, features: Float[np.ndarray, "pixels channels"], truth: Int[np.ndarray, " pixels"]) -> PixelClasses:
    probability = probe.predict_proba(features)
    best = probability.argmax(axis=1)
    return PixelClasses(probability.max(axis=1), probe.classes_[best].astype(np.int64), truth)


def write_classes(path: Path, classes: dict[str, PixelClasses]) -> None:
    """Confidence in thousandths, said and true class of every test pixel."""
    with written_whole(path) as temporary, h5py.File(temporary, "w", libver=("v110", "v110")) as file:
        file.attrs["format"], file.attrs["format_version"] = FORMAT, 1
        for part, found in classes.items():
            arrays = {"confidence": (1000 * found.confidence).round(), "said": found.said, "truth": found.truth}
            for name, array in arrays.items():
                file.create_dataset(f"{part}/{name}", data=array.astype(np.uint16), compression="gzip", shuffle=True)


def read_classes(path: Path) -> dict[str, PixelClasses]:
    """What `write_classes` wrote."""
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != FORMAT:
                raise UserError(f"{path} holds no classes of pixels: run 'pixbench evaluate' again")
            return {
                part: PixelClasses(
                    file[part]["confidence"][()] / 1000, file[part]["said"][()].astype(np.int64), file[part]["truth"][()].astype(np.int64)
                )
                for part in PARTS
            }
    except (OSError, KeyError) as error:
        raise UserError(f"{path} holds no classes of pixels ({error}): run 'pixbench evaluate' again") from None


def score(classes: dict[str, PixelClasses]) -> dict[str, float]:
    """Every metric of the probe."""
    names: Sequence[str] = ("pixel_accuracy", "miou", "pixel_ece")
    return {f"{part}_{name}": METRICS.get(f"{part}_{name}")(found) for part, found in classes.items() for name in names}
