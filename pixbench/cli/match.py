"""`pixbench match`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..inference.defaults import CYCLE_PX, STEP, THRESHOLD_PX, WORKING_SIZE
from ..io.threads import use_threads
from .options import Scales, TrustCode

if TYPE_CHECKING:
    from ..inference.matches import ImageMatches


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command()(match)


def match(
    image_a: Annotated[Path, typer.Argument(metavar="A", help="A picture: PNG, JPEG, WebP or TIFF, of any size.")],
    image_b: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    model: Annotated[str | None, typer.Option(help="As for 'pixbench evaluate'. Default: pretrained:rooms-infonce.")] = None,
    out: Annotated[Path, typer.Option(help="Picture to write, .png, .jpg or .pdf: both side by side with their matches.")] = Path(
        "matches.png"
    ),
    csv: Annotated[Path | None, typer.Option(help="Table of matches to write, in pixels of the original pictures.")] = None,
    geometry: Annotated[str, typer.Option(help="Geometry to fit to the matches: homography, essential, fundamental or none.")] = "none",
    max_size: Annotated[int, typer.Option(min=32, help="Longer side that the pictures are shrunk to.")] = WORKING_SIZE,
    refine: Annotated[int | None, typer.Option(min=32, help="Refine each match in pictures of this longer side.")] = None,
    step: Annotated[int, typer.Option(min=1, help="Query stride in pixels of the shrunk picture A.")] = STEP,
    cycle: Annotated[float, typer.Option(min=0, help="Largest cycle error of a match, in pixels of the shrunk picture.")] = CYCLE_PX,
    ratio: Annotated[float, typer.Option(min=0, max=1, help="Largest ratio of a match's distance to that of its best rival.")] = 1.0,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, help=f"With --geometry: inlier threshold, in pixels of the shrunk picture. Default: {THRESHOLD_PX:g}."),
    ] = None,
    focal: Annotated[
        float | None,
        typer.Option(min=1, help="With --geometry essential: focal length of both, px. Default: EXIF's, or 1.2 x the longer side."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    scales: Scales = None,
    trust_code: TrustCode = False,
) -> None:
    """Find the same points in two pictures of your own."""
    use_threads()
    from ..errors import UserError
    from ..image.picture import read_picture
    from ..inference.match import match as run
    from ..inference.matches import write_csv
    from ..inference.model import open_model
    from ..inference.two_view import check_geometry
    from ..visualization.figures import check_picture_path
    from ..visualization.match_lines import draw_matches
    from .common import check_outputs

    check_geometry(geometry)
    if threshold is not None and geometry == "none":
        raise UserError("--threshold: nothing is fitted to the matches; give --geometry too")
    if focal is not None and geometry != "essential":
        raise UserError(f"--focal: only the essential matrix needs it, and --geometry is {geometry}")
    check_picture_path(out)
    check_outputs((out, csv), (image_a, image_b))
    a, b = read_picture(image_a), read_picture(image_b)
    loaded = open_model(model, device, trust_code, scales)
    found = run(
        a,
        b,
        loaded,
        max_size=max_size,
        step=step,
        cycle_px=cycle,
        ratio=ratio,
        refine=refine,
        geometry=geometry,
        threshold_px=THRESHOLD_PX if threshold is None else threshold,
        focal_px=focal,
    )
    summary = _summary(found, geometry)
    draw_matches(a.rgb, b.rgb, found, out, title=f"{loaded.name}: {summary}")
    if csv is not None:
        write_csv(found, csv)
    typer.echo(summary)
    if found.matrix is not None:
        for row in found.matrix:
            typer.echo("  " + "  ".join(f"{value: .8g}" for value in row))
    typer.echo(f"drawn in {out}" + (f", listed in {csv}" if csv else ""))


def _summary(found: "ImageMatches", geometry: str) -> str:
    words, fitted = f"{len(found)} matches", geometry if geometry == "homography" else f"{geometry} matrix"
    if found.inliers is None:
        return words
    if found.matrix is None:
        return f"{words}; they agree on no {fitted}"
    focal = f" (focal lengths {found.focal_px[0]:.0f} and {found.focal_px[1]:.0f} px, {found.focal_source})" if found.focal_px else ""
    return f"{words}, {int(found.inliers.sum())} agree with the {fitted}{focal}"
