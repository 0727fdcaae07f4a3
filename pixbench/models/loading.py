"""Loads the model of `--model`: a run, a shipped model, a baseline, a user's factory, an exported network, or a matcher."""

import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import UserError
from ..evaluation.matching.nearest import Norm
from ..evaluation.model import ADAPTERS, BASELINES, DescriptorModel, MatcherModel, Model, PointMatcher
from ..evaluation.network_input import ONE, NetworkInput, check_scales
from ..io.files import file_sha256
from ..io.text import printable
from .checkpoint import load_checkpoint
from .declared import DECLARATION, declared, read_declaration, read_norm
from .factory import from_factory, from_object
from .network_model import NetworkModel, OneByOne
from .onnx_file import OnnxModel
from .pretrained import SCALES, pretrained_folder, pretrained_names
from .trust import require_trust

FORMS = (
    f"a run or checkpoint of pixbench train, pretrained:NAME, baseline:NAME, {', '.join(f'{name}:NAME' for name in ADAPTERS.names())}, "
    "package.module:factory, onnx:FILE, or a TorchScript (.pt) or torch.export (.pt2) file"
)
EXPORTED = (".pt", ".pt2", ".ts")


def load_model(
    spec: str | Path,
    *,
    p: Norm | str | None = None,
    device: str = "cpu",
    trust_code: bool = False,
    input_size: int | None = None,
    pad_to: int | None = None,
    scales: Sequence[float] | None = None,
) -> Model:
    """Load what `--model` names. `p` is the norm of descriptors, 1, 2, inf or cosine, in place of the model's own, which is cosine if it
    declares none. Raises UserError if it cannot be loaded.

    Images whose longer side is below `input_size` px are enlarged to it (0: not) before a network sees them, and padded to a multiple of
    `pad_to`; by default as the model declares. `scales` are factors by which images are resized first; the descriptors at all of them
    are joined.

    Without `trust_code` nothing is loaded that executes code: no factory, no TorchScript and no torch.export file.

    For example:

        model = pixbench.load_model("runs/mine")  # or pretrained:NAME, baseline:NAME, onnx:FILE
    """
    place, spec, p = _device(device), str(spec), _given_norm(p)
    path = Path(spec)
    kind, colon, name = spec.partition(":")
    if kind == "baseline" and colon:
        model = _baseline(name)
    elif kind == "pretrained" and colon:
        model = PretrainedModel(name)
    elif kind == "onnx" and colon:
        model = OnnxModel(Path(name))
    elif colon and kind in ADAPTERS.names():
        model = ADAPTERS.get(kind)(name)
    elif path.suffix in EXPORTED and path.is_file():
        require_trust(spec, "a torch.export file" if path.suffix == ".pt2" else "TorchScript", trust_code)
        model = _exported(path, p)
    elif colon and not path.exists():
        require_trust(spec, "a factory", trust_code)
        if not all(part.isidentifier() for part in (*kind.split("."), *name.split("."))):
            raise UserError(f"--model {spec}: expected {FORMS}")
        model = from_factory(spec, p)
    elif not path.exists() and spec in BASELINES.names():
        raise UserError(f"--model {spec}: no such path; did you mean 'baseline:{spec}'?")
    elif not path.exists() and spec in pretrained_names():
        raise UserError(f"--model {spec}: no such path; did you mean 'pretrained:{spec}'?")
    elif not path.exists():
        raise UserError(f"--model {spec}: no such path; expected {FORMS}")
    else:
        model = CheckpointModel(path)
    if not isinstance(getattr(model, "name", None), str):
        raise UserError(f"--model {spec}: its class {type(model).__name__} has no name: set the attribute name, which tables show")
    return _on_device(with_scales(with_input(_with_norm(model, p), input_size, pad_to), scales), place)


def _with_norm(model: Model, p: Norm | None) -> Model:
    """The model with another norm. Raises UserError for a model without descriptors."""
    if p is None:
        return model
    if not isinstance(model, DescriptorModel):
        raise UserError(f"--p: {model.name} has no descriptors; leave it out")
    model.p = p
    return model


def with_input(model: Model, input_size: int | None, pad_to: int | None) -> Model:
    """The model with other input settings. Raises UserError for a model without image input."""
    if input_size is None and pad_to is None:
        return model
    if not isinstance(model, DescriptorModel | MatcherModel):
        raise UserError(f"--input-size, --pad-to: {model.name} has no network that sees images; leave them out")
    own = model.input
    model.input = NetworkInput(own.size if input_size is None else input_size or None, own.multiple if pad_to is None else pad_to)
    return model


