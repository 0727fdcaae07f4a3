"""Pareto plot: matching score of each checkpoint against its classification accuracy in and out of distribution."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ..evaluation.matching.task import MATCHING
from ..evaluation.probing.classification import CLASSIFICATION
from .tables import Table

ID = "id_accuracy/training-domain"
OOD = CLASSIFICATION.primary

WIDTH, HEIGHT, LEFT, TOP = 760, 420, 64, 28
PLOT_WIDTH, PLOT_HEIGHT = 500, 330

LABEL = (13.0, 11.0)
"""Width and height that a number needs for itself."""

BESIDE = [(dx, dy) for distance in (12.0, 24.0, 36.0) for dx, dy in ((distance, 0.0), (0.0, distance), (-distance, 0.0), (0.0, -distance))]
"""Where a label may stand from its point, the nearest first."""


@dataclass(frozen=True)
class ParetoPoint:
    """One checkpoint: its entry's name, the suites, its matching score, both accuracies; `best` where none beats it in matching and OOD."""

    name: str
    suites: tuple[str, str]
    matching: float
    id_accuracy: float
    ood_accuracy: float
    best: bool = False


def pareto_points(tables: Sequence[Table]) -> list[ParetoPoint]:
    """The checkpoints that were scored on a matching suite and a classification suite: of the pair of suites that most were scored on."""
    by_suites: dict[tuple[str, str], list[ParetoPoint]] = {}
    for matching in (table for table in tables if table.task == MATCHING.name):
        for classified in (table for table in tables if table.task == CLASSIFICATION.name):
            other = {each.record.weights_sha256: each.record for row in classified.rows for each in row.entry.stored}
            found = []
            for row in matching.rows:
                for each in row.entry.stored:
                    twin = other.get(each.record.weights_sha256)
                    numbers = (each.record.value(MATCHING.primary), *(twin.value(name) if twin else None for name in (ID, OOD)))
                    if None not in numbers:
                        found.append(ParetoPoint(row.entry.name, (matching.suite, classified.suite), *numbers))  # type: ignore[arg-type]
            by_suites.setdefault((matching.suite, classified.suite), []).extend(found)
    most = max(by_suites.values(), key=len, default=[])
    return [_marked(point, most) for point in sorted(most, key=lambda point: (-point.matching, point.name, point.ood_accuracy))]


def _marked(point: ParetoPoint, all_points: Sequence[ParetoPoint]) -> ParetoPoint:
    beaten = any(
        other.matching >= point.matching
        and other.ood_accuracy >= point.ood_accuracy
        and (other.matching, other.ood_accuracy) != (point.matching, point.ood_accuracy)
        for other in all_points
    )
    return ParetoPoint(point.name, point.suites, point.matching, point.id_accuracy, point.ood_accuracy, not beaten)


