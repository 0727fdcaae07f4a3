"""Pareto plot: matching score of each checkpoint against its classification accuracy in and out of distribution."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import StringIO

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import IdentityTransform

from ..evaluation.matching.task import MATCHING
from ..evaluation.probing.classification import CLASSIFICATION
from ..evaluation.record import Record
from .tables import Table

ID = "id_accuracy/training-domain"
OOD = CLASSIFICATION.primary
LEVEL = MATCHING.ranked[0]
"""A column that only tables of suites with levels show."""

TITLE = "Matching against ID and OOD accuracy of each checkpoint"
SIZE_IN = (8.6, 4.8)
PLOT = (0.08, 0.13, 0.62, 0.83)
"""Left, bottom, width and height of the axes, as shares of the figure."""

BEST, OTHER = "#c4622d", "#1b4f8a"
STYLE = {"svg.fonttype": "none", "svg.hashsalt": "pixbench"}
"""Text is stored as text, and ids are fixed, so that the same records give the same bytes."""

LABEL = (13.0, 11.0)
"""Width and height reserved for a label, in points (1/72 inch)."""

BESIDE = [(dx, dy) for distance in (12.0, 24.0, 36.0) for dx, dy in ((distance, 0.0), (0.0, distance), (-distance, 0.0), (0.0, -distance))]
"""Candidate offsets of a label from its point, in points (1/72 inch), the nearest first."""


@dataclass(frozen=True)
class ParetoPoint:
    """One checkpoint: its entry's name, suites, matching score and both accuracies; `best` if it is Pareto-optimal in matching and OOD."""

    name: str
    suites: tuple[str, str]
    matching: float
    id_accuracy: float
    ood_accuracy: float
    best: bool = False


def pareto_points(tables: Sequence[Table]) -> list[ParetoPoint]:
    """The checkpoints that were scored on a matching suite and a classification suite: of the pair of suites that most were scored on.

    Suites with levels come first: there the matching score is the mean of the levels.
    """
    by_suites: dict[tuple[str, str], list[ParetoPoint]] = {}
    suites = [table for table in tables if table.task == MATCHING.name]
    for matching in [table for table in suites if LEVEL in table.columns] or suites:
        for classified in (table for table in tables if table.task == CLASSIFICATION.name):
            other = {_same_model(each.record): each.record for row in classified.rows for each in row.entry.stored}
            found = []
            for row in matching.rows:
                for each in row.entry.stored:
                    twin = other.get(_same_model(each.record))
                    numbers = (each.record.value(MATCHING.primary), *(twin.value(name) if twin else None for name in (ID, OOD)))
                    if None not in numbers:
                        found.append(ParetoPoint(row.entry.name, (matching.suite, classified.suite), *numbers))  # type: ignore[arg-type]
            by_suites.setdefault((matching.suite, classified.suite), []).extend(found)
    most = max(by_suites.values(), key=len, default=[])
    return [_marked(point, most) for point in sorted(most, key=lambda point: (-point.matching, point.name, point.ood_accuracy))]


def _same_model(record: Record) -> tuple[str, ...]:
    """Equal for records of one model: same weights or code, norm, and preprocessing."""
    names = ("source_sha256", "p", "input_size", "input_multiple", "scales")
    return (record.weights_sha256, *(str(record.model_info.get(name)) for name in names))


def _marked(point: ParetoPoint, all_points: Sequence[ParetoPoint]) -> ParetoPoint:
    beaten = any(
        other.matching >= point.matching
        and other.ood_accuracy >= point.ood_accuracy
        and (other.matching, other.ood_accuracy) != (point.matching, point.ood_accuracy)
        for other in all_points
    )
    return ParetoPoint(point.name, point.suites, point.matching, point.id_accuracy, point.ood_accuracy, not beaten)


