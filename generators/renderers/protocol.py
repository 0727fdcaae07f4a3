"""The protocol of renderers: images of traced views. Ground truth never depends on a renderer."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from pixbench.geometry.correspondence import View
from pixbench.geometry.rays import RayCaster

from ..scene import Geometry, Light, ViewAppearance

PRESETS = ("fast", "default")


@runtime_checkable
class SceneRenderer(Protocol):
    """Renders the views of one scene."""

    def draw(self, view: View, appearance: ViewAppearance, *, rng: np.random.Generator) -> UInt8[np.ndarray, "height width 3"]:
        """The sRGB image of a traced view. The same state of `rng` gives the same bytes."""
        ...


@runtime_checkable
class Renderer(Protocol):
    """Prepares scenes for rendering; `preset` is one of PRESETS."""

    def __init__(self, *, preset: str): ...

    def scene(self, geometry: Geometry, caster: RayCaster, lights: tuple[Light, ...]) -> SceneRenderer:
        """A renderer of one scene. `caster` casts into the triangles of `geometry`."""
        ...
