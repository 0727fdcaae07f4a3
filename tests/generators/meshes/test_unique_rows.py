"""Search for duplicate rows, against a dictionary."""

import numpy as np
import pytest

from pixbench.generators.meshes.unique_rows import first_equal_row


@pytest.mark.parametrize(("count", "reach", "scale"), [(0, 1, 1), (1, 1, 1), (500, 2, 1), (500, 5, 10**12), (300, 10**6, 1)])
def test_first_equal_row_matches_dictionary(count: int, reach: int, scale: int) -> None:
    rows = np.random.default_rng(0).integers(-reach, reach + 1, (count, 3)) * scale
    seen: dict[tuple[int, ...], int] = {}
    expected = [seen.setdefault(tuple(row), index) for index, row in enumerate(rows.tolist())]
    assert first_equal_row(rows).tolist() == expected
    if scale == 1:
        assert first_equal_row(rows.astype(np.int32)).tolist() == expected
