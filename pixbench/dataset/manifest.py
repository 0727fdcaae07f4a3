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

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
    file: FileName
    """Name of the file in `shards`."""
    sha256: str
    """Hash of the file."""
    bytes: int
    """Size of the file."""
    scenes: list[str] = Field(min_length=1)
    """Names of the HDF5 groups in it, one per scene."""


class Recipe(BaseModel):
    """Everything that determines the contents: generator, its full configuration, and the generator's version."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
    generator: str
    """Name of the generator, such as `3d`."""
    generator_version: int
    """Rises with every change that makes other bytes from the same configuration."""
    config: dict[str, Any]
    """Every setting of the generator, defaults included."""

    def sha256(self) -> str:
        """Hash of the recipe, equal on every machine."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def difference(self, wanted: "Recipe", mine: str = "there", other: str = "asked for") -> str:
        """The first difference between this recipe (called `mine` in the text) and another one (called `other`)."""
        old, new = ({"generator": r.generator, "generator_version": r.generator_version, **r.config} for r in (self, wanted))
        different = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
        return ", ".join(f"{name} {old.get(name)} {mine}, {new.get(name)} {other}" for name in different)


class Manifest(BaseModel):
    """The contents of `dataset.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
    format: str = FORMAT
    """The name of this format."""
    format_version: int = FORMAT_VERSION
    """Version of this format."""
    complete: bool
    """False while the set is being generated, and after generation was stopped."""
    recipe: Recipe
    """What the set was generated with."""
    recipe_sha256: str
    """Hash of the recipe, the same on every machine."""
    seed: int
    """As in the recipe."""
    split: str
    """As in the recipe: scenes of different splits never share a room, an object or a picture."""
    scenes: int
    """Number of scenes when the set is complete."""
    software: dict[str, str]
    """Versions of PixBench, Python and the libraries that made the set."""
    assets: dict[str, str] = Field(default_factory=dict)
    """Hash of every model, room or picture that was used, by its name."""
    shards: list[ShardEntry] = Field(default_factory=list)
    """The files of the set."""
    self_test: dict[str, Any] = Field(default_factory=dict)
    """Counts and largest errors of the self-test of the ground truth, over all scenes."""
    pair_histogram: dict[str, Any] = Field(default_factory=dict)
    """Number of ordered pairs by visible share (rows) and baseline angle (columns); `blind` counts pairs without a visible pixel."""
    replaced: dict[str, int] = Field(default_factory=dict)
    """Number of models that could not be used and were replaced by others, by what was wrong with them."""
    contents: dict[str, Any] = Field(default_factory=dict)
    """Sizes, and numbers of pixels by status and of objects by category. Sets of older versions do not have it."""
    sha256: str = ""
    """Hash of everything else in the file. Sets of older versions do not have it."""

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
