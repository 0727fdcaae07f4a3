"""Registries of the components of 3D generators. Their protocols lie with the generators: the core only lists and opens them."""

from collections.abc import Callable
from typing import Any

from ..registry import Registry

OBJECT_SOURCES: Registry[Callable[[str | None], Any]] = Registry("object source", "pixbench.object_sources")
"""Sources, called with their location on this machine (a path, or None for the default); see pixbench.generators.sources.base."""

ROOM_SOURCES: Registry[Callable[[str | None], Any]] = Registry("room source", "pixbench.room_sources")
"""Room sources, called in the same way as object sources."""

DEFAULTS: Registry[Any] = Registry("default", "pixbench.defaults")
"""Names of what the demo and the experiments use: `rooms` is a generator, `colored-digits` a set of labelled domains, `demo-baselines` and
`reference-baselines` are tuples of baselines.

The core knows none of these names: the package that registers them also claims the default.
"""

RENDERERS: Registry[Any] = Registry("renderer", "pixbench.renderers")
"""See pixbench.generators.renderers.protocol."""
