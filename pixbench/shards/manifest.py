"""`dataset.json`: what a data set is, how it was made, and the hash of every file in it."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import UserError
from .schema import FORMAT, FORMAT_VERSION

MANIFEST = "dataset.json"


class ShardEntry(BaseModel):
    """One file of a data set, its hash, and the scenes in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    file: str
    sha256: str
    bytes: int
    scenes: list[str] = Field(min_length=1)


class Recipe(BaseModel):
    """All that decides the contents: generator, its full configuration, and the version that the generator gives its output."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    generator: str
    generator_version: int
    config: dict[str, Any]

    def sha256(self) -> str:
        """Hash of the recipe, equal on every machine."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def difference(self, wanted: "Recipe") -> str:
        """In words, where this recipe, which is there, differs from the one asked for."""
        old, new = ({"generator": r.generator, "generator_version": r.generator_version, **r.config} for r in (self, wanted))
        different = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
        return ", ".join(f"{name} {old.get(name)} there, {new.get(name)} asked for" for name in different)


class Manifest(BaseModel):
    """The contents of `dataset.json`. `complete` is false while a run is under way or was stopped."""

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

    @model_validator(mode="after")
    def _consistent(self) -> "Manifest":
        config = self.recipe.config
        if self.recipe_sha256 != self.recipe.sha256():
            raise ValueError("recipe_sha256 is not the hash of recipe")
        if (config.get("seed"), config.get("split"), config.get("scenes")) != (self.seed, self.split, self.scenes):
            raise ValueError("seed, split and scenes differ from those of the recipe")
        if self.complete and sum(len(shard.scenes) for shard in self.shards) != self.scenes:
            raise ValueError(f"the shards listed do not hold the {self.scenes} scenes promised")
        return self

    def content_sha256(self) -> str:
        """Hash over the hashes of all shards: two data sets with this value equal are the same to the byte."""
        return hashlib.sha256("\n".join(f"{shard.file} {shard.sha256}" for shard in self.shards).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """sha256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomic(path: Path, text: str) -> None:
    """Write a text file so that it is either the old one or the new one, never half."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text)
    os.replace(temporary, path)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `dataset.json` into a data set's folder."""
    write_atomic(folder / MANIFEST, json.dumps(manifest.model_dump(), indent=1) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Read `dataset.json`; UserError where the folder is not a data set or is one of a newer format."""
    path = folder / MANIFEST
    if not path.is_file():
        raise UserError(f"{folder} is not a data set: it has no {MANIFEST}; make one with 'pixbench generate 3d --out {folder}'")
    try:
        raw = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON ({error}): generate the data set again") from None
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise UserError(f"{path} is not a PixBench data set: expected format '{FORMAT}'")
    if raw.get("format_version") != FORMAT_VERSION:
        raise UserError(
            f"{path} has format version {raw.get('format_version')}, this PixBench reads version {FORMAT_VERSION}: "
            "install the PixBench that wrote it, or a newer one"
        )
    try:
        return Manifest.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "whole file"
        raise UserError(f"{path}: field '{where}': {first['msg'].removeprefix('Value error, ')}; generate the data set again") from None