def with_scales(model: Model, scales: Sequence[float] | None) -> Model:
    """The model with other scales. Raises UserError for a model without descriptors, and for scales that cannot be."""
    if scales is None:
        return model
    if not isinstance(model, DescriptorModel):
        raise UserError(f"--scales: {model.name} has no descriptors; leave it out")
    model.scales = check_scales(scales)
    return model


def as_model(
    item: Model | nn.Module | PointMatcher | str | Path, *, p: Norm | str | None = None, device: str = "cpu", trust_code: bool = False
) -> Model:
    """A model as it is, a torch module from images (B, 3, H, W) in [0, 1] to descriptors (B, D, h, w), a function of two images to their
    matched points, or what `load_model` loads. Raises UserError for anything else.
    """
    if isinstance(item, Model):
        if p is not None:
            raise UserError(f"p: {item.name} is loaded already: give p to load_model, or set its attribute p")
        return item
    if isinstance(item, str | Path):
        return load_model(item, p=p, device=device, trust_code=trust_code)
    norm = _given_norm(p)
    return _on_device(_with_norm(from_object(item, norm), norm), _device(device))


def _given_norm(p: Any) -> Norm | None:
    try:
        return None if p is None else read_norm(p)
    except (ValueError, TypeError) as error:
        raise UserError(f"p: {error}") from None


def _baseline(text: str) -> Model:
    """`NAME`, or `NAME:PATH` for one with weights."""
    name, colon, path = text.partition(":")
    make = BASELINES.get(name)
    if not colon:
        return make()
    if "weights" not in inspect.signature(make).parameters:
        raise UserError(f"--model baseline:{text}: baseline {name} has no weights; give baseline:{name}")
    return make(weights=Path(path))


class CheckpointModel(DescriptorModel):
    """A network that `pixbench train` wrote, matched in the norm it was trained with."""

    def __init__(self, path: Path):
        self._checkpoint = load_checkpoint(path)
        self.network: nn.Module = self._checkpoint.network
        self.p = self._checkpoint.config.p
        self.name = _run_name(self._checkpoint.folder.resolve())

    @property
    def info(self) -> dict[str, Any]:
        """Hash, training and size of the checkpoint."""
        config = self._checkpoint.config
        return {
            "kind": "checkpoint",
            "channels": config.network.channels,
            "parameters": sum(parameter.numel() for parameter in self.network.parameters()),
            "checkpoint_sha256": self._checkpoint.sha256,
            "step": config.step,
            "training": config.training,
        }

    def describe(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch channels rows columns"]:
        """See DescriptorModel."""
        out: Tensor = self.network(images)
        return out


def _run_name(folder: Path) -> str:
    """Name of a run in tables: its folder, with a suffix for its best checkpoint, and the method's folder for one of several seeds."""
    run = folder.parent if folder.name in ("checkpoint", "best") else folder
    name = f"{run.parent.name}-{run.name}" if re.fullmatch(r"seed[-_]?\d+", run.name) and run.parent.name else run.name
    return printable(f"{name}-best" if folder.name == "best" else name)


class PretrainedModel(CheckpointModel):
    """A checkpoint that ships with PixBench; its row in a table is called pixbench-NAME."""

    def __init__(self, name: str):
        super().__init__(pretrained_folder(name))
        self.name = f"pixbench-{name}"
        self.scales = SCALES.get(name, ONE)
        self._pretrained = name

    @property
    def info(self) -> dict[str, Any]:
        """Info of the checkpoint, and its shipped name."""
        return {**super().info, "pretrained": self._pretrained}


def _exported(path: Path, p: Norm | None) -> Model:
    extra = {DECLARATION: ""}
    try:
        if path.suffix == ".pt2":
            network: Any = torch.export.load(path, extra_files=extra).module()
        else:
            network = torch.jit.load(str(path), map_location="cpu", _extra_files=extra).eval()  # type: ignore[no-untyped-call]
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise UserError(
            f"--model {path} is not a TorchScript or torch.export file ({reason}): write one with torch.jit.save or torch.export.save"
        ) from None
    # Only now: a file that is none may have gigabytes.
    info = {"kind": "exported", "file": path.name, "sha256": file_sha256(path)}
    return NetworkModel(OneByOne(network), path.stem, p, info, {**declared(network), **read_declaration(path, extra[DECLARATION])})


def _device(name: str) -> torch.device:
    if name not in ("auto", "cpu", "cuda"):
        raise UserError(f"--device {name}: expected auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: no GPU that torch can use; expected cpu or auto")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def _on_device(model: Model, device: torch.device) -> Model:
    """The model on a device; a baseline that has no network stays where it is."""
    network = getattr(model, "network", None)
    if isinstance(model, DescriptorModel) and isinstance(network, nn.Module):
        network.to(device)
        model.device = device
    return model
