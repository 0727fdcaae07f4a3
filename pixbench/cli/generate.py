"""`pixbench generate`."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .help import GenerateCommand
from .options import Settings

if TYPE_CHECKING:
    from ..dataset.manifest import Manifest
    from ..generation import GeneratorConfig

Out = Annotated[Path, typer.Option(help="Folder of the data set; the same command resumes one that was stopped.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=GenerateCommand)(generate)


def generate(
    generator: Annotated[str, typer.Argument(help="Name of a generator, such as 3d or 2d; with --help, its own options.")],
    out: Out,
    split: Annotated[str | None, typer.Option(help="train, val or test; splits share no scene. Default: train.")] = None,
    scenes: Annotated[int | None, typer.Option(help="Number of scenes. Default: 24.")] = None,
    views: Annotated[int | None, typer.Option(help="Views per scene, 2 to 16. Default: 4.")] = None,
    size: Annotated[int | None, typer.Option(help="Width and height in pixels. Default: 256.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random. Default: 0.")] = None,
    objects: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND[:PATH][@WEIGHT]", help="Source of objects; repeat it to mix several. Default: procedural."),
    ] = None,
    rooms: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND[:PATH][@WEIGHT]", help="Source of rooms; repeat it to mix several. Default: procedural."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes; the bytes do not depend on their number. Default: one per core.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS|FILE",
            help="Use your Dask cluster: tcp://host:port, or its scheduler file. --out must lie where all its workers see it.",
        ),
    ] = None,
    from_recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Make the data set of a recipe (or of a dataset.json) again, and check that it is identical."),
    ] = None,
    setting: Settings = None,
) -> None:
    """Generate a data set with exact ground truth and a self-test."""
    from ..dataset.recipe import read_recipe_file
    from ..errors import UserError
    from ..generation import generate as run
    from ..generation.protocol import GENERATORS
    from ..generation.reproduce import check, check_places, compare
    from .common import build_config, default_workers, given, sources_given
    from .progress import progress_bar

    _check_workers(workers, cluster)
    kind = GENERATORS.get(generator)
    values = given(split=split, scenes=scenes, views=views, size=size, seed=seed)
    sources = sources_given(generator, kind.config_type, objects=objects, rooms=rooms)
    recipe = read_recipe_file(from_recipe) if from_recipe else None
    if recipe and from_recipe:
        if recipe.recipe.generator != generator:
            raise UserError(f"{from_recipe} is for generator {recipe.recipe.generator}, not {generator}: name that one")
        _refuse_changes(values, setting or ())
        check_places(recipe, from_recipe, kind.config_type)
        values = dict(recipe.recipe.config)
    values |= sources  # with a recipe they say where its sources lie on this machine
    config = build_config(kind.config_type, values, setting or ())
    made = kind(config)  # refuses what the types cannot, before anything is written
    if recipe:
        check(recipe, generator, config, made)
    with progress_bar("generate", config.scenes, "scenes") as advance:
        manifest = run(generator, config, out, workers=workers or default_workers(), cluster=cluster, progress=advance)
    _say(out, config, manifest)
    if recipe:
        typer.echo(compare(recipe, manifest))


def _say(out: Path, config: "GeneratorConfig", manifest: "Manifest") -> None:
    size_mb = sum(shard.bytes for shard in manifest.shards) / 1e6
    pictures = config.scenes * config.views
    typer.echo(f"{out}: {config.scenes} scenes, {pictures} views, {pictures * (config.views - 1)} ordered pairs, {size_mb:.1f} MB")
    typer.echo(f"content {manifest.content_sha256()}")


def _check_workers(workers: int | None, cluster: str | None) -> None:
    from ..errors import UserError

    if workers is not None and workers < 1:
        raise UserError(f"--workers {workers}: expected at least 1")
    if workers is not None and cluster is not None:
        raise UserError("--workers and --cluster were both given: choose one")


def _refuse_changes(options: Iterable[str], settings: Iterable[str]) -> None:
    """Raises UserError for options that the recipe fixes. The location of the user's own data changes nothing, and may be given."""
    from ..errors import UserError

    fixed = [setting for setting in settings if not setting.startswith(("locations.", "locations="))]
    given = [f"--{name}" for name in options] + [f"--set {setting}" for setting in fixed]
    if given:
        raise UserError(f"{given[0]} cannot be combined with --from-recipe: the recipe sets it")
