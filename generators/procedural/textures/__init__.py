"""Tileable sRGB textures, (rows, columns, 3) uint8, each a function of a random generator alone.

Most are drawn as a plane of tones, in units of log brightness, and coloured through a table. None is strictly periodic inside:
boards, tiles and motifs differ, and slow noise lies over all, so that a place can be told from its neighbours.
"""

from .carpet import carpet
from .fabric import fabric
from .paint import paintwork, plaster
from .pictures import painting, screen
from .plants import leaf, peel
from .prints import label, spines
from .ware import glaze, metal, wicker
from .wood import wood

__all__ = [
    "carpet",
    "fabric",
    "glaze",
    "label",
    "leaf",
    "metal",
    "painting",
    "paintwork",
    "peel",
    "plaster",
    "screen",
    "spines",
    "wicker",
    "wood",
]
