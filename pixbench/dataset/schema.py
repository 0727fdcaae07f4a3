"""The schema of a shard: one group per scene with these fields. This table is the reference of the format."""

from collections.abc import Sequence
from dataclasses import dataclass

import h5py
import numpy as np

from ..errors import UserError

FORMAT = "pixbench-dataset"
FORMAT_VERSION = 3

MOST_VIEWS = 16 * 15
"""Views of a scene, or ordered pairs of them."""


@dataclass(frozen=True)
class Field:
    """One HDF5 dataset of a scene: type, axes (upper-case letters are shared sizes), unit and meaning.

    A type SN is text in UTF-8, padded with zeros to N bytes.
    """

    dtype: str
    axes: str
    unit: str
    meaning: str
    chunk_first_axis: bool = False

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.axes.split())

    def fault(self, dtype: np.dtype, shape: Sequence[int], sizes: dict[str, int]) -> str:
        """Why an array does not conform to this field; empty if it does. `sizes` holds the sizes of shared axes so far, and is extended."""
        if dtype != np.dtype(self.dtype):
            return f"has type {dtype}, the format says {self.dtype}"
        wanted = [
            int(axis) if axis.isdigit() else sizes.setdefault(axis, size) for axis, size in zip(self.axes.split(), shape, strict=False)
        ]
        if len(shape) != self.ndim or list(shape) != wanted or (self.chunk_first_axis and shape[0] > MOST_VIEWS):
            return f"has shape {tuple(shape)}, the format says {self.axes}" + (f" with {sizes}" if sizes else "")
        return ""

    @property
    def stored_dtype(self) -> np.dtype:
        """The type in the file: text says that it is UTF-8."""
        return h5py.string_dtype("utf-8", int(self.dtype[1:])) if self.dtype.startswith("S") else np.dtype(self.dtype)


FIELDS: dict[str, Field] = {
    "rgb": Field("uint8", "V H W 3", "sRGB", "colour of each view", True),
    "depth_m": Field("float32", "V H W", "m", "z-depth at the pixel's centre; NaN: no surface", True),
    "normal_world": Field("float16", "V H W 3", "1", "unit normal of the triangle, turned to the camera; NaN: no surface", True),
    "instance": Field("uint16", "V H W", "index", "0: no surface, 1: the room, 2 + k: object k", True),
    "semantic": Field("uint16", "V H W", "index", "index into semantic_names; 0: no surface", True),
    "triangle": Field("int32", "V H W", "index", "id of the triangle in the scene; -1: no surface", True),
    "K": Field("float64", "V 3 3", "px", "intrinsics; pixel (i, j) has its centre at (i + 0.5, j + 0.5)"),
    "T_world_cam": Field("float64", "V 4 4", "m", "camera to world; x right, y down, z forward; world z up"),
    "semantic_names": Field("S128", "N", "name", "names of the semantic classes"),
    "pairs": Field("int32", "P 2", "index", "source and target view of each ordered pair"),
    "status": Field("uint8", "P H W", "code", "what became of the source pixel in the target", True),
    "pair_overlap": Field("float32", "P", "1", "share of the source's pixels that are visible in the target"),
    "pair_angle_deg": Field("float32", "P", "deg", "median angle at visible points between the rays to both cameras; NaN: none visible"),
    "track_point": Field("float64", "T 3", "m", "surface points that are followed through all views, in the world"),
    "track_instance": Field("uint16", "T", "index", "instance of each followed point"),
    "track_uv": Field("float64", "T V 2", "px", "place of each followed point in each view; NaN behind the camera"),
    "track_status": Field("uint8", "T V", "code", "what became of each followed point in each view"),
    "control_pixel": Field("int32", "P C 2", "px", "column and row of source pixels with a stored exact match"),
    "control_uv": Field("float64", "P C 2", "px", "exact position of those pixels in the target, from triangles in float64"),
    "object_id": Field("S256", "O", "name", "asset of each object"),
    "object_category": Field("S128", "O", "name", "ShapeNet category"),
    "object_synset": Field("S16", "O", "name", "WordNet synset of the category"),
    "object_T_world_obj": Field("float64", "O 4 4", "m", "object to world; object frame: z up, front along -y"),
    "object_support": Field("int32", "O", "index", "object on which it stands; -1: the room"),
    "object_visible_pixels": Field("int32", "O V", "px", "pixels of each object in each view"),
    "object_bounds_m": Field("float64", "O 2 3", "m", "lowest and highest corner of each object in its own frame"),
    "object_box_visible": Field("float32", "O V 4", "px", "left, top, right, bottom of an object's visible pixels; NaN: none"),
    "object_box_amodal": Field("float32", "O V 4", "px", "the same of the whole object, hidden parts too; NaN: partly behind the camera"),
    "light_kind": Field("S16", "L", "name", "area or sun"),
    "light_position_m": Field("float64", "L 3", "m", "centre of an area light; direction towards a sun"),
    "light_axes_m": Field("float64", "L 2 3", "m", "half axes of an area light"),
    "light_radiance": Field("float64", "L 3", "linear RGB", "radiance of an area light; irradiance of a sun"),
    "light_gain": Field("float64", "V L 3", "1", "factor on each light in each view"),
    "exposure_ev": Field("float64", "V", "stops", "exposure of each view against the automatic one"),
    "white_balance": Field("float64", "V 3", "1", "gain of each colour channel in each view"),
}


def text_array(name: str, values: Sequence[str]) -> np.ndarray:
    """The values of the text field `name`, encoded. Raises UserError for a value that does not fit: HDF5 would truncate it silently."""
    encoded = [value.encode() for value in values]
    room = int(FIELDS[name].dtype[1:])
    for value, stored in zip(values, encoded, strict=True):
        if len(stored) > room:
            raise UserError(
                f"{name} '{value}' takes {len(stored)} bytes, a shard has room for {room}: shorten the names of files and folders"
            )
    return np.array(encoded, FIELDS[name].dtype)
