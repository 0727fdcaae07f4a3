"""`pixbench describe`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UserError
from ..inference.defaults import WORKING_SIZE
from ..io.threads import use_threads
from .options import Scales, TrustCode


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command()(describe)


def describe(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A picture: PNG, JPEG, WebP or TIFF, of any size.")],
    out: Annotated[Path, typer.Option(help="File to write: .npz, .h5, or .png for a preview in three colours (PCA).")],
    model: Annotated[
        list[str] | None,
        typer.Option(help="As for 'pixbench evaluate'; several with --channels. Default: pretrained:rooms-infonce."),
    ] = None,
    channels: Annotated[
        int | None, typer.Option(min=1, max=16, help="Draw so many channels, those with the largest spread, in a row for each model.")
    ] = None,
    max_size: Annotated[int, typer.Option(min=32, help="Longer side that the picture is shrunk to.")] = WORKING_SIZE,
    half: Annotated[bool, typer.Option("--half", help="Write float16 instead of float32.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    scales: Scales = None,
    trust_code: TrustCode = False,
) -> None:
    """Write the descriptors of a picture of your own, or draw their channels."""
    use_threads()
    from ..inference.describe import check_description_path, save_channels, save_description
    from ..inference.describe import describe as run
    from ..inference.model import open_model
    from .common import check_outputs

    models: Sequence[str | None] = model or (None,)
    check_description_path(out, drawn=channels is not None)
    if channels is None and len(models) > 1:
        raise UserError("--model: descriptors of one model are written; several are drawn beside each other with --channels 6")
    if half and out.suffix == ".png":
        raise UserError(f"--half: {out} is a picture; it is for .npz and .h5")
    check_outputs((out,), (image,))
    described = [run(image, open_model(name, device, trust_code, scales), max_size=max_size) for name in models]
    if channels is None:
        save_description(described[0], out, half=half)
    else:
        save_channels(image, described, out, count=channels, max_size=max_size)
    for found in described:
        count, rows, columns = found.descriptors.shape
        cell_px = found.stride[0] * found.scale[0]
        name = f"{found.model}: " if len(models) > 1 else ""
        typer.echo(f"{out}: {name}{count} channels in {rows} x {columns} cells of {cell_px:.3g} px, compared in {found.p}")
