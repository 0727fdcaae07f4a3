"""Registries: objects by name, loaded from entry points, so that other packages can add theirs. Each registry lies beside its protocol."""

from collections.abc import Callable, Mapping
from functools import cached_property
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from .errors import UserError, unknown_name

T = TypeVar("T")


class Registry(Generic[T]):
    """Names mapped to objects. Entry points of `group` are loaded when asked for; `builtin` gives objects that have none.

    Raises UserError for an unknown name (with a suggestion), for a name that two packages register, and for an entry point that cannot be
    loaded.
    """

    def __init__(self, kind: str, group: str | None = None, builtin: Callable[[], Mapping[str, T]] = dict):
        self.kind = kind
        self._group = group
        self._builtin = builtin
        self._added: dict[str, T] = {}

    def add(self, name: str) -> Callable[[T], T]:
        """A decorator that registers an object of this process under `name`."""

        def register(item: T) -> T:
            if name in self._added:
                raise UserError(f"{self.kind} '{name}' is registered twice: rename one of them")
            self._added[name] = item
            return item

        return register

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted({**self._registered(), **self._found()})

    def get(self, name: str) -> T:
        """The object registered under `name`. Raises UserError as the class says."""
        registered = self._registered()
        if name in registered:
            return registered[name]
        found = self._found()
        if name not in found:
            raise unknown_name(self.kind, name, self.names())
        return self._load(found[name])

    def values(self) -> list[T]:
        """All objects, by name."""
        registered, found = self._registered(), self._found()
        return [registered[name] if name in registered else self._load(found[name]) for name in sorted({**registered, **found})]

    def _load(self, entry: Any) -> T:
        try:
            item: T = entry.load()
        except Exception as error:
            package = f"package {entry.dist.name}" if entry.dist else "a package"
            raise UserError(
                f"{self.kind} '{entry.name}' of {package} cannot be loaded from {entry.value} "
                f"({type(error).__name__}: {' '.join(str(error).split())}): install that package again, or uninstall it"
            ) from None
        return item

    def _registered(self) -> dict[str, T]:
        """Objects that need no entry point."""
        return {**self._builtin(), **self._added}

    def _found(self) -> dict[str, Any]:
        # Entry points of importlib.metadata, or of the backport that replaces it when Dask is imported.
        found: dict[str, Any] = {}
        registered = self._registered()
        for entry in self._entries:
            if entry.name in registered or found.setdefault(entry.name, entry).value != entry.value:
                raise UserError(f"{self.kind} '{entry.name}' is registered twice: {entry.value} and another; uninstall one of the packages")
        return found

    @cached_property
    def _entries(self) -> tuple[Any, ...]:
        # Looked up once: the packages of a process do not change, and reading the metadata of all of them takes many milliseconds.
        return tuple(entry_points(group=self._group)) if self._group else ()
