"""`pixbench preview`."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Settings, Sources


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(preview)


def preview(
    generator: Annotated[str, typer.Argument(help="Name of a generator: see 'pixbench list'.")],
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("preview.png"),
    split: Annotated[str | None, typer.Option(help="train, val or test. Default: train.")] = None,
    views: Annotated[int | None, typer.Option(help="Cameras, 2 to 16. Default: 4.")] = None,
    size: Annotated[int | None, typer.Option(help="Width and height in pixels. Default: 192.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random. Default: 0.")] = None,
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
    from .common import build_config, given, sources_given
    from .progress import progress_bar

    if scene < 0 or sheet < 0:
        raise UserError(f"--scene {scene} --sheet {sheet}: expected 0 or more")
    started = time.perf_counter()
    if any(text.partition("=")[0] == "scenes" for text in setting or ()):
        raise UserError("--set scenes: preview draws scene number --scene, or --sheet scenes from there; leave it out")
    kind = GENERATORS.get(generator)
    values = given(split=split, views=views, size=size, seed=seed)
    values |= sources_given(generator, kind.config_type, objects=objects, rooms=rooms)
    defaults = {"split": "train", "views": 4, "size": 192, "seed": 0, "scenes": scene + max(sheet, 1)}
    made = kind(build_config(kind.config_type, values, setting or (), defaults))
    if sheet:
        with progress_bar("preview", sheet, "scenes") as advance:
            contact_page(made, range(scene, scene + sheet), out, progress=advance)
        summary = f"scenes {scene} to {scene + sheet - 1}"
    else:
        summary = f"scene {scene}; {preview_scene(made, scene, out)}"
    typer.echo(f"{out}: {time.perf_counter() - started:.1f} s; {summary}")
