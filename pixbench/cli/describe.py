"""`pixbench describe`."""

from pathlib import Path
from typing import Annotated

import typer

from ..inference.defaults import WORKING_SIZE
from ..io.threads import use_threads
from .options import Scales, TrustCode


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command()(describe)


def describe(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A picture: PNG, JPEG, WebP or TIFF, of any size.")],
    out: Annotated[Path, typer.Option(help="File to write: .npz, .h5, or .png for a preview in three colours (PCA).")],
    model: Annotated[str | None, typer.Option(help="As for 'pixbench evaluate'. Default: pretrained:rooms-infonce.")] = None,
    max_size: Annotated[int, typer.Option(min=32, help="Longer side that the picture is shrunk to.")] = WORKING_SIZE,
    half: Annotated[bool, typer.Option("--half", help="Write float16 instead of float32.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    scales: Scales = None,
    trust_code: TrustCode = False,
) -> None:
    """Write the descriptors of a picture of your own."""
    use_threads()
    from ..inference.describe import check_description_path, save_description
    from ..inference.describe import describe as run
    from ..inference.model import open_model
    from .common import check_folder

    check_description_path(out)
    check_folder(out)
    found = run(image, open_model(model, device, trust_code, scales), max_size=max_size)
    save_description(found, out, half=half)
    channels, rows, columns = found.descriptors.shape
    typer.echo(
        f"{out}: {channels} channels in {rows} x {columns} cells of {found.stride[0] * found.scale[0]:.3g} px, compared in {found.p}"
    )
