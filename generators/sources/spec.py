"""The notation of sources in options and recipes: KIND[:PATH][?OPTIONS][@WEIGHT]."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os.path import abspath, expanduser, isdir
from pathlib import PurePath
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np

from pixbench.errors import UserError
from pixbench.registry import Registry


@dataclass(frozen=True)
class Spec:
    """A source as it is named in a recipe. `name` is its kind, or kind/label for a folder of the user.

    The label is the option `name`, or otherwise the name of the folder. `options` are all other options: they influence the data, so
    they are part of the recipe.
    """

    name: str
    weight: float = 1.0
    options: str = ""

    @property
    def kind(self) -> str:
        """The name of the source in the registry."""
        return self.name.partition("/")[0]

    def __str__(self) -> str:
        return self.name + (f"?{self.options}" if self.options else "") + ("" if self.weight == 1 else f"@{self.weight:g}")

    def location(self, locations: Mapping[str, str]) -> str | None:
        """The location that the source is opened with: its path on this machine and its options."""
        path, label = locations.get(self.name), self.name.partition("/")[2]
        options = "&".join(filter(None, (urlencode({"name": label}) if label else "", self.options)))
        return f"{path or ''}?{options}" if options else path


def parse(text: str) -> tuple[Spec, str | None]:
    """The spec of `KIND[:PATH][?OPTIONS][@WEIGHT]` and the path on this machine. Raises UserError if `text` is not valid."""
    body, at, weight = text.rpartition("@")
    if not at or not _is_number(weight) or _is_folder(text):
        body, weight = text, "1"
    if not 0 < float(weight) < float("inf"):
        raise UserError(f"source '{text}': its weight is {weight}, expected a finite number above 0")
    kind, _, path = body.partition(":")
    kind, _, options = (kind, "", "") if _is_folder(body) else kind.partition("?")
    if not _is_folder(body):
        # A label has no question mark, but the name of a folder may.
        path, _, options = path.rpartition("?") if "?" in path else (path, "", options)
    if not kind:
        raise UserError(f"source '{text}': expected KIND[:PATH][@WEIGHT], such as procedural or shapenet:/data/ShapeNetCore.v2")
    if kind != "folder" or not path:
        return Spec(kind, float(weight), options), path or None
    # A label distinguishes folders without revealing their paths.
    given = parse_qsl(options, keep_blank_values=True)
    label = plain_label(dict(given).get("name") or folder_label(path))
    return Spec(f"folder/{label}", float(weight), urlencode([(name, value) for name, value in given if name != "name"])), path


def folder_label(path: str) -> str:
    """The default label of a folder in ids and recipes."""
    return plain_label(PurePath(abspath(expanduser(path))).name)


def plain_label(name: str) -> str:
    """A label without the characters that have a meaning in the notation of sources."""
    return re.sub(r"[:?@&]", "-", name)


def _is_folder(text: str) -> bool:
    """Whether the whole text after the kind is the path of an existing folder, whatever characters its name has."""
    kind, _, path = text.partition(":")
    return kind == "folder" and bool(path) and isdir(expanduser(path))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def separated(values: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """The values of a configuration with the paths of its sources moved to `locations`, so that a recipe contains no paths. Raises
    UserError if one source is given with two paths.
    """
    result = dict(values)
    locations, here = result.get("locations", {}), dict[str, str]()
    if not isinstance(locations, Mapping):
        return result  # rejected by the validation of the configuration
    locations = dict(locations)
    for field in fields:
        texts = result.get(field)
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            continue
        specs = [parse(text) for text in texts]
        result[field] = tuple(str(spec) for spec, _ in specs)
        for name, path in ((spec.name, path) for spec, path in specs if path):
            place = abspath(expanduser(path))
            if here.setdefault(name, place) != place:
                raise UserError(f"source {name} is given with two paths, {here[name]} and {place}: name one of them with ?name=NAME")
    locations |= here
    if locations:
        result["locations"] = locations
    return result


class Mix:
    """A weighted mix of sources of objects or of rooms. Sources are opened in the order of their specs.

    Raises UserError without sources, or if one is named twice.
    """

    def __init__(self, specs: Sequence[str], locations: Mapping[str, str], registry: "Registry[Any]"):
        self.specs = [parse(text)[0] for text in specs]
        if not self.specs:
            raise UserError(f"no {registry.kind} given: expected at least one of {', '.join(registry.names())}")
        names = [spec.name for spec in self.specs]
        if len(set(names)) < len(names):
            raise UserError(f"{registry.kind}s {', '.join(names)}: one is named twice")
        self.sources = [registry.get(spec.kind)(spec.location(locations)) for spec in self.specs]

    def choose(self, among: Sequence[int], *, rng: np.random.Generator) -> Any:
        """A random source among those with the given indices, by weight."""
        weights = np.array([self.specs[index].weight for index in among])
        return self.sources[among[int(rng.choice(len(among), p=weights / weights.sum()))]]
