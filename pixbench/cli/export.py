"""`pixbench export`."""

from pathlib import Path
from typing import Annotated

import typer

from .options import TrustCode


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command()(export)


def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A run or checkpoint of 'pixbench train', or pretrained:NAME.")],
    out: Annotated[Path, typer.Option(help="File to write, .onnx.")],
    trust_code: TrustCode = False,
) -> None:
    """Write a network as an ONNX file with any batch, height and width."""
    from ..errors import UserError
    from ..evaluation.model import DescriptorModel
    from ..models.loading import load_model
    from ..models.onnx_file import export_onnx
    from .common import check_folder

    if out.suffix != ".onnx":
        raise UserError(f"{out}: expected a name that ends in .onnx")
    check_folder(out)
    loaded = load_model(model, trust_code=trust_code)
    if not isinstance(loaded, DescriptorModel):
        raise UserError(f"model {loaded.name} has no network to export: expected a run of 'pixbench train' or a pretrained model")
    export_onnx(loaded, out)
    typer.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB; score it with: pixbench evaluate --model onnx:{out}")
