"""`pixbench animate`."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(animate)


def animate(
    data: Annotated[Path, typer.Argument(help="Folder of a data set.")],
    out: Annotated[Path, typer.Option(help="Picture to write, .gif or .webp.")],
    scene: Annotated[int, typer.Option(min=0, help="Number of the scene.")] = 0,
    source: Annotated[int, typer.Option(min=0, help="Source view, whose pixel is followed.")] = 0,
    views: Annotated[int, typer.Option(min=2, help="Views side by side, at most.")] = 4,
) -> None:
    """Follow a pixel through the views of a scene, as an animation."""
    from ..dataset.reader import Dataset
    from ..errors import UserError
    from ..visualization.probe_animation import write_animation
    from .common import check_folder

    check_folder(out)
    dataset = Dataset(data)
    if scene >= len(dataset):
        raise UserError(f"--scene {scene}: {data} has scenes 0 to {len(dataset) - 1}")
    write_animation(dataset.scene(scene), out, source=source, views=views)
    dataset.close()
    typer.echo(f"{out}: {out.stat().st_size / 1e6:.2f} MB")
