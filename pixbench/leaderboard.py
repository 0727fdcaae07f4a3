"""Tables: a pure function of records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .evaluation import metrics  # noqa: F401  (registers them)
from .evaluation.record import Record
from .registry import METRICS

COLUMNS = {
    "matching": {
        "delta_avg": "δ_avg",
        "pck@1": "PCK@1",
        "pck@4": "PCK@4",
        "epe_median": "median EPE",
        "mma@3": "MMA@3",
        "closer": "closer",
        "occlusion_ap": "occlusion AP",
        "pose_auc@10/magsac": "AUC@10° MAGSAC",
        "pose_auc@10/poselib": "AUC@10° PoseLib",
        "homography_auc@5": "AUC@5 px",
    },
    "classification": {
        "id_accuracy/training-domain": "ID",
        "ood_accuracy/training-domain": "OOD",
        "ood_accuracy/leave-one-domain-out": "OOD, leave one out",
        "ood_accuracy/oracle": "OOD, oracle",
        "ood_ece/training-domain": "OOD ECE",
        "id_accuracy/head": "ID, head",
        "ood_accuracy/head": "OOD, head",
    },
    "segmentation": {
        "id_pixel_accuracy": "ID accuracy",
        "ood_pixel_accuracy": "OOD accuracy",
        "id_miou": "ID mIoU",
        "ood_miou": "OOD mIoU",
        "ood_pixel_ece": "OOD ECE",
        "instance_iou": "instance IoU",
        "instance_rand": "Rand index",
        "depth_edge_ap": "depth edge AP",
        "normal_edge_ap": "normal edge AP",
    },
}
"""What a table shows of a task, in this order. Columns without any value are left out."""

METHOD = ("paper", "paper-hard", "stable-hard")
"""Objectives that have a share of the between-image term."""

DIGITS = {"epe_median": 2, "epe_mean": 2, "matches": 0}


@dataclass(frozen=True)
class Table:
    """Rows that were scored on the same data by the same protocol, the best of the first column first."""

    title: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """The table in Markdown, with its caption."""
        lines = ["| " + " | ".join(self.header) + " |", "|---|" + "---|" * (len(self.header) - 1)]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return f"**{self.title}**\n\n" + "\n".join(lines) + f"\n\n{self.caption}\n"


def build_tables(records: Sequence[Record]) -> list[Table]:
    """One table for each suite, data set, protocol and set of metric definitions: numbers that differ in those never stand side by side.

    A data set is known by the hash of its recipe: between processors the last bits of its contents may differ.
    """
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        definitions = ",".join(f"{name}:{value.sha256[:12]}" for name, value in sorted(record.metrics.items()))
        asked = f"{record.protocol.query_stride} {record.protocol.scored} {record.protocol.selection}"
        key = (record.task, record.data.suite, record.data.recipe_sha256, asked, definitions)
        groups.setdefault(key, []).append(record)
    return [_table(groups[key]) for key in sorted(groups)]


def _table(records: list[Record]) -> Table:
    data, task = records[0].data, records[0].task
    shown = {
        name: words
        for name, words in COLUMNS[task].items()
        if any(record.metrics[name].value is not None for record in records if name in record.metrics)
    }
    first = next(iter(shown), "")
    ranked = sorted(records, key=lambda record: (-_ranked_value(record, first), _name(record), record.created))
    size = f"{data.scenes} scenes, {data.pairs} ordered pairs" if task == "matching" else f"{data.scenes} images"
    return Table(
        title=f"{data.suite} ({data.split}, {size}, recipe {data.recipe_sha256[:12]})",
        caption=_caption(records[0], shown),
        header=("model", "norm", "D", "c", *shown.values()),
        rows=tuple(_row(record, tuple(shown)) for record in ranked),
    )


def _caption(record: Record, shown: Mapping[str, str]) -> str:
    if record.task == "classification":
        return (
            f"Accuracy of a linear probe on frozen descriptors, {record.protocol.scored}; its regularisation is selected on the training "
            "domains, on each left out, or on the test domain (oracle: an upper bound). Head: the paper's, nothing selected. "
            "ECE: lower is better."
        )
    if record.task == "segmentation":
        chance = record.details.get("majority", {})
        return (
            f"A linear probe on frozen descriptors, {record.protocol.scored}; always saying the commonest class has accuracy "
            f"{chance.get('id')} ID and {chance.get('ood')} OOD. Instances and edges: no training. ECE: lower is better."
        )
    stride = record.protocol.query_stride
    every = f"every {stride}th pixel of every {stride}th row" if stride != 1 else "every pixel"
    lower = [words for name, words in shown.items() if not METRICS.get(name).higher_is_better]
    return (
        f"{record.data.points} visible queries ({every}), searched in the whole target image; means over pairs. "
        f"Higher is better, but for {' and '.join(lower) or 'none'}. 'pixbench metrics explain ID' says what a number means."
    )


def _name(record: Record) -> str:
    changed = [word for word, there in (("sub-pixel", record.protocol.subpixel),) if there]
    if record.protocol.radius_px is not None:
        changed.append(f"within {record.protocol.radius_px:g} px")
    return record.model + (f" ({', '.join(changed)})" if changed else "")


def _ranked_value(record: Record, name: str) -> float:
    found = record.metrics.get(name)
    return found.value or 0.0 if found else 0.0


def _row(record: Record, shown: Sequence[str]) -> tuple[str, ...]:
    info = record.model_info
    training = info.get("training")
    config = training.get("config") if isinstance(training, dict) else None
    weight = config.get("between_weight") if isinstance(config, dict) and config.get("objective") in METHOD else None
    described = (info.get("p"), info.get("channels"), weight)
    return (
        _name(record),
        *("–" if value is None else str(value) for value in described),
        *(_cell(record, name) for name in shown),
    )


def _cell(record: Record, name: str) -> str:
    value = record.metrics[name].value if name in record.metrics else None
    return "–" if value is None else f"{value:.{DIGITS.get(name, 3)}f}"
