"""Networks as ONNX files: written for other programs, and read back to be evaluated or used."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from .. import __version__
from ..errors import UserError
from ..evaluation.model import DescriptorModel, norm_name, parse_norm
from ..io.files import file_sha256, written_whole
from ..io.text import printable

EXAMPLE = (2, 3, 48, 80)
"""Input size for tracing; batch, height and width stay dynamic."""

OPSET = 17


def export_onnx(model: DescriptorModel, path: Path) -> None:
    """Write a model's network: `images` (batch, 3, height, width) in [0, 1] to `descriptors` (batch, D, h, w), all sizes free.

    The file's metadata are JSON values: p (the norm in which descriptors are compared), channels, stride (pixels a cell, x and y), name
    and pixbench_version. The network describes images at one scale, whatever the model's `scales`. Raises UserError if the extra `onnx`
    is not installed, or the model has no network.
    """
    network = getattr(model, "network", None)
    if not isinstance(network, nn.Module):
        raise UserError(f"model {model.name} has no network to export: expected a run of 'pixbench train' or a pretrained model")
    _needed("onnx")
    import onnx

    images = torch.rand(EXAMPLE)
    with torch.inference_mode():
        cells = network.cpu().eval()(images)
    stride = [EXAMPLE[3] / cells.shape[3], EXAMPLE[2] / cells.shape[2]]
    metadata = {"p": norm_name(model.p), "channels": cells.shape[1], "stride": stride, "name": model.name, "pixbench_version": __version__}
    with written_whole(path) as temporary:
        _trace(network, images, temporary)
        written = onnx.load(temporary)
        onnx.helper.set_model_props(written, {name: json.dumps(value) for name, value in metadata.items()})
        onnx.save(written, temporary)


def _trace(network: nn.Module, images: Float[Tensor, "batch 3 height width"], path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of torch: dynamic sizes in a trace, and newer exporters
        # The exporter by tracing needs no further package, and a tenth of the time of the newer one (torch 2.13).
        torch.onnx.export(
            network,
            (images,),
            path,
            dynamo=False,
            input_names=["images"],
            output_names=["descriptors"],
            dynamic_axes={name: {0: "batch", 2: f"{name}_height", 3: f"{name}_width"} for name in ("images", "descriptors")},
            opset_version=OPSET,
        )


class OnnxModel(DescriptorModel):
    """A network in an ONNX file, run by onnxruntime on the CPU. Its norm is what `export_onnx` wrote into it, or else cosine.

    Raises UserError if the file is missing or cannot be read, or if onnxruntime is not installed.
    """

    def __init__(self, path: Path):
        if not path.is_file():
            raise UserError(f"--model onnx:{path}: no such file; expected one of 'pixbench export'")
        _needed("onnxruntime")
        import onnxruntime

        try:
            self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            metadata = {
                name: json.loads(text) for name, text in self._session.get_modelmeta().custom_metadata_map.items() if name in _METADATA
            }
            self.p = parse_norm(metadata.get("p", "cosine"))
        except Exception as error:  # onnxruntime's errors have no common class
            reason = " ".join(str(error).split())[:160]
            raise UserError(f"--model onnx:{path} cannot be read ({reason}): expected a file of 'pixbench export'") from None
        self.name = printable(str(metadata.get("name", path.stem)))
        default = {} if "p" in metadata else {"p_from": "default"}
        self._info = {"kind": "exported", "file": path.name, "sha256": file_sha256(path), **metadata, **default}

    @property
    def info(self) -> dict[str, Any]:
        """The metadata of the file, and its hash."""
        return self._info

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """See DescriptorModel."""
        (given,) = self._session.get_inputs()
        pixels = images.cpu().numpy().astype(np.float16 if given.type == "tensor(float16)" else np.float32)
        # A file that was written with a fixed batch size of 1 takes one image at a time.
        parts = np.split(pixels, len(pixels)) if given.shape[0] == 1 else [pixels]
        return torch.from_numpy(np.concatenate([self._session.run(None, {given.name: part})[0] for part in parts]))


_METADATA = ("p", "channels", "stride", "name", "pixbench_version")


def _needed(*modules: str) -> None:
    from importlib.util import find_spec

    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise UserError(f"ONNX files need {' and '.join(missing)}: pip install 'pixbench[onnx]'")
