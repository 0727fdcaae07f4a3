import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from pixbench.evaluation.model import DescriptorModel, MatcherModel
from pixbench.evaluation.network_input import AS_IT_IS, CellGrid, NetworkInput, described_at_scales, sampled
from pixbench.evaluation.record_writer import model_sha256


def _positions(width: int, height: int) -> Tensor:
    """Each pixel's own uv, as shares of the image, and its u again."""
    v, u = torch.meshgrid((torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width, indexing="ij")
    return torch.stack([u, v, u])[None]


class Averages(DescriptorModel):
    """The mean of cells of 4 x 4 pixels, whole cells only."""

    name, p = "averages", 2.0

    def describe(self, images: Tensor) -> Tensor:
        self.saw = tuple(images.shape[2:])
        return nn.functional.avg_pool2d(images, 4)


@pytest.mark.parametrize(
    ("given", "saw"),
    [
        (NetworkInput(), (30, 44)),
        (NetworkInput(88), (60, 88)),
        (NetworkInput(20), (30, 44)),
        (NetworkInput(88, 16), (64, 96)),
        (NetworkInput(multiple=12), (36, 48)),
    ],
)
def test_descriptors_keep_their_positions(given: NetworkInput, saw: tuple[int, int]) -> None:
    model, uv = Averages(), _positions(44, 30)
    model.input = given
    dense = model.dense(uv)
    assert model.saw == saw
    # Without a multiple, rows that no whole cell covers shift enlarged positions; else each pixel gets its own position back.
    inner = (..., slice(4, -8), slice(4, -8))
    tolerance = 0.05 if given == NetworkInput() or given.size == 20 else 0.004
    torch.testing.assert_close(dense[inner], uv[inner], atol=tolerance, rtol=0)


def test_declared_cell_grid_is_used() -> None:
    class Points(DescriptorModel):
        """Every fourth pixel, the first at column and row 1: its centre at 1.5 px."""

        name, p = "points", 2.0
        grid = CellGrid(4.0, 1.5)

        def describe(self, images: Tensor) -> Tensor:
            return images[..., 1::4, 1::4]

    uv = _positions(40, 24)
    torch.testing.assert_close(Points().dense(uv)[..., 2:-3, 2:-3], uv[..., 2:-3, 2:-3])
    undeclared = Points()
    undeclared.grid = None
    # Half a pixel off, in shares of the image.
    off = (undeclared.dense(uv) - uv)[0, 0, 2:-3, 2:-3]
    torch.testing.assert_close(off, torch.full_like(off, -0.5 / 40))


def test_points_of_resized_images_are_mapped_back() -> None:
    def corner(image_a: Tensor, image_b: Tensor) -> tuple[Tensor, Tensor]:
        assert image_a.shape[1:] == (48, 64)
        assert image_b.shape[1:] == (64, 32)
        # The last point lies in the padding.
        return torch.tensor([[16.0, 8.0], [63.0, 47.0]]), torch.tensor([[10.0, 20.0], [31.5, 1.0]])

    model = MatcherModel(corner, "corner")
    model.input = NetworkInput(64, 16)
    a, b = model.points(np.zeros((24, 32, 3), np.uint8), np.zeros((32, 15, 3), np.uint8))
    assert a.tolist() == [[8.0, 4.0]]
    assert b.tolist() == [[5.0, 10.0]]


def test_model_hash_covers_the_network_input() -> None:
    hashes = set()
    for given in (NetworkInput(), NetworkInput(64), NetworkInput(64, 16)):
        model = Averages()
        model.input = given
        hashes.add(model_sha256(model))
    assert len(hashes) == 3


def test_channels_last_output_is_rejected() -> None:
    class Last(Averages):
        def describe(self, images: Tensor) -> Tensor:
            return super().describe(images).permute(0, 2, 3, 1)

    with pytest.raises(ValueError, match=r"gave \(1, 70, 70, 3\) for images of 280 x 280: expected a tensor \(batch, channels, rows"):
        Last().dense(_positions(280, 280))


def _grey(width: int, height: int) -> np.ndarray:
    """Noise from 0 to 1, whose bicubic interpolation overshoots both."""
    return np.random.default_rng(0).integers(0, 2, (height, width)).astype(np.float32)


def _by_pillow(grey: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.asarray(Image.fromarray(grey).resize((width, height), Image.Resampling.BICUBIC)).clip(0, 1)


def test_upscaling_matches_pillow() -> None:
    grey = _grey(12, 10)
    found = NetworkInput(30).prepared(torch.from_numpy(grey)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(found, _by_pillow(grey, 30, 25), atol=1e-5)


def test_images_that_need_no_change_are_returned_as_is() -> None:
    images = torch.rand(1, 3, 24, 32)
    for given in (AS_IT_IS, NetworkInput(32), NetworkInput(16), NetworkInput(multiple=8)):
        assert given.prepared(images) is images


def test_padding_repeats_the_right_and_bottom_border() -> None:
    images = torch.arange(6.0).reshape(1, 1, 2, 3) / 6
    padded = NetworkInput(multiple=4).prepared(images)[0, 0] * 6
    assert padded.tolist() == [[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5], [3, 4, 5, 5]]


@pytest.mark.parametrize(
    ("given", "info"),
    [
        (NetworkInput(), {}),
        (NetworkInput(64), {"input_size": 64}),
        (NetworkInput(multiple=2), {"input_multiple": 2}),
        (NetworkInput(64, 16), {"input_size": 64, "input_multiple": 16}),
    ],
)
def test_info_holds_only_changed_options(given: NetworkInput, info: dict[str, int]) -> None:
    assert given.info == info


def test_grid_offset_defaults_to_half_a_stride() -> None:
    cells = torch.rand(1, 2, 4, 5, generator=torch.Generator().manual_seed(0))
    tiled = sampled(cells, (20, 16), AS_IT_IS, (20, 16), None)
    for grid in (CellGrid(4.0), CellGrid(4.0, 2.0)):
        torch.testing.assert_close(sampled(cells, (20, 16), AS_IT_IS, (20, 16), grid), tiled)
    # At a cell's centre the value is the cell's; beyond the outermost centres, the nearest cell's.
    odd = sampled(cells, (21, 15), AS_IT_IS, (21, 15), CellGrid(4.0, 2.5))
    torch.testing.assert_close(odd[..., 2::4, 2::4], cells[..., :4, :5])
    torch.testing.assert_close(odd[..., 0, 0], cells[..., 0, 0])
    torch.testing.assert_close(odd[..., 14, 20], cells[..., 3, 4])


def test_each_scale_is_described_at_its_own_size() -> None:
    grey, sizes, resized = _grey(20, 12), [], []

    def describe(images: Tensor) -> Tensor:
        sizes.append(tuple(images.shape[2:]))
        resized.append(images[0, 0].numpy())
        return images

    images = torch.from_numpy(grey).expand(1, 3, -1, -1)
    joined = described_at_scales(describe, images, (0.5, 1.0, 1.5, 1 / 16), unit=False)
    assert sizes == [(6, 10), (12, 20), (18, 30), (1, 1)]
    np.testing.assert_allclose(resized[0], _by_pillow(grey, 10, 6), atol=1e-5)
    np.testing.assert_allclose(resized[2], _by_pillow(grey, 30, 18), atol=1e-5)
    assert joined.shape == (1, 12, 12, 20)
    assert torch.equal(joined[:, 3:6], images)
    # A single cell is constant over the image.
    assert joined[0, 9:].flatten(1).std(dim=1).max() < 1e-6
