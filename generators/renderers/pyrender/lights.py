"""Converts area lights and suns to spotlights and directional lights of pyrender."""

from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float

from ...scene import Light
from ..lighting import relative_power
from .backend import load_pyrender

INNER_CONE, OUTER_CONE = np.radians(45), np.radians(70)
SPOT_SHARE = 0.96
"""With these cones and this share of a flat lamp's normal intensity, a spotlight emits the same power with nearly a cosine profile."""

SPOT_SHADOW_M = (0.03, 100.0)
"""Nearest and farthest depth of a spotlight's shadow map. The nearest one also scales the bias of pyrender against self-shadowing:
the nearer, the larger the bias in metres."""

SUN_SHADOW = (0.4, 1.7)
"""The same for the sun, in diagonals of the scene, whose centre is one diagonal away. A larger second value leaks light at edges."""

MOST = 4
"""pyrender renders at most four lights of a kind: the strongest are used."""


def drawn_lights(lights: tuple[Light, ...]) -> list[int]:
    """Indices, in order, of the lights that are rendered: the strongest of each kind."""
    strongest = sorted(range(len(lights)), key=lambda k: -relative_power(lights[k]) * float(lights[k].radiance.mean()))
    suns = [k for k in strongest if lights[k].kind == "sun"]
    return sorted(suns[:MOST] + [k for k in strongest if k not in suns][:MOST])


def light_node(order: int, light: Light) -> Any:
    """A scene node with the light, whose intensity is not set yet; `order` is unique within a scene."""
    ordered, spot, sun = _types()
    made = sun() if light.kind == "sun" else spot(innerConeAngle=INNER_CONE, outerConeAngle=OUTER_CONE)
    return ordered(name=str(order), light=made, matrix=_pose(light))


def set_strength(node: Any, light: Light, gain: Float[np.ndarray, "3"]) -> None:
    """Set the intensity and colour of a node to those of its light times a gain per channel."""
    color = light.radiance * gain
    area_or_pi = np.pi if light.kind == "sun" else SPOT_SHARE * relative_power(light)
    node.light.intensity = color.max() * area_or_pi
    node.light.color = color / max(color.max(), 1e-12)


@cache
def _types() -> tuple[Any, Any, Any]:
    """Subclasses of pyrender: a node with a fixed order, and lights whose shadow maps fit their cone or the scene."""
    pyrender = load_pyrender()

    def spot_camera(light: Any, scene_scale: float) -> Any:
        near, far = SPOT_SHADOW_M
        return pyrender.PerspectiveCamera(2 * OUTER_CONE, znear=near, zfar=far, aspectRatio=1.0)

    def sun_camera(light: Any, scene_scale: float) -> Any:
        near, far = (share * scene_scale for share in SUN_SHADOW)
        return pyrender.OrthographicCamera(scene_scale / 2, scene_scale / 2, znear=near, zfar=far)

    return (
        # pyrender stores lights in sets, and the order of summation changes the last bits.
        type("OrderedNode", (pyrender.Node,), {"__hash__": lambda node: int(node.name)}),
        type("FittedSpotLight", (pyrender.SpotLight,), {"_get_shadow_camera": spot_camera}),
        type("FittedSun", (pyrender.DirectionalLight,), {"_get_shadow_camera": sun_camera}),
    )


def _pose(light: Light) -> Float[np.ndarray, "4 4"]:
    """T_world_light, with the -z axis in the direction of the light."""
    back = light.position if light.kind == "sun" else -np.cross(light.u, light.v)
    back = back / np.linalg.norm(back)
    side = np.cross(back, np.eye(3)[np.argmin(np.abs(back))])
    side /= np.linalg.norm(side)
    T = np.eye(4)
    T[:3, 0], T[:3, 1], T[:3, 2] = side, np.cross(back, side), back
    T[:3, 3] = 0 if light.kind == "sun" else light.position
    return T
