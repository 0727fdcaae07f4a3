"""Descriptors of a picture, in files that other programs read, and as colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from ..errors import UserError
from ..evaluation.model import DescriptorModel, failing_in_one_line, image_batch, norm_name
from ..image.picture import as_picture, shrunk
from ..io.files import written_whole
from ..io.hdf5 import create_file
from ..visualization.channels import draw_channels
from ..visualization.figures import check_picture_path
from .defaults import WORKING_SIZE
from .model import ModelSource, PictureSource, check_size, open_model

FILES = (".npz", ".h5", ".png")


@dataclass(frozen=True, eq=False)
class Description:
    """Descriptors of a picture, one for each cell of a grid over all of it.

    Cell (column i, row j) has its centre at ((i + 0.5) * stride * scale) in x, and likewise in y, in pixels of the picture as it is.
    `stride` (x, y) is the size of a cell in pixels of the shrunk picture, 1 for a model with a descriptor for every pixel; `scale` (x, y)
    the size of such a pixel in pixels of the picture. `p` is the norm in which descriptors are compared: 1, 2, inf or cosine.
    """

    descriptors: Float[np.ndarray, "channels rows columns"]
    stride: tuple[float, float]
    scale: tuple[float, float]
    size_wh: tuple[int, int]
    p: str
    model: str


def describe(
    image: PictureSource,
    model: ModelSource | None = None,
    *,
    max_size: int = WORKING_SIZE,
    device: str = "cpu",
    trust_code: bool = False,
) -> Description:
    """Describe a picture (a path, a uint8 array, or one of Pillow's) with a model or its name; by default the one that ships.

    It is shrunk to `max_size` px on the longer side. Descriptors are float32 (D, h, w), as the model gives them. Raises UserError for a
    file that is no picture, a picture that is too small, and a model that is not there, fails or has no descriptors. `trust_code` allows
    a model to run its own code, see `load_model`.

    For example:

        described = pixbench.describe("a.jpg", "baseline:dense-sift")
        print(described.descriptors.shape, described.p)
    """
    picture = as_picture(image)
    check_size(picture, max_size)
    loaded = open_model(model, device, trust_code)
    if not isinstance(loaded, DescriptorModel):
        raise UserError(f"model {loaded.name} has no descriptors for every pixel: expected a run, a pretrained model or another baseline")
    small = shrunk(picture.rgb, max_size)
    with failing_in_one_line(loaded):
        cells = loaded.cells(image_batch(small))[0].cpu().numpy()
    height, width = small.shape[:2]
    stride = (width / cells.shape[2], height / cells.shape[1])
    scale = (picture.size[0] / width, picture.size[1] / height)
    return Description(cells, stride, scale, picture.size, norm_name(loaded.p), loaded.name)


def pca_colours(descriptors: Float[np.ndarray, "channels rows columns"]) -> UInt8[np.ndarray, "rows columns 3"]:
    """The first three principal components of descriptors (PCA) as red, green and blue in 0 to 255, each scaled from its 1st to its 99th
    percentile.
    """
    flat = descriptors.reshape(len(descriptors), -1).T.astype(np.float64)
    centred = flat - flat.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred).eigenvectors[:, ::-1][:, :3]
    # The sign of a principal direction is arbitrary: its largest entry is made positive, so that the picture is reproducible.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    projected = np.zeros((len(flat), 3))
    projected[:, : axes.shape[1]] = centred @ axes
    low, high = np.percentile(projected, [1, 99], axis=0)
    colours = np.clip((projected - low) / np.maximum(high - low, 1e-12), 0, 1)
    return (255 * colours).round().astype(np.uint8).reshape(*descriptors.shape[1:], 3)


def check_description_path(path: Path, *, drawn: bool = False) -> None:
    """Raise UserError, before any work starts, for an unsupported file type: of descriptors, or of a figure of them (`drawn`)."""
    if drawn:
        check_picture_path(path)
    elif path.suffix not in FILES:
        raise UserError(f"{path}: expected a name that ends in {', '.join(FILES)}")


def save_channels(image: PictureSource, described: Sequence[Description], path: Path, *, count: int, max_size: int = WORKING_SIZE) -> None:
    """Draw the picture and the `count` channels with the largest spread, one row for each description of it, as .png, .jpg or .pdf.

    Raises UserError for another ending.
    """
    norms = {found.p: "cosine" if found.p == "cosine" else "p = " + found.p.replace("inf", "∞") for found in described}
    rows = [(f"{found.model} ({norms[found.p]})", found.descriptors) for found in described]
    draw_channels(shrunk(as_picture(image).rgb, max_size), rows, path, count=count)


def save_description(description: Description, path: Path, *, half: bool = False) -> None:
    """Write .npz or .h5 (float32, or float16 with `half`), or .png: PCA to three colours. Raises UserError for another ending, and
    for values that cannot be written so.
    """
    check_description_path(path)
    if half and np.abs(description.descriptors).max() > np.finfo(np.float16).max:
        raise UserError(f"{path}: descriptors are too large for float16: leave --half out")
    if path.suffix == ".png" and not np.isfinite(description.descriptors).all():
        raise UserError(f"{path}: descriptors of {description.model} hold NaN or infinity, which have no colour; write .npz or .h5")
    values = description.descriptors.astype(np.float16 if half else np.float32)
    with written_whole(path) as temporary:
        if path.suffix == ".png":
            from PIL import Image

            Image.fromarray(pca_colours(description.descriptors)).save(temporary, format="PNG")
        elif path.suffix == ".npz":
            with temporary.open("wb") as file:
                np.savez_compressed(file, descriptors=values, **_attributes(description))
        else:
            _write_h5(temporary, values, description)


def _write_h5(path: Path, values: np.ndarray, description: Description) -> None:
    with create_file(path) as file:
        dataset = file.create_dataset("descriptors", data=values, compression="gzip", shuffle=True)
        dataset.attrs["axes"] = "channel, row, column"
        dataset.attrs["meaning"] = "cell (i, j) has its centre at ((i + 0.5, j + 0.5) * stride * scale), x and y in pixels of the picture"
        dataset.attrs.update(_attributes(description))


def _attributes(description: Description) -> dict[str, Any]:
    return {
        "stride": np.array(description.stride),
        "scale": np.array(description.scale),
        "size_wh": np.array(description.size_wh),
        "p": description.p,
        "model": description.model,
    }
