"""Generators, asset sources, renderers, suites, baselines and metrics by name, filled from entry points, so that anyone can add theirs."""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .errors import UserError, unknown_name

if TYPE_CHECKING:
    from .evaluation.matching.metrics import Metric
    from .evaluation.model import Model
    from .generation import Generator
    from .training.config import TrainConfig
    from .training.objectives.base import Objective

T = TypeVar("T")


class Registry(Generic[T]):
    """Names mapped to objects, loaded when asked for.

    Raises UserError for an unknown name (with a suggestion) and for a name that two packages claim.
    """

    def __init__(self, kind: str, group: str | None = None):
        self.kind = kind
        self._group = group
        self._added: dict[str, T] = {}

    def add(self, name: str) -> Callable[[T], T]:
        """A decorator that registers an object of this project under `name`."""

        def register(item: T) -> T:
            if name in self._added:
                raise UserError(f"{self.kind} '{name}' is registered twice: rename one of them")
            self._added[name] = item
            return item

        return register

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted({**self._added, **self._found()})

    def get(self, name: str) -> T:
        """The object registered under `name`."""
        if name in self._added:
            return self._added[name]
        found = self._found()
        if name not in found:
            raise unknown_name(self.kind, name, self.names())
        item: T = found[name].load()
        return item

    def _found(self) -> dict[str, Any]:
        # The values are entry points, of importlib.metadata or of the backport that takes its place when Dask is imported.
        found: dict[str, Any] = {}
        for entry in entry_points(group=self._group) if self._group else ():
            if entry.name in self._added or found.setdefault(entry.name, entry).value != entry.value:
                raise UserError(f"{self.kind} '{entry.name}' is registered twice: {entry.value} and another; uninstall one of the packages")
        return found


GENERATORS: "Registry[type[Generator]]" = Registry("generator", "pixbench.generators")
OBJECT_SOURCES: "Registry[Callable[[str | None], Any]]" = Registry("object source", "pixbench.object_sources")
"""Each is called with its location on this machine (a path, or None for its default), see pixbench.generators.sources.base."""

ROOM_SOURCES: "Registry[Callable[[str | None], Any]]" = Registry("room source", "pixbench.room_sources")
RENDERERS: "Registry[Any]" = Registry("renderer", "pixbench.renderers")
CASTERS: "Registry[Any]" = Registry("ray caster", "pixbench.casters")
SUITES: "Registry[Any]" = Registry("suite", "pixbench.suites")
DOMAIN_SETS: "Registry[Callable[..., Any]]" = Registry("set of labelled domains", "pixbench.domain_sets")
"""Each is called with (source, cut=, seed=) and gives domains of labelled images, see pixbench.generators.warps.colored_mnist."""

OBJECTIVES: "Registry[Callable[[TrainConfig], Objective]]" = Registry("objective", "pixbench.objectives")
"""What a network can be trained to do; each is called with the run's configuration."""

BASELINES: "Registry[Callable[..., Model]]" = Registry("baseline", "pixbench.baselines")
"""Each is called without arguments, or with weights=PATH for those that have some."""

METRICS: "Registry[Metric]" = Registry("metric", "pixbench.metrics")
