"""What 3D generators are assembled from, by name. The protocols lie with the generators: the core only lists and opens the parts."""

from collections.abc import Callable
from typing import Any

from ..registry import Registry

OBJECT_SOURCES: Registry[Callable[[str | None], Any]] = Registry("object source", "pixbench.object_sources")
"""Each is called with its location on this machine (a path, or None for its default), see pixbench.generators.sources.base."""

ROOM_SOURCES: Registry[Callable[[str | None], Any]] = Registry("room source", "pixbench.room_sources")
"""Called as object sources are."""

RENDERERS: Registry[Any] = Registry("renderer", "pixbench.renderers")
"""See pixbench.generators.renderers.protocol."""
