"""Materials of the floors, walls and ceilings of a home: its own colours, and textures of Sweet Home 3D."""

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from pixbench.io.text import bounded_number
from pixbench.io.untrusted import check_pixels

from ...scene import Material
from ..loading.archive import Files
from .catalogue import read_catalogue
from .home import Area

CATALOGUE = "com/eteks/sweethome3d/io/DefaultTexturesCatalog.properties"
WOOD = ("woodenFloor", "oldWoodenFloor")
TILES = ("greyTile", "stoneTiles", "beigeTile", "lightBlueTile", "redTiles", "blackAndWhiteTiles")
WET = ("bathroom", "kitchen", "garage", "terrace", "balcony", "toilet", "hall")
WALLPAPERS = ("stoneWall", "stone2Wall", "stone3Wall", "smallBricks", "smallRedBricks", "smallWhiteBricks", "wallBeigeTile", "marbleWall")
ROUGHCAST = "roughcast"
PAINTED_SHARE = 0.7
PAINT_M = 0.6
"""Size of one repeat of the roughcast on painted walls: larger than in the catalogue, where it would be finer than a pixel."""

Color = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class SurfaceFinish:
    """A material and the real size of one repeat of its texture, in metres."""

    material: Material
    size_m: tuple[float, float] = (1.0, 1.0)


class Finishes:
    """The surfaces of one home. Surfaces of the same colour are equal; their texture depends only on home and colour."""

    def __init__(self, home: str, files: Files):
        self._home, self._files = home, files
        self._made: dict[tuple[str, Color | None], SurfaceFinish] = {}
        self.used: dict[str, bytes] = {}
        """What the surfaces so far were made from: image and size of each texture, empty for a missing one."""

    def wall(self, color: Color | None) -> SurfaceFinish:
        """One side of a wall: painted in its colour, or with a wallpaper."""
        share, pick = self._chance("wall", color)
        if share < PAINTED_SHARE or not self._textures:
            return self._kept("paint", color, lambda: self._painted(color or (0.92, 0.9, 0.86)))
        return self._kept("cover", color, lambda: self._textured(WALLPAPERS[pick % len(WALLPAPERS)]))

    def floor(self, area: Area) -> SurfaceFinish:
        """The floor of a room: tiles in wet rooms, wood elsewhere."""
        wet = any(word in area.name.lower() for word in WET)
        names = TILES if wet else WOOD
        _, pick = self._chance("floor", area.floor)
        return self._kept(
            "tiles" if wet else "wood", area.floor, lambda: self._textured(names[pick % len(names)], gloss=0.12 if wet else 0.08)
        )

    def ceiling(self, area: Area) -> SurfaceFinish:
        """A ceiling in its own colour if that is bright, otherwise white: it reflects light into the room."""
        color = area.ceiling if area.ceiling is not None and min(area.ceiling) > 0.6 else (0.93, 0.93, 0.92)
        return self._kept("ceiling", color, lambda: SurfaceFinish(Material(color)))

    def skirting(self, color: Color | None) -> SurfaceFinish:
        """A skirting board: white, or a darker shade of the wall's colour."""
        share, _ = self._chance("skirting", color)
        shade = (0.9, 0.9, 0.88) if share < 0.5 or color is None else tuple(0.6 * value for value in color)
        return self._kept("skirting", color, lambda: SurfaceFinish(Material(shade, gloss=0.2)))  # type: ignore[arg-type]

    def plaster(self) -> SurfaceFinish:
        """White plaster: reveals, tops of walls, and surfaces outside of rooms."""
        return self._kept("plaster", None, lambda: SurfaceFinish(Material((0.9, 0.9, 0.88))))

    def lamp(self) -> SurfaceFinish:
        """An emissive lampshade."""
        return self._kept("lamp", None, lambda: SurfaceFinish(Material((1.0, 0.95, 0.85), emission=3.0)))

    def _kept(self, kind: str, color: Color | None, make: Callable[[], SurfaceFinish]) -> SurfaceFinish:
        if (kind, color) not in self._made:
            self._made[kind, color] = make()
        return self._made[kind, color]

    def _chance(self, purpose: str, color: Color | None) -> tuple[float, int]:
        """A pseudo-random number in [0, 1) and an integer, from the hash of home, purpose and colour."""
        digest = hashlib.sha256(f"{self._home} {purpose} {color}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64, int.from_bytes(digest[8:12], "big")

    @cached_property
    def _textures(self) -> Mapping[str, Mapping[str, str]]:
        try:
            return {record["id"].partition("#")[2]: record for record in read_catalogue(self._files, CATALOGUE)}
        except OSError:
            return {}

    def _image(self, name: str) -> np.ndarray | None:
        self.used[name] = b""
        try:
            record = self._textures[name]
            data = self._files.read(record["image"].lstrip("/"))
            self.used[name] = f"{record.get('width')} x {record.get('height')}\n".encode() + data
            with Image.open(io.BytesIO(data)) as image:
                check_pixels(*image.size)
                return np.asarray(image.convert("RGB"))
        except Exception:  # decoders raise many types
            return None

    def _textured(self, name: str, *, gloss: float = 0.0) -> SurfaceFinish:
        image = self._image(name)
        if image is None:
            return SurfaceFinish(Material((0.75, 0.72, 0.68)))
        record = self._textures[name]
        size = (bounded_number(record["width"]) / 100, bounded_number(record["height"]) / 100)
        return SurfaceFinish(Material((1.0, 1.0, 1.0), image, gloss=gloss), size)

    def _painted(self, color: Color) -> SurfaceFinish:
        """Paint on roughcast: the texture's own brightness is taken out, its relief stays."""
        image = self._image(ROUGHCAST)
        if image is None:
            return SurfaceFinish(Material(color))
        relief = image.mean(axis=2) / max(float(image.mean()), 1.0)
        even = np.clip(255 * (0.9 + 0.35 * (relief - 1)), 0, 255).round().astype(np.uint8)
        return SurfaceFinish(Material(color, np.repeat(even[..., None], 3, axis=2)), (PAINT_M, PAINT_M))
