"""Torch modules that match two images: of two tensors, or of a dictionary as in kornia and LoFTR."""

import inspect
from collections.abc import Mapping
from typing import Any, get_origin

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..evaluation.matched_points import MatchedPoints, matched_points
from ..evaluation.model import MatcherModel
from ..evaluation.network_input import NetworkInput
from ..geometry.pixels import uv_from_integer_centres
from .declared import declared_by_matcher


def matches_images(module: nn.Module) -> bool:
    """Whether a module takes two images, and not a batch: by its attribute `takes`, or by the parameters of its `forward`.

    Raises UserError for an attribute with an invalid value.
    """
    return "takes" in declared_by_matcher(module) or _of_dictionary(module) or len(_needed(module)) == 2


def matcher_of(module: nn.Module, name: str, info: dict[str, Any]) -> MatcherModel:
    """A matcher from a module of two images (1, 3, H, W), or of a dictionary with them as image0 and image1.

    It returns one of the layouts of `matched_points`, or writes it into the dictionary that it gets. What it declares: `grey` images
    (1, 1, H, W), points whose `pixel_centres` are "whole" numbers (default "half"), `input_size`, `input_multiple`.
    """
    settings = declared_by_matcher(module)
    model = MatcherModel(_Called(module, settings), name, info)
    model.input = NetworkInput(settings.get("input_size"), settings.get("input_multiple", 1))
    return model


class _Called:
    """Calls a module with two images."""

    def __init__(self, module: nn.Module, settings: Mapping[str, Any]):
        self._module = module
        self._dictionary = settings.get("takes") == "dictionary" or _of_dictionary(module)
        self._grey = settings.get("grey", False)
        self._whole = settings.get("pixel_centres") == "whole"

    def __call__(
        self, image_a: Float[Tensor, "3 height width"], image_b: Float[Tensor, "3 rows columns"]
    ) -> tuple[Any, ...] | Mapping[str, Any]:
        images = [image[None] for image in (image_a, image_b)]
        if self._grey:
            images = [image.mean(dim=1, keepdim=True) for image in images]
        found = self._output(images)
        if self._whole:
            points = matched_points(found)
            return _listed(MatchedPoints(uv_from_integer_centres(points.a), uv_from_integer_centres(points.b), points.score))
        return found

    def _output(self, images: list[Float[Tensor, "batch channels _ _"]]) -> Any:
        if not self._dictionary:
            return self._module(*images)
        data: dict[str, Any] = dict(zip(("image0", "image1"), images, strict=True))
        found = self._module(data)
        if isinstance(found, Mapping) and found is not data:
            return found
        return {name: value for name, value in data.items() if name not in ("image0", "image1")}


def _listed(points: MatchedPoints) -> tuple[Any, ...]:
    return (points.a, points.b) if points.score is None else (points.a, points.b, torch.from_numpy(points.score))


def _needed(module: nn.Module) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [each for each in parameters if each.kind in positional and each.default is inspect.Parameter.empty]


def _of_dictionary(module: nn.Module) -> bool:
    """Whether `forward` says by its annotation that it takes one dictionary."""
    needed = _needed(module)
    if len(needed) != 1:
        return False
    annotation = needed[0].annotation
    return annotation is dict or get_origin(annotation) is dict or (isinstance(annotation, str) and annotation.lower().startswith("dict"))
