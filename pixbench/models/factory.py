"""Models from a user's own Python code: a factory, a torch module, or a matcher of two images."""

import hashlib
import importlib
import inspect
import pickle
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..errors import UserError
from ..evaluation.matching.nearest import Norm
from ..evaluation.model import MatcherModel, Model, failure
from ..io.files import file_sha256
from .matcher_module import matcher_of, matches_images
from .network_model import NetworkModel


def from_factory(spec: str, p: Norm | None) -> Model:
    """The model of `package.module:name`. The working folder is searched too, as Python does for scripts. Raises UserError if it fails."""
    module_name, _, name = spec.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        item: Any = importlib.import_module(module_name)
        for part in name.split("."):
            item = getattr(item, part)
    except (ImportError, AttributeError) as error:
        raise UserError(f"--model {spec}: {error}; expected package.module:factory that Python can import from here") from None
    except Exception as error:
        raise UserError(f"--model {spec}: importing {module_name} failed with {failure(error)}") from error
    if not callable(item):
        raise UserError(
            f"--model {spec} is of type {type(item).__name__}: expected a factory of a torch module, or a matcher of two images"
        )
    # Every template has a `build`: the module's name tells them apart.
    name = module_name.rpartition(".")[2] if name == "build" else name
    source = {"kind": "factory", "factory": spec, "source_sha256": _source_sha256(item)}
    if isinstance(item, nn.Module):
        return _wrapped(item, name, p, source)
    if _required_arguments(item) == 2:
        return MatcherModel(item, name, source)
    try:
        made = item()
    except TypeError as error:
        raise UserError(f"--model {spec}: it could not be called without arguments ({error}): expected a factory or a matcher") from None
    except Exception as error:
        raise UserError(f"--model {spec}: the factory failed with {failure(error)}") from error
    return _wrapped(made, name, p, source)


def from_object(item: Any, p: Norm | None) -> Model:
    """The model of a torch module, or of a matcher of two images. Raises UserError for anything else."""
    if isinstance(item, nn.Module):
        return _wrapped(item, type(item).__name__, p, {"kind": "module"})
    if isinstance(item, type) or not callable(item) or _required_arguments(item) != 2:
        what = f"the class {item.__name__}" if isinstance(item, type) else f"an object of type {type(item).__name__}"
        raise UserError(f"model: got {what}, expected a model, its name or path, a torch module, or a function of two images")
    source = {"kind": "function", "source_sha256": _source_sha256(item)}
    return _wrapped(item, getattr(item, "__name__", type(item).__name__), p, source)


def _wrapped(made: Any, name: str, p: Norm | None, source: dict[str, Any]) -> Model:
    """What a user made as a model: one already, a torch module, or a matcher of two images. Raises UserError for anything else."""
    if isinstance(made, Model):
        return made
    if isinstance(made, nn.Module) and matches_images(made):
        return matcher_of(made.eval(), name, {**source, "weights_sha256": _weights_sha256(made)})
    if isinstance(made, nn.Module):
        return NetworkModel(made.eval(), name, p, {**source, "weights_sha256": _weights_sha256(made)})
    if callable(made) and _required_arguments(made) == 2:
        return MatcherModel(made, name, source)
    raise UserError(
        f"--model {name}: the factory returned an object of type {type(made).__name__}: expected a torch module or a matcher of two images"
    )


def _required_arguments(item: Any) -> int:
    """Number of required arguments of a callable."""
    try:
        parameters = inspect.signature(item).parameters.values()
    except (TypeError, ValueError):
        return 0
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in positional and parameter.default is inspect.Parameter.empty for parameter in parameters)


def _source_sha256(item: Any) -> str | None:
    try:
        file = inspect.getsourcefile(item if inspect.isroutine(item) or inspect.isclass(item) else type(item))
    except TypeError:
        return None
    return file_sha256(Path(file)) if file and Path(file).is_file() else None


def _weights_sha256(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode())
        if isinstance(value, torch.Tensor):
            digest.update(value.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
        else:  # the extra state of a module
            digest.update(pickle.dumps(value))
    return digest.hexdigest()
