"""The arrays of a scene, as they are stored in a shard.

Every attribute has the name, type and axes of the field of `pixbench.dataset.schema.FIELDS` that it is stored as.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, Int32, Shaped, UInt8, UInt16


@dataclass(frozen=True, eq=False)
class ViewArrays:
    """Images of a scene's views (sRGB, z-depth in metres, unit normals, ids), and the cameras: K in pixels, T_world_cam in metres."""

    rgb: UInt8[np.ndarray, "views height width 3"]
    depth_m: Float[np.ndarray, "views height width"]
    normal_world: Float[np.ndarray, "views height width 3"]
    instance: UInt16[np.ndarray, "views height width"]
    semantic: UInt16[np.ndarray, "views height width"]
    triangle: Int32[np.ndarray, "views height width"]
    K: Float[np.ndarray, "views 3 3"]
    T_world_cam: Float[np.ndarray, "views 4 4"]
    semantic_names: Shaped[np.ndarray, " names"]


@dataclass(frozen=True, eq=False)
class PairArrays:
    """Ground truth of the ordered pairs of views. Overlap is a share, angles are in degrees, controls in pixels."""

    pairs: Int32[np.ndarray, "pairs 2"]
    status: UInt8[np.ndarray, "pairs height width"]
    pair_overlap: Float[np.ndarray, " pairs"]
    pair_angle_deg: Float[np.ndarray, " pairs"]
    control_pixel: Int32[np.ndarray, "pairs controls 2"]
    control_uv: Float[np.ndarray, "pairs controls 2"]


@dataclass(frozen=True, eq=False)
class TrackArrays:
    """Surface points that are followed through all views: in the world in metres, in views in pixels."""

    track_point: Float[np.ndarray, "tracks 3"]
    track_instance: UInt16[np.ndarray, " tracks"]
    track_uv: Float[np.ndarray, "tracks views 2"]
    track_status: UInt8[np.ndarray, "tracks views"]


@dataclass(frozen=True, eq=False)
class ObjectArrays:
    """The objects of a scene, and how each appears in each view: poses and bounds in metres, boxes in pixels."""

    object_id: Shaped[np.ndarray, " objects"]
    object_category: Shaped[np.ndarray, " objects"]
    object_synset: Shaped[np.ndarray, " objects"]
    object_T_world_obj: Float[np.ndarray, "objects 4 4"]
    object_bounds_m: Float[np.ndarray, "objects 2 3"]
    object_support: Int32[np.ndarray, " objects"]
    object_visible_pixels: Int32[np.ndarray, "objects views"]
    object_box_visible: Float[np.ndarray, "objects views 4"]
    object_box_amodal: Float[np.ndarray, "objects views 4"]


@dataclass(frozen=True, eq=False)
class LightArrays:
    """The lights of a scene, in metres and linear RGB, and the lighting, exposure (in stops) and white balance of each view."""

    light_kind: Shaped[np.ndarray, " lights"]
    light_position_m: Float[np.ndarray, "lights 3"]
    light_axes_m: Float[np.ndarray, "lights 2 3"]
    light_radiance: Float[np.ndarray, "lights 3"]
    light_gain: Float[np.ndarray, "views lights 3"]
    exposure_ev: Float[np.ndarray, " views"]
    white_balance: Float[np.ndarray, "views 3"]


@dataclass(frozen=True, eq=False)
class SceneArrays:
    """All arrays of a scene."""

    views: ViewArrays
    pairs: PairArrays
    tracks: TrackArrays
    objects: ObjectArrays
    lights: LightArrays

    def stored(self) -> dict[str, np.ndarray]:
        """The arrays by the name of their field in a shard."""
        return dict(item for group in fields(self) for item in _named_arrays(getattr(self, group.name)))


def _named_arrays(group: object) -> Iterator[tuple[str, np.ndarray]]:
    return ((field.name, getattr(group, field.name)) for field in fields(group))  # type: ignore[arg-type]