def pareto_svg(points: Sequence[ParetoPoint]) -> str:
    """The plot: OOD accuracy (filled) and ID accuracy (ring) of each checkpoint over its matching score, the Pareto front joined.

    Empty where one checkpoint is the best in both, or there is none: then there is no trade-off to be seen.
    """
    if len({(point.matching, point.ood_accuracy) for point in points if point.best}) < 2:
        return ""
    names = list(dict.fromkeys(point.name for point in points))
    with style.context(["default", STYLE]):
        figure = Figure(figsize=SIZE_IN, dpi=72)
        axes = _axes(figure, points)
        _draw_points(axes, points, names)
        _draw_names(axes, points, names)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={**dict.fromkeys(("Creator", "Date", "Format", "Type")), "Title": TITLE})
    svg = text.getvalue()
    for k, point in enumerate(points):
        words = f"{point.name}: δ_avg {point.matching:.3f}, ID {point.id_accuracy:.3f}, OOD {point.ood_accuracy:.3f}"
        svg = svg.replace(f'<g id="point-{k}">', f'<g id="point-{k}"><title>{escape(words)}</title>')
    return svg[svg.index("<svg") :]


def _axes(figure: Figure, points: Sequence[ParetoPoint]) -> Axes:
    """Axes at a fixed place, so that no size of text moves anything."""
    axes = figure.add_axes(PLOT)
    matching, classified = points[0].suites
    axes.set(xlim=(0, 1.1 * max(point.matching for point in points)), ylim=(0, 1))
    axes.set(xlabel=f"δ_avg on {matching}", ylabel=f"accuracy on {classified}")
    axes.grid(axis="y", color="#e4e4e0")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _draw_points(axes: Axes, points: Sequence[ParetoPoint], names: Sequence[str]) -> None:
    front = sorted((point for point in points if point.best), key=lambda point: point.matching)
    axes.plot([point.matching for point in front], [point.ood_accuracy for point in front], "--", color=BEST, linewidth=1, gid="front")
    place = axes.transData.transform
    low = [tuple(place((point.matching, point.ood_accuracy)).tolist()) for point in points]
    high = [tuple(place((point.matching, point.id_accuracy)).tolist()) for point in points]
    bounds = [float(edge) for edge in axes.get_window_extent().extents]
    for k, (point, label) in enumerate(zip(points, _label_places(low, low + high, bounds), strict=True)):
        color, x = BEST if point.best else OTHER, point.matching
        axes.plot([x, x], [point.ood_accuracy, point.id_accuracy], color="#c8c8c4", linewidth=1)
        axes.plot(x, point.id_accuracy, "o", color=color, markerfacecolor="white", markersize=6)
        axes.plot(x, point.ood_accuracy, "o", color=color, markersize=6, gid=f"point-{k}")
        words = str(names.index(point.name) + 1)
        axes.text(*label, words, transform=IdentityTransform(), ha="center", va="center", fontsize=7.5, color="#444444", gid=f"label-{k}")


def _draw_names(axes: Axes, points: Sequence[ParetoPoint], names: Sequence[str]) -> None:
    best = {point.name for point in points if point.best}
    lines = [("○ ID   ● OOD", "#444444"), *((f"{k} {name}", BEST if name in best else "#444444") for k, name in enumerate(names, start=1))]
    for row, (words, color) in enumerate(lines):
        axes.text(1.04, 0.98 - 0.045 * row, words, transform=axes.transAxes, va="top", fontsize=8.5, color=color, parse_math=False)


def _label_places(
    points: Sequence[tuple[float, float]], dots: Sequence[tuple[float, float]], bounds: Sequence[float]
) -> list[tuple[float, float]]:
    """The centre of each point's label: the first place beside it that is within `bounds` and overlaps no dot and no other label.

    Positions are in points (1/72 inch); `bounds` are left, bottom, right and top of the axes.
    """
    left, bottom, right, top = bounds
    placed: list[tuple[float, float]] = []
    for x, y in points:
        places = ((x + dx, y + dy) for dx, dy in BESIDE)
        inside = ((u, v) for u, v in places if left < u < right and bottom < v < top)
        placed.append(next((place for place in inside if _is_free(place, dots, placed)), (x + BESIDE[0][0], y)))
    return placed


def _is_free(place: tuple[float, float], dots: Sequence[tuple[float, float]], placed: Sequence[tuple[float, float]]) -> bool:
    taken = [(dot, 4.0) for dot in dots] + [(label, LABEL[0] / 2) for label in placed]
    return all(abs(place[0] - x) > LABEL[0] / 2 + reach or abs(place[1] - y) > LABEL[1] / 2 + reach for (x, y), reach in taken)
