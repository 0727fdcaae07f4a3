"""`pixbench generate`, `recipe`, `verify` and `info`."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..generation import GeneratorConfig
    from ..shards.manifest import Manifest

Out = Annotated[Path, typer.Option(help="Folder of the data set; the same command goes on with one that was stopped.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any other setting of the generator; may be repeated."),
]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(generate)
    app.command()(recipe)
    app.command()(verify)
    app.command()(info)


def generate(
    generator: Annotated[str, typer.Argument(help="Name of a generator: see 'pixbench list'.")],
    out: Out,
    split: Annotated[str | None, typer.Option(help="train, val or test: never share a scene. Default: train.")] = None,
    scenes: Annotated[int | None, typer.Option(help="Number of scenes. Default: 24.")] = None,
    views: Annotated[int | None, typer.Option(help="Cameras a scene, 2 to 16. Default: 4.")] = None,
    size: Annotated[int | None, typer.Option(help="Width and height in pixels. Default: 256.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random. Default: 0.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; the bytes do not depend on it. Default: one a core.")] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS|FILE",
            help="Use your Dask cluster: tcp://host:port, or its scheduler file. --out must lie where all its workers see it.",
        ),
    ] = None,
    from_recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Make the data set of a recipe (or of a dataset.json) again, and prove that it is the same."),
    ] = None,
    setting: Settings = None,
) -> None:
    """Make a data set with exact truth, and its self-test."""
    from ..generation import generate as run
    from ..generation.reproduce import check, prove
    from ..registry import GENERATORS
    from ..shards.recipe import read_recipe_file
    from .common import build_config, default_workers, progress_bar

    _check_workers(workers, cluster)
    kind = GENERATORS.get(generator)
    options = {"split": split, "scenes": scenes, "views": views, "size": size, "seed": seed}
    values = {name: value for name, value in options.items() if value is not None}
    recipe = read_recipe_file(from_recipe) if from_recipe else None
    if recipe:
        _refuse_changes(values, setting or ())
        values = recipe.recipe.config
    config = build_config(kind.config_type, values, setting or ())
    made = kind(config)  # refuses what the types cannot, before anything is written
    if recipe:
        check(recipe, generator, config, made)
    with progress_bar("generate", config.scenes, "scenes") as advance:
        manifest = run(generator, config, out, workers=workers or default_workers(), cluster=cluster, progress=advance)
    _say(out, config, manifest)
    if recipe:
        typer.echo(prove(recipe, manifest))


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
    """UserError for what a recipe decides. Where the user's own data lies (locations) changes nothing, and may be given."""
    from ..errors import UserError

    given = [f"--{name}" for name in options] + [f"--set {setting}" for setting in settings if not setting.startswith("locations.")]
    if given:
        raise UserError(f"{given[0]} cannot stand beside --from-recipe: the recipe decides it")


def recipe(
    data: Annotated[Path, typer.Argument(help="Folder of a data set.")],
    out: Annotated[Path, typer.Option(help="File to write, a few kB of JSON.")],
) -> None:
    """Write the recipe of a data set: what it takes to make it again elsewhere, and to prove it."""
    from ..shards.manifest import read_manifest
    from ..shards.recipe import recipe_file, write_recipe_file

    written = recipe_file(read_manifest(data), data)
    write_recipe_file(out, written)
    typer.echo(f"{out}: {len(written.shards)} shards, {len(written.assets)} assets, content {written.content_sha256}")


def verify(data: Annotated[Path, typer.Argument(help="Folder of a data set.")]) -> None:
    """Prove a data set from its files alone: hashes, fields, and the truth itself."""
    from ..selftest import CYCLE_LIMIT_PX
    from ..shards.manifest import read_manifest
    from ..shards.verify import verify as run
    from .common import progress_bar

    with progress_bar("verify", read_manifest(data).scenes, "scenes") as advance:
        test = run(data, progress=advance)
    made = read_manifest(data).self_test
    typer.echo(f"{data}: whole and true ({test.pairs} ordered pairs, {test.visible} visible pixels)")
    for when, get in (("at generation", made.get), ("from the files", test.as_dict().get)):
        typer.echo(
            f"  {when}: map off by {get('map_max_px'):.1e} px at most (median {get('map_median_px'):.1e}, {get('map_pixels')} pixels); "
            f"cycle a-b-a over {CYCLE_LIMIT_PX} px for {get('cycle_over')} of {get('cycle_pixels')} pixels, "
            f"{get('cycle_over_grazing')} of them grazing (most {get('cycle_max_px'):.1e} px)"
        )
    typer.echo(
        f"  a depth test with 1 % tolerance disagrees on {test.depth_disagree / max(test.visible, 1):.2%} of visible pixels; "
        f"luminance of matched pixels correlates by {test.photometric_correlation:.3f}, moved by 2 px by {test.photometric_shifted:.3f}"
    )


def info(data: Annotated[Path, typer.Argument(help="Folder of a data set.")]) -> None:
    """Say what a data set holds."""
    import numpy as np

    from ..shards.manifest import read_manifest
    from ..shards.reader import Dataset
    from ..truth import Status

    manifest = read_manifest(data)
    typer.echo(
        f"{data}: generator {manifest.recipe.generator} v{manifest.recipe.generator_version}, split {manifest.split}, seed {manifest.seed}"
    )
    typer.echo(f"  recipe {manifest.recipe_sha256}\n  content {manifest.content_sha256()}")
    dataset = Dataset(data)
    status = np.zeros(len(Status), np.int64)
    categories: dict[str, int] = {}
    for scene in dataset.scenes():
        status += np.bincount(scene.read("status").ravel(), minlength=len(Status))
        for name in scene.read("object_category"):
            categories[name.decode()] = categories.get(name.decode(), 0) + 1
    views, height, width = dataset.scene(0).group["depth_m"].shape
    typer.echo(f"  {len(dataset)} scenes of {views} views, {width} x {height} px, {len(dataset.pair_keys())} ordered pairs")
    typer.echo("  pixels: " + ", ".join(f"{code.name.lower().replace('_', ' ')} {status[code] / status.sum():.1%}" for code in Status))
    typer.echo("  objects: " + ", ".join(f"{name} {count}" for name, count in sorted(categories.items())))
    dataset.close()