def pareto_svg(points: Sequence[ParetoPoint]) -> str:
    """The plot: OOD accuracy (filled) and ID accuracy (ring) of each checkpoint over its matching score, the best of both joined.

    Empty where one checkpoint is the best in both, or there is none: then there is no trade-off to be seen.
    """
    if len({(point.matching, point.ood_accuracy) for point in points if point.best}) < 2:
        return ""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif" font-size="12">',
        "<title>Matching against ID and OOD accuracy of each checkpoint</title>",
    ]
    highest = max(point.matching for point in points)
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if highest / step <= 6)
    top = step * (int(highest / step) + 1)

    def place(matching: float, accuracy: float) -> tuple[float, float]:
        return LEFT + PLOT_WIDTH * matching / top, TOP + PLOT_HEIGHT * (1 - accuracy)

    for k in range(6):
        _, y = place(0, k / 5)
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + PLOT_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e4e4e0"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#666">{k / 5:.1f}</text>')
    for k in range(round(top / step) + 1):
        x, _ = place(k * step, 0)
        parts.append(f'<text x="{x:.1f}" y="{TOP + PLOT_HEIGHT + 18}" text-anchor="middle" fill="#666">{k * step:.2f}</text>')
    matching, classified = points[0].suites
    parts.append(f'<text x="{LEFT + PLOT_WIDTH / 2}" y="{HEIGHT - 14}" text-anchor="middle">δ_avg on {escape(matching)}</text>')
    parts.append(
        f'<text transform="translate(16 {TOP + PLOT_HEIGHT / 2}) rotate(-90)" text-anchor="middle">accuracy on {escape(classified)}</text>'
    )
    front = sorted((point for point in points if point.best), key=lambda point: point.matching)
    line = " ".join("{:.1f},{:.1f}".format(*place(point.matching, point.ood_accuracy)) for point in front)
    parts.append(f'<polyline points="{line}" fill="none" stroke="#c4622d" stroke-dasharray="4 3"/>')
    names = list(dict.fromkeys(point.name for point in points))
    dots = [place(point.matching, accuracy) for point in points for accuracy in (point.ood_accuracy, point.id_accuracy)]
    labels = _label_places([place(point.matching, point.ood_accuracy) for point in points], dots)
    for point, (label_x, label_y) in zip(points, labels, strict=True):
        number = names.index(point.name) + 1
        (x, low), (_, high) = place(point.matching, point.ood_accuracy), place(point.matching, point.id_accuracy)
        words = f"{point.name}: δ_avg {point.matching:.3f}, ID {point.id_accuracy:.3f}, OOD {point.ood_accuracy:.3f}"
        fill = "#c4622d" if point.best else "#1b4f8a"
        parts.append(
            f'<g><title>{escape(words)}</title><line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="#c8c8c4"/>'
            f'<circle cx="{x:.1f}" cy="{high:.1f}" r="3.5" fill="#fff" stroke="{fill}"/>'
            f'<circle cx="{x:.1f}" cy="{low:.1f}" r="4" fill="{fill}"/>'
            f'<text x="{label_x:.1f}" y="{label_y + 3.5:.1f}" text-anchor="middle" font-size="9.5" fill="#444">{number}</text></g>'
        )
    legend = LEFT + PLOT_WIDTH + 24
    parts.append(f'<circle cx="{legend}" cy="{TOP}" r="3.5" fill="#fff" stroke="#444"/><text x="{legend + 10}" y="{TOP + 4}">ID</text>')
    parts.append(f'<circle cx="{legend + 40}" cy="{TOP}" r="4" fill="#444"/><text x="{legend + 50}" y="{TOP + 4}">OOD</text>')
    for number, name in enumerate(names, start=1):
        best = any(point.best for point in points if point.name == name)
        parts.append(
            f'<text x="{legend}" y="{TOP + 10 + 15 * number}" fill="{"#c4622d" if best else "#444"}" font-size="11">'
            f"{number} {escape(name)}</text>"
        )
    return "\n".join([*parts, "</svg>\n"])


def _label_places(points: Sequence[tuple[float, float]], dots: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The centre of each point's label: the first place beside it where it lies over no dot and no other label, and in the plot."""
    placed: list[tuple[float, float]] = []
    for x, y in points:
        free = ((x + dx, y + dy) for dx, dy in BESIDE if _inside(x + dx, y + dy) and _is_free((x + dx, y + dy), dots, placed))
        placed.append(next(free, (x + BESIDE[0][0], y)))
    return placed


def _inside(x: float, y: float) -> bool:
    return LEFT < x < LEFT + PLOT_WIDTH and TOP < y < TOP + PLOT_HEIGHT


def _is_free(place: tuple[float, float], dots: Sequence[tuple[float, float]], placed: Sequence[tuple[float, float]]) -> bool:
    taken = [(dot, 4.0) for dot in dots] + [(label, LABEL[0] / 2) for label in placed]
    return all(abs(place[0] - x) > LABEL[0] / 2 + reach or abs(place[1] - y) > LABEL[1] / 2 + reach for (x, y), reach in taken)
