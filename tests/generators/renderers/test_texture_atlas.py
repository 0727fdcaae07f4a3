"""The compiled texture lookup, against bilinear interpolation by SciPy."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from pixbench.generators.renderers.texture_atlas import Atlas, AtlasMaker, look_up, mip_levels, to_linear
from pixbench.generators.scene import Material

RNG = np.random.default_rng(0)
TEXTURE = RNG.integers(0, 256, (32, 64, 3)).astype(np.uint8)
TINT = (0.8, 0.5, 0.2)


@pytest.fixture
def atlas() -> Atlas:
    return AtlasMaker().build((Material((0.1, 0.2, 0.3)), Material(TINT, TEXTURE)))


def _found(atlas: Atlas, material: int, texel: np.ndarray, level: float) -> np.ndarray:
    out = np.empty((len(texel), 3), np.float32)
    look_up(atlas, np.full(len(texel), material), texel.astype(np.float32), np.full(len(texel), level, np.float32), out)
    return out


@pytest.mark.parametrize("level", [0, 1])
def test_lookup_interpolates_linear_values_of_the_mip_level(atlas: Atlas, level: int) -> None:
    texel = RNG.uniform(-2, 3, (200, 2)).astype(np.float32)
    rows, columns = (32 >> level), (64 >> level)
    linear = to_linear(mip_levels(TEXTURE)[level].astype(np.float32) / 255)
    # Texel centres lie at .5; `grid-wrap` repeats the texture.
    at = np.stack([texel[:, 1] % 1 * rows - 0.5, texel[:, 0] % 1 * columns - 0.5]).astype(float)
    expected = np.stack([map_coordinates(linear[..., k], at, order=1, mode="grid-wrap") for k in range(3)], axis=1)
    found = _found(atlas, 1, texel, level - np.log2(np.sqrt(32 * 64)))
    assert found == pytest.approx(expected * to_linear(np.array(TINT, np.float32)), abs=2e-4)


def test_mip_levels_are_clamped(atlas: Atlas) -> None:
    texel = RNG.random((50, 2))
    finest = -np.log2(np.sqrt(32 * 64))
    assert np.array_equal(_found(atlas, 1, texel, -100.0), _found(atlas, 1, texel, finest))
    coarsest = len(mip_levels(TEXTURE)) - 1
    assert np.array_equal(_found(atlas, 1, texel, 100.0), _found(atlas, 1, texel, finest + coarsest))


def test_untextured_material_has_its_colour_and_no_material_is_black(atlas: Atlas) -> None:
    texel = RNG.random((3, 2))
    assert _found(atlas, 0, texel, 0.0) == pytest.approx(np.tile(to_linear(np.array((0.1, 0.2, 0.3), np.float32)), (3, 1)))
    assert not _found(atlas, -1, texel, 0.0).any()
