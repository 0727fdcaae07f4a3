"""`dataset.json`: what a data set is, how it was made, and the hash of every file in it."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..errors import UserError
from ..io.documents import parse, read_json, write_document
from ..io.untrusted import FileName
from .schema import FORMAT, FORMAT_VERSION

MANIFEST = "dataset.json"


class ShardEntry(BaseModel):
    """One file of a data set, its hash, and the scenes in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    file: FileName
    sha256: str
    bytes: int
    scenes: list[str] = Field(min_length=1)


class Recipe(BaseModel):
    """Everything that determines the contents: generator, its full configuration, and the generator's version."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    generator: str
    generator_version: int
    config: dict[str, Any]

    def sha256(self) -> str:
        """Hash of the recipe, equal on every machine."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def difference(self, wanted: "Recipe", mine: str = "there", other: str = "asked for") -> str:
        """The first difference between this recipe (called `mine` in the text) and another one (called `other`)."""
        old, new = ({"generator": r.generator, "generator_version": r.generator_version, **r.config} for r in (self, wanted))
        different = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
        return ", ".join(f"{name} {old.get(name)} {mine}, {new.get(name)} {other}" for name in different)


class Manifest(BaseModel):
    """The contents of `dataset.json`. `complete` is false while a run is under way or was stopped.

    `pair_histogram` counts pairs by what they share and their baseline angle; `replaced` counts models that could not be used
    and were replaced by others, by what was wrong with them; `contents` has sizes, and counts pixels by status and objects by category.
    `sha256` is the hash of all the rest; sets of older versions have neither.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    complete: bool
    recipe: Recipe
    recipe_sha256: str
    seed: int
    split: str
    scenes: int
    software: dict[str, str]
    assets: dict[str, str] = Field(default_factory=dict)
    shards: list[ShardEntry] = Field(default_factory=list)
    self_test: dict[str, Any] = Field(default_factory=dict)
    pair_histogram: dict[str, Any] = Field(default_factory=dict)
    replaced: dict[str, int] = Field(default_factory=dict)
    contents: dict[str, Any] = Field(default_factory=dict)
    sha256: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> "Manifest":
        config = self.recipe.config
        if self.recipe_sha256 != self.recipe.sha256():
            raise ValueError("recipe_sha256 is not the hash of recipe")
        if (config.get("seed"), config.get("split"), config.get("scenes")) != (self.seed, self.split, self.scenes):
            raise ValueError("seed, split and scenes differ from those of the recipe")
        if self.complete and sum(len(shard.scenes) for shard in self.shards) != self.scenes:
            raise ValueError(f"the shards listed do not hold the {self.scenes} scenes promised")
        if self.sha256 not in ("", self.own_sha256()):
            raise ValueError("sha256 is not the hash of the rest: something in it was changed")
        return self

    def own_sha256(self) -> str:
        """Hash of everything but `sha256`."""
        return hashlib.sha256(json.dumps(self.model_dump(exclude={"sha256"}), sort_keys=True).encode()).hexdigest()

    def content_sha256(self) -> str:
        """Hash over the hashes of all shards: two data sets with equal values have identical bytes."""
        return content_sha256(self.shard_hashes())

    def listed_shards(self) -> "dict[str, ShardEntry]":
        """The entry of each shard by its file's name."""
        return {shard.file: shard for shard in self.shards}

    def shard_hashes(self) -> dict[str, str]:
        """The sha256 of each shard by its file's name."""
        return {shard.file: shard.sha256 for shard in self.shards}


def content_sha256(shards: Mapping[str, str]) -> str:
    """Hash over the hashes of shards, given by file name."""
    return hashlib.sha256("\n".join(f"{file} {sha256}" for file, sha256 in shards.items()).encode()).hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Write `dataset.json` into a data set's folder, with the hash of its contents; returns what was written."""
    sealed = manifest.model_copy(update={"sha256": manifest.own_sha256()})
    write_document(folder / MANIFEST, sealed)
    return sealed


def read_manifest(folder: Path) -> Manifest:
    """Read `dataset.json`. Raises UserError if the folder is not a data set, or is one of a newer format."""
    path = folder / MANIFEST
    if folder.is_file():
        raise UserError(f"{folder} is a file: expected the folder of a data set, such as 'pixbench generate 3d --out data/train' makes")
    if not path.is_file():
        raise UserError(f"{folder} is not a data set: it has no {MANIFEST}; make one with 'pixbench generate 3d --out {folder}'")
    mend = "generate the data set again"
    return parse(path, read_json(path, mend), Manifest, mend)
