"""`pixbench verify`, `info` and `preview`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..dataset.manifest import Manifest

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any other setting: see 'pixbench settings'; may be repeated."),
]
Sources = Annotated[list[str] | None, typer.Option(metavar="KIND[:PATH][@WEIGHT]", help="As for 'pixbench generate'.")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(verify)
    app.command()(info)
    app.command()(preview)


def verify(data: Annotated[Path, typer.Argument(help="Folder of a data set.")]) -> None:
    """Prove a data set from its files alone: hashes, fields, and the truth itself."""
    from ..dataset.manifest import read_manifest
    from ..dataset.verify import verify as run
    from .progress import progress_bar

    with progress_bar("verify", read_manifest(data).scenes, "scenes") as advance:
        test = run(data, progress=advance)
    typer.echo(f"{data}: whole and true ({test.pairs} ordered pairs, {test.visible} visible pixels)")
    for line in (*_self_test_lines("at generation", read_manifest(data).self_test), *_self_test_lines("from the files", test.as_dict())):
        typer.echo(f"  {line}")


def _self_test_lines(when: str, test: Mapping[str, Any]) -> list[str]:
    """A self-test in words."""
    from ..geometry.selftest import CYCLE_LIMIT_PX

    visible = max(test["visible"], 1)
    lines = [
        f"{when}: map off by {test['map_max_px']:.1e} px at most (median {test['map_median_px']:.1e}, {test['map_pixels']} pixels); "
        f"cycle a-b-a over {CYCLE_LIMIT_PX} px for {test['cycle_over']} of {test['cycle_pixels']} pixels, "
        f"{test['cycle_over_grazing']} of them grazing (most {test['cycle_max_px']:.1e} px)",
        f"  a depth test with 1 % tolerance disagrees on {test['depth_disagree'] / visible:.2%} of visible pixels; "
        f"luminance of matched pixels correlates by {test['photometric_correlation']:.3f}, "
        f"moved by 2 px by {test['photometric_shifted']:.3f}",
    ]
    if test["flat_points"]:
        lines.append(f"  under flat light {test['flat_differ']} of {test['flat_points']} matches differ in colour")
    return lines


def info(data: Annotated[Path, typer.Argument(help="Folder of a data set.")]) -> None:
    """Say what a data set holds."""
    import numpy as np

    from ..dataset.manifest import read_manifest
    from ..dataset.reader import Dataset
    from ..geometry.correspondence import Status

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
    if manifest.replaced:
        typer.echo("  replaced: " + ", ".join(f"{kind} {count}" for kind, count in manifest.replaced.items()))
    for line in _self_test_lines("self-test at generation", manifest.self_test):
        typer.echo(f"  {line}")
    _print_histogram(manifest)
    dataset.close()


def _print_histogram(manifest: "Manifest") -> None:
    """Ordered pairs by visible share (rows) and baseline angle (columns)."""
    found = manifest.pair_histogram
    angles, overlaps = found["angle_edges_deg"], found["overlap_edges"]
    spans = [f"{low:.0f}-{high:.0f}" for low, high in zip(angles, angles[1:], strict=False)]
    typer.echo("  pairs by baseline angle, degrees (across), and visible share (down):")
    typer.echo("    " + " " * 8 + "".join(f"{span:>8}" for span in spans))
    for low, high, row in zip(overlaps, overlaps[1:], found["counts"], strict=False):
        if any(row):
            typer.echo(f"    {low:.0%}-{high:.0%}".ljust(12) + "".join(f"{count or '.':>8}" for count in row))
    if found["blind"]:
        typer.echo(f"    {found['blind']} pairs share nothing")


def preview(
    generator: Annotated[str, typer.Argument(help="Name of a generator: see 'pixbench list'.")],
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("preview.png"),
    split: Annotated[str, typer.Option(help="train, val or test.")] = "train",
    views: Annotated[int, typer.Option(help="Cameras, 2 to 16.")] = 4,
    size: Annotated[int, typer.Option(help="Width and height in pixels.")] = 192,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    scene: Annotated[int, typer.Option(help="Number of the (first) scene.")] = 0,
    sheet: Annotated[int, typer.Option(help="Draw this many scenes side by side instead, two views of each.")] = 0,
    objects: Sources = None,
    rooms: Sources = None,
    setting: Settings = None,
) -> None:
    """Draw one scene of a configuration, all its views, layers and matches, before a long run."""
    import time

    from ..errors import UserError
    from ..generation.protocol import GENERATORS
    from ..visualization.preview import contact_page, preview_scene
    from .common import build_config, sources_given
    from .progress import progress_bar

    if scene < 0 or sheet < 0:
        raise UserError(f"--scene {scene} --sheet {sheet}: expected 0 or more")
    started = time.perf_counter()
    values = {"split": split, "views": views, "size": size, "seed": seed, "scenes": scene + max(sheet, 1)}
    kind = GENERATORS.get(generator)
    made = kind(
        build_config(kind.config_type, values | sources_given(generator, kind.config_type, objects=objects, rooms=rooms), setting or ())
    )
    if sheet:
        with progress_bar("preview", sheet, "scenes") as advance:
            contact_page(made, range(scene, scene + sheet), out, progress=advance)
        said = f"scenes {scene} to {scene + sheet - 1}"
    else:
        said = f"scene {scene}; {preview_scene(made, scene, out)}"
    typer.echo(f"{out}: {time.perf_counter() - started:.1f} s; {said}")
