"""A recipe file: a few kB from which a data set can be made again anywhere, with a check that it is the same to the byte."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..errors import UserError
from ..io.documents import format_of, parse, read_json, write_document
from .manifest import MANIFEST, Manifest, Recipe, content_sha256
from .schema import FORMAT

RECIPE_FORMAT = "pixbench-recipe"
MEND = "write the recipe again with 'pixbench recipe'"


class RecipeFile(BaseModel):
    """How a data set was made, with what, and the sha256 of each of its assets (by id) and shards (by file name)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: str = RECIPE_FORMAT
    format_version: int = 1
    recipe: Recipe
    software: dict[str, str]
    assets: dict[str, str]
    shards: dict[str, str] = Field(min_length=1)
    content_sha256: str

    @model_validator(mode="after")
    def _consistent(self) -> "RecipeFile":
        if self.content_sha256 != content_sha256(self.shards):
            raise ValueError("content_sha256 is not the hash of shards")
        return self


def recipe_file(manifest: Manifest, source: Path) -> RecipeFile:
    """The recipe of a finished data set whose manifest came from `source`. Raises UserError if it is not finished."""
    if not manifest.complete:
        raise UserError(f"{source} is not finished: only a finished data set has a recipe; run its 'pixbench generate' command again")
    return RecipeFile(
        recipe=manifest.recipe,
        software=manifest.software,
        assets=manifest.assets,
        shards=manifest.shard_hashes(),
        content_sha256=manifest.content_sha256(),
    )


def write_recipe_file(path: Path, recipe: RecipeFile) -> None:
    """Write a recipe file atomically."""
    write_document(path, recipe)


def read_recipe_file(path: Path) -> RecipeFile:
    """Read a recipe file, or take the recipe from a data set (its `dataset.json` or its folder). Raises UserError if there is none, or it
    is not valid.
    """
    path = path / MANIFEST if path.is_dir() else path
    if not path.is_file():
        raise UserError(f"{path} does not exist: expected a recipe file, or the {MANIFEST} of a data set")
    raw = read_json(path, MEND)
    if format_of(raw) == FORMAT:
        return recipe_file(parse(path, raw, Manifest, "generate the data set again"), path)
    return parse(path, raw, RecipeFile, MEND)
