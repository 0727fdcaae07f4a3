"""Reproduces a data set from its recipe: checks before generation, and compares all shards afterwards."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from ..dataset.manifest import Manifest, Recipe
from ..dataset.recipe import RecipeFile
from ..errors import UserError, VerificationError
from .job import recipe_of
from .protocol import Generator, GeneratorConfig, HasAssets


def check(wanted: RecipeFile, name: str, config: GeneratorConfig, generator: Generator) -> None:
    """Raises UserError unless `generator`, registered under `name`, has the recipe's version, configuration and assets."""
    here = recipe_of(name, config)
    if here != wanted.recipe:
        raise UserError(f"the recipe cannot be followed ({wanted.recipe.difference(here, 'in the recipe', 'here')}): {_mend(wanted, here)}")
    if wanted.assets and isinstance(generator, HasAssets):
        _check_assets(wanted.assets, generator.asset_hashes(list(wanted.assets)))


def check_places(wanted: RecipeFile, source: Path, kind: type[GeneratorConfig]) -> None:
    """Raises UserError for a recipe that contains paths outside its folder: paths are only accepted from the command line."""
    try:
        places = kind.model_validate(wanted.recipe.config).locations
    except ValidationError:
        # Reported with its field later, where the configuration is built from the recipe and the command line.
        return
    if places:
        named = ", ".join(f"{name} at {place}" for name, place in places.items())
        raise UserError(
            f"{source} names places outside its folder ({named}): a recipe does not decide where your files are searched; "
            "take them out of it, and give them on the command line"
        )


def _mend(wanted: RecipeFile, here: Recipe) -> str:
    theirs, ours = wanted.recipe, here
    if (theirs.generator, theirs.generator_version) == (
        ours.generator,
        ours.generator_version,
    ) and theirs.config.keys() == ours.config.keys():
        return "give its sources by the names and options that they have in the recipe, a folder with ?name=NAME"
    return f"install the PixBench that made it ({wanted.software.get('pixbench', 'of its time')})"


def _check_assets(wanted: Mapping[str, str], here: Mapping[str, str | None]) -> None:
    wrong = [asset for asset, sha256 in wanted.items() if here.get(asset) != sha256]
    if wrong:
        first = here.get(wrong[0])
        found = "is missing" if first is None else f"has sha256 {first}, not {wanted[wrong[0]]}"
        raise UserError(f"asset {wrong[0]} {found} ({len(wrong)} of {len(wanted)} assets are missing or differ): get those of the recipe")


def compare(wanted: RecipeFile, made: Manifest) -> str:
    """One line if all shards have the recipe's hashes. Raises VerificationError with the first shard that differs, and the software."""
    here = made.shard_hashes()
    wrong = [shard for shard in sorted(wanted.shards.keys() | here.keys()) if wanted.shards.get(shard) != here.get(shard)]
    if not wrong:
        return f"recipe: reproduced, {len(here)} shards and {len(made.assets)} assets are the same to the byte"
    raise VerificationError(
        f"recipe: shard {wrong[0]} is not the recipe's ({len(wrong)} of {len(wanted.shards)} shards differ); {_software(wanted, made)}"
    )


def _software(wanted: RecipeFile, made: Manifest) -> str:
    then, now = wanted.software, made.software
    different = [name for name in sorted(then.keys() & now.keys()) if then[name] != now[name]]
    if not different:
        return "the software that the recipe names is the same, so other software, the processor or the system differs"
    return "the software differs: " + ", ".join(f"{name} {then[name]} in the recipe, {now[name]} here" for name in different)
