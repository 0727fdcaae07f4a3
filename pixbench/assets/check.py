"""Reads every model of a source of objects or rooms, and counts usable models and defects."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..errors import UserError
from ..generation.components import OBJECT_SOURCES, ROOM_SOURCES
from ..registry import Registry


@dataclass(frozen=True)
class CheckedModel:
    """Result of reading one model: why it cannot be used (empty if it can), details of the error, repairs that were made, and its
    category.
    """

    id: str
    category: str
    split: str
    reason: str = ""
    detail: str = ""
    mended: dict[str, int] = field(default_factory=dict)
    size_m: tuple[float, ...] = ()
    faces: int = 0
    textures: int = 0
    has_colors: bool = False


@dataclass
class CheckReport:
    """Counts of a source: usable models by (category, split), and defects by kind, each with one model as an example.

    `listing` counts models that the source left out of its list, by reason; `skipped` names them, if the source reports them.
    """

    models: list[CheckedModel] = field(default_factory=list)

    usable: Counter[tuple[str, str]] = field(default_factory=Counter)
    unusable: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)
    listing: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, str] = field(default_factory=dict)
    example: dict[str, str] = field(default_factory=dict)

    def note(self, counter: Counter[str], kind: str, model_id: str) -> None:
        """Count a model's defect."""
        counter[kind] += 1
        self.example.setdefault(kind, model_id)


def open_sources(spec: str) -> list[tuple[str, Any]]:
    """The sources of objects and of rooms that `KIND[:PATH]` names, as pairs (`object source` or `room source`, source).

    Raises UserError for an unknown kind, and where no source of that kind finds anything at PATH.
    """
    kind, _, path = spec.partition(":")
    registries: tuple[Registry[Callable[[str | None], Any]], ...] = (OBJECT_SOURCES, ROOM_SOURCES)
    serving = [registry for registry in registries if kind in registry.names()]
    if not serving:
        OBJECT_SOURCES.get(kind)  # raises, with a suggestion
    opened, refused = [], []
    for registry in serving:
        try:
            opened.append((registry.kind, registry.get(kind)(path or None)))
        except UserError as error:
            refused.append(error)
    if not opened:
        raise refused[0]
    return opened


def check_models(source: Any, *, progress: Callable[[], None] = lambda: None) -> CheckReport:
    """Load every entry of a source (see Collection in pixbench.generators.sources.base). `progress` is called after each."""
    found = CheckReport()
    for entry in source.entries:
        model = _checked(source, entry)
        found.models.append(model)
        if model.reason:
            found.note(found.unusable, model.reason, entry.id)
        else:
            found.usable[entry.category, entry.in_split] += 1
        for kind in model.mended:
            found.note(found.mended, kind, entry.id)
        progress()
    found.listing.update(source.defects())
    found.skipped.update(getattr(source, "skipped", {}))
    return found


def _checked(source: Any, entry: Any) -> CheckedModel:
    try:
        loaded = source.load(entry.id)
    except (UserError, MemoryError):
        raise  # not the model's fault: a full disk, a cache that cannot be written
    except Exception as error:
        reason = getattr(error, "kind", None) or f"crash: {type(error).__name__}"
        detail = getattr(error, "detail", None)
        return CheckedModel(entry.id, entry.category, entry.in_split, reason, str(error) if detail is None else detail)
    mesh = getattr(loaded, "mesh", None)
    if mesh is None:
        return CheckedModel(entry.id, entry.category, entry.in_split, mended=dict(Counter(loaded.defects)))
    low, high = mesh.bounds
    textures = {id(material.texture) for material in mesh.materials if material.texture is not None}
    return CheckedModel(
        entry.id,
        entry.category,
        entry.in_split,
        mended=dict(Counter(loaded.defects)),
        size_m=tuple(round(float(side), 4) for side in high - low),
        faces=len(mesh.faces),
        textures=len(textures),
        has_colors=mesh.color is not None,
    )
