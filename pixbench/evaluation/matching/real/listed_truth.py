"""One pair of a list: its pictures, and its ground truth of one of four kinds."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Bool, Float
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ....errors import UserError
from ....geometry.cameras import Camera, inverse_rigid
from ....geometry.pixels import INTEGER_CENTRES_TO_UV
from ....image.homography import homography_to_uv
from .files import (
    check_intrinsics,
    check_invertible,
    check_rigid,
    one_size,
    read_depth,
    read_disparity,
    read_flow,
    read_mask,
    same_size,
)
from .layout import GroundTruth, Size
from .truth import depth_truth, disparity_truth, flow_truth, plane

ReadTruth = Callable[[Size, Size], GroundTruth]

Row3 = tuple[float, float, float]
Matrix3 = tuple[Row3, Row3, Row3]
Row4 = tuple[float, float, float, float]
Matrix4 = tuple[Row4, Row4, Row4, Row4]
Centres = Literal["whole", "half"]


class ListPart(BaseModel):
    """A part of a list: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class ListedDepth(ListPart):
    """Depth maps and cameras of a pair."""

    depth_a: str
    depth_b: str
    K_a: Matrix3
    """Intrinsics in pixels of the picture."""
    K_b: Matrix3
    T_b_a: Matrix4
    """From camera a to camera b; cameras are OpenCV's: x right, y down, z forward."""
    scale: Annotated[float, Field(gt=0)] = 1.0
    """Factor that converts depth maps to the unit of T_b_a."""

    @field_validator("T_b_a")
    @classmethod
    def _rigid(cls, T: Matrix4) -> Matrix4:
        check_rigid(np.array(T), "it")
        return T

    @field_validator("K_a", "K_b")
    @classmethod
    def _camera(cls, K: Matrix3) -> Matrix3:
        check_intrinsics(np.array(K), "it")
        return K


class ListedPair(ListPart):
    """Two pictures and one kind of ground truth; paths are relative to the list."""

    image_a: str
    image_b: str
    scene: str | None = None
    """Pairs of one scene are one unit of statistics; without it each pair is a scene."""
    homography: Matrix3 | None = None
    """Homography from pixels of a to pixels of b."""
    depth: ListedDepth | None = None
    flow: str | None = None
    disparity: str | None = None
    """Disparity from the left picture a to the right picture b."""
    disparity_scale: Annotated[float, Field(gt=0)] | None = None
    seen: str | None = None
    """With flow or disparity: a mask that is not 0 where b sees the point."""

    @field_validator("homography")
    @classmethod
    def _invertible(cls, H: Matrix3 | None) -> Matrix3 | None:
        if H is not None:
            check_invertible(np.array(H), "it")
        return H


def listed_truth(folder: Path, file: Path, pair: ListedPair, centres: Centres) -> ReadTruth:
    """A reader of the ground truth of a pair of the list `file`. Raises UserError unless the pair has exactly one kind."""
    kinds = [name for name in ("homography", "depth", "flow", "disparity") if getattr(pair, name) is not None]
    if len(kinds) != 1:
        got = " and ".join(kinds) or "none"
        raise UserError(f"{file}: {pair.image_a}, {pair.image_b} has {got}: expected one of homography, depth, flow and disparity")
    if pair.disparity_scale is not None and kinds[0] != "disparity":
        raise UserError(f"{file}: {pair.image_a}, {pair.image_b}: 'disparity_scale' goes with disparity, not with {kinds[0]}")
    if pair.seen is not None and kinds[0] not in ("flow", "disparity"):
        raise UserError(f"{file}: {pair.image_a}, {pair.image_b}: 'seen' goes with flow or disparity, not with {kinds[0]}")
    return {"homography": _homography, "depth": _depth, "flow": _flow, "disparity": _disparity}[kinds[0]](folder, pair, centres)


def _homography(folder: Path, pair: ListedPair, centres: Centres) -> ReadTruth:
    del folder
    H = np.array(pair.homography, float)
    return lambda size_a, size_b: plane(homography_to_uv(H) if centres == "whole" else H, size_b)


def _depth(folder: Path, pair: ListedPair, centres: Centres) -> ReadTruth:
    def truth(size_a: Size, size_b: Size) -> GroundTruth:
        listed = pair.depth
        assert listed is not None  # noqa: S101  (for the type checker)
        a = Camera(intrinsics(listed.K_a, centres), np.eye(4), *size_a)
        b = Camera(intrinsics(listed.K_b, centres), inverse_rigid(np.array(listed.T_b_a, float)), *size_b)
        return depth_truth(read_depth(folder / listed.depth_a, listed.scale), read_depth(folder / listed.depth_b, listed.scale), a, b)

    return truth


def intrinsics(K: Any, centres: Centres) -> Float[np.ndarray, "3 3"]:
    """K that maps to uv, from one with whole or half pixel centres."""
    matrix = np.array(K, float).reshape(3, 3)
    found: np.ndarray = INTEGER_CENTRES_TO_UV @ matrix if centres == "whole" else matrix
    return found


def _flow(folder: Path, pair: ListedPair, centres: Centres) -> ReadTruth:
    del centres
    path = folder / str(pair.flow)

    def truth(size_a: Size, size_b: Size) -> GroundTruth:
        flow = read_flow(path)
        same_size(flow, size_a, path)
        return GroundTruth(flow_truth(flow, size_b, _seen(folder, pair, size_a)))

    return truth


def _disparity(folder: Path, pair: ListedPair, centres: Centres) -> ReadTruth:
    del centres
    path = folder / str(pair.disparity)

    def truth(size_a: Size, size_b: Size) -> GroundTruth:
        disparity = read_disparity(path, pair.disparity_scale)
        same_size(disparity, size_a, path)
        one_size(size_a, size_b, path)
        return GroundTruth(disparity_truth(disparity, _seen(folder, pair, size_a)))

    return truth


def _seen(folder: Path, pair: ListedPair, size: Size) -> Bool[np.ndarray, "height width"] | None:
    if pair.seen is None:
        return None
    mask = read_mask(folder / pair.seen)
    same_size(mask, size, folder / pair.seen)
    return mask
