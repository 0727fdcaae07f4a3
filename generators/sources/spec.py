"""How sources are named in options and in recipes: KIND[:PATH][?OPTIONS], with @WEIGHT behind it when several are mixed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from pixbench.errors import UserError
from pixbench.registry import Registry


@dataclass(frozen=True)
class Spec:
    """A source as a recipe names it. `name` is its kind, or kind/label where a kind means nothing without its folder.

    `options` are those behind a question mark: they decide what is made, so they are part of a recipe.
    """

    name: str
    weight: float = 1.0
    options: str = ""

    @property
    def kind(self) -> str:
        """The name in the registry."""
        return self.name.partition("/")[0]

    def __str__(self) -> str:
        return self.name + (f"?{self.options}" if self.options else "") + ("" if self.weight == 1 else f"@{self.weight:g}")

    def location(self, locations: Mapping[str, str]) -> str | None:
        """What the source is opened with: its path on this machine, and its options."""
        path = locations.get(self.name)
        return f"{path or ''}?{self.options}" if self.options else path


def parse(text: str) -> tuple[Spec, str | None]:
    """The spec in `KIND[:PATH][?OPTIONS][@WEIGHT]`, and its path on this machine."""
    body, at, weight = text.rpartition("@")
    if not at or not _is_number(weight):
        body, weight = text, "1"
    if not 0 < float(weight) < float("inf"):
        raise UserError(f"source '{text}': its weight is {weight}, expected a finite number above 0")
    body, _, options = body.partition("?")
    kind, _, path = body.partition(":")
    if not kind:
        raise UserError(f"source '{text}': expected KIND[:PATH][@WEIGHT], such as procedural or shapenet:/data/ShapeNetCore.v2")
    # Two folders are two sources; their last part tells them apart without telling where they lie.
    name = f"folder/{PurePath(path.rstrip('/')).name}" if kind == "folder" and path else kind
    return Spec(name, float(weight), options), path or None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def separated(values: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """A configuration's values with the paths of its sources moved to `locations`, so that a recipe holds no machine's paths."""
    result = dict(values)
    locations, here = dict(result.get("locations", {})), dict[str, str]()
    for field in fields:
        texts = result.get(field)
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            continue
        specs = [parse(text) for text in texts]
        result[field] = tuple(str(spec) for spec, _ in specs)
        for name, path in ((spec.name, path) for spec, path in specs if path):
            if name in here and here[name] != path:
                raise UserError(f"source {name} is given with two paths, {here[name]} and {path}: give a folder that holds both")
            here[name] = path
    locations |= here
    if locations:
        result["locations"] = locations
    return result


class Mix:
    """Several sources of one sort, drawn from by weight. Sources are opened in the order of their specs."""

    def __init__(self, specs: Sequence[str], locations: Mapping[str, str], registry: "Registry[Any]"):
        self.specs = [parse(text)[0] for text in specs]
        if not self.specs:
            raise UserError(f"no {registry.kind} given: expected at least one of {', '.join(registry.names())}")
        names = [spec.name for spec in self.specs]
        if len(set(names)) < len(names):
            raise UserError(f"{registry.kind}s {', '.join(names)}: one is named twice")
        self.sources = [registry.get(spec.kind)(spec.location(locations)) for spec in self.specs]

    def choose(self, among: Sequence[int], *, rng: np.random.Generator) -> Any:
        """One of the sources with the given indices, by weight."""
        weights = np.array([self.specs[index].weight for index in among])
        return self.sources[among[int(rng.choice(len(among), p=weights / weights.sum()))]]
