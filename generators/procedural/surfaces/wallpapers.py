"""Printed and woven wallpapers."""

import numpy as np
from jaxtyping import UInt8

from ..textures.colors import CLOTHS, PAINTS, pick
from ..textures.motifs import blossom, leaflet, ornament, scatter, stamp
from ..textures.noise import noise
from ..textures.paint import wall_color
from ..textures.planes import Color, Number, Texture, grid
from ..textures.tones import inlaid, painted
from .common import WALL_SHAPE, slow_tone


def _paper(which: UInt8[np.ndarray, "rows columns"], ground: Color, inks: list[Color], *, rng: np.random.Generator) -> Texture:
    """A printed wallpaper: fine paper grain, uneven print, slow fading."""
    tone = slow_tone(rng=rng, shape=WALL_SHAPE, strength=0.018)
    tone += np.float32(0.018) * noise(rng=rng, size=WALL_SHAPE, slope=0.4)
    return inlaid(which, tone, [ground, *inks], 0.1)


def _ground_and_ink(*, rng: np.random.Generator) -> tuple[Color, Color]:
    """Two neighbouring colours: the ink is a lighter or darker shade of the ground."""
    ground = wall_color(rng=rng)
    step = rng.uniform(0.72, 0.88) if ground.mean() > 0.45 else rng.uniform(1.25, 1.5)
    return ground, np.clip(ground * step, 0, 0.97).astype(np.float32)


def striped(*, rng: np.random.Generator) -> Texture:
    """Upright stripes, wide and narrow, tone on tone."""
    ground, ink = _ground_and_ink(rng=rng)
    count = int(rng.integers(24, 70))
    x, _ = grid(WALL_SHAPE)
    place = (x * count) % 1
    lines = np.zeros(WALL_SHAPE, np.uint8)
    width = rng.uniform(0.3, 0.55)
    lines[:] = place < width
    lines[np.broadcast_to(np.abs(place - (width + 1) / 2) < 0.05, WALL_SHAPE)] = 2 if rng.random() < 0.7 else 0
    return _paper(lines, ground, [ink, pick(CLOTHS, rng=rng)], rng=rng)


def _lattice(across: int, down: int) -> list[tuple[int, int]]:
    """Centres of a half-drop repeat over a wall's texture."""
    rows, columns = WALL_SHAPE
    return [
        (int((i + 0.5) * columns / across), int((j + 0.5 * (i % 2) + 0.25) * rows / down) % rows)
        for i in range(across)
        for j in range(down)
    ]


def damask(*, rng: np.random.Generator) -> Texture:
    """Mirrored scrolls within ogees, tone on tone; no two ornaments are quite the same."""
    ground, ink = _ground_and_ink(rng=rng)
    across = 2 * int(rng.integers(8, 15))
    down = across // 3
    height, width = WALL_SHAPE[0] // down // 2 * 2, WALL_SHAPE[1] // across * 2
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    envelope = np.abs(x) < 0.8 * np.cos(np.pi / 2 * np.abs(y)) ** 0.8
    rim = envelope & (np.abs(x) > 0.8 * np.cos(np.pi / 2 * np.abs(y)) ** 0.8 - 0.12)
    shapes = []
    for _ in range(6):
        scroll = ornament((height, width), rng=rng, slope=1.2)
        shapes.append(((envelope & (np.abs(scroll) > 0.55)) | rim).astype(np.uint8))
    labels, places = np.zeros(WALL_SHAPE, np.uint8), _lattice(across, down)
    scatter(labels, shapes, places, rng.integers(0, 6, len(places)))
    return _paper(labels, ground, [ink], rng=rng)


def sprigs(*, rng: np.random.Generator) -> Texture:
    """Sprigs of leaves, with berries or flowers at times, each turned its own way, on a light ground."""
    ground = pick(PAINTS[:9] + PAINTS[-3:] + ("39475a", "3d4f47"), rng=rng)
    inks = [pick(("7d8b6a", "5c6b52", "8a9a86", "5f7a8c", "a3ac8c", "b39b7d"), rng=rng) for _ in range(2)]
    inks.append(pick(("b0664a", "8f5560", "c99f45", "c3a0a0", "d8cfc0"), rng=rng))
    across = 2 * int(rng.integers(8, 14))
    reach = 0.46 * WALL_SHAPE[1] / across
    flowers = rng.random() < 0.6
    shapes = [_sprig(reach, flowers, rng=rng) for _ in range(10)]
    labels, places = np.zeros(WALL_SHAPE, np.uint8), _lattice(across, across // 2)
    scatter(labels, shapes, places, rng.integers(0, len(shapes), len(places)))
    return _paper(labels, ground, inks, rng=rng)


def _sprig(reach: Number, flower: bool, *, rng: np.random.Generator) -> UInt8[np.ndarray, "side side"]:
    """Leaves, labelled 1 and 2, along a bent stalk, and a flower labelled 3 on its middle."""
    side = 4 * int(reach) + 9
    shape = np.zeros((side, side), np.uint8)
    turn, bend = rng.uniform(0, 2 * np.pi), rng.uniform(-0.8, 0.8)
    for k in range(5):
        angle = turn + bend * (k / 4 - 0.5)
        step = reach * (k / 3.5 - 0.6)
        x, y = int(side // 2 + step * np.cos(angle)), int(side // 2 + step * np.sin(angle))
        leaf = leaflet(reach * (0.75 - 0.07 * k), reach * 0.13, angle + (0.9 if k % 2 else -0.9))
        stamp(shape, leaf, x, y, 1 + k % 2)
    if flower:
        stamp(shape, blossom(reach * 0.24, 5, turn), side // 2, side // 2, 3)
    return shape


def trellis(*, rng: np.random.Generator) -> Texture:
    """A lattice of thin lines: diamonds, scales or zigzags."""
    ground, ink = _ground_and_ink(rng=rng)
    x, y = grid(WALL_SHAPE)
    count = 2 * int(rng.integers(6, 14))
    u, v = x * (2 * count), y * np.float32(count * rng.choice([0.5, 1.0]))
    kind = int(rng.integers(3))
    if kind == 0:
        first, second = u + v, u - v
        line = np.minimum(np.abs(first - np.round(first)), np.abs(second - np.round(second))) < 0.06
    elif kind == 1:
        shift = np.floor(v) % 2 * np.float32(0.5)
        across = (u + shift) % 1 - np.float32(0.5)
        line = np.abs(np.hypot(across, v % 1 - 1) - np.float32(0.5)) < 0.06
    else:
        zigzag = v + np.abs(u % 1 - np.float32(0.5))
        line = np.abs(zigzag - np.round(zigzag)) < 0.16
    return _paper(line.astype(np.uint8), ground, [ink], rng=rng)


def grasscloth(*, rng: np.random.Generator) -> Texture:
    """Woven grass: knotted fibres across, fine warp along."""
    tone = np.float32(0.05) * noise(rng=rng, size=WALL_SHAPE, slope=0.6, stretch=(16, 1))
    tone += np.float32(0.03) * noise(rng=rng, size=WALL_SHAPE, slope=0.4, stretch=(1, 8))
    tone += slow_tone(rng=rng, shape=WALL_SHAPE, strength=0.02)
    return painted(tone, pick(CLOTHS[:9] + PAINTS[5:16], rng=rng), 0.2)
