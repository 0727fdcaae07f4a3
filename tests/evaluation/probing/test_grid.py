import numpy as np
import pytest
import torch

from pixbench.evaluation.probing.grid import describe_images, to_size


def test_resizing_preserves_a_ramp() -> None:
    ramp = (torch.arange(28) + 0.5).expand(1, 3, 28, 28).contiguous()
    inner = to_size(ramp, 14)[0, 0, 0]
    torch.testing.assert_close(inner, (torch.arange(14) + 0.5) * 2)


@pytest.mark.parametrize(("first", "places"), [(None, [2, 6, 10, 14]), (0, [0, 4, 8, 12])])
def test_grid_offset_defaults_to_half_a_stride(first: int | None, places: list[int]) -> None:
    """Each pixel of the descriptors is its own row and column; the last batch is smaller."""
    asked = []

    def dense(images: torch.Tensor) -> torch.Tensor:
        asked.append(len(images))
        rows, columns = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
        return torch.stack([rows, columns]).float().expand(len(images), -1, -1, -1)

    found = describe_images(dense, np.zeros((7, 8, 8, 3), np.uint8), size=16, stride=4, first=first, batch=3)
    assert asked == [3, 3, 1]
    assert found.shape == (7, 2, 16)
    assert found[6].T.tolist() == [[row, column] for row in places for column in places]


def test_images_are_channels_first_in_the_unit_range() -> None:
    images = np.zeros((1, 4, 4, 3), np.uint8)
    images[0, 1, 3] = 255, 51, 0
    found = describe_images(lambda batch: batch, images, size=4, stride=1, first=0, batch=2)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found[0, :, 7], torch.tensor([1.0, 0.2, 0.0]))
    assert found[0, :, :7].max() == 0
