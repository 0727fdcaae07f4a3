from pathlib import Path

import numpy as np

from pixbench.dataset.summary import dataset_lines
from pixbench.generation import generate
from pixbench.generation.protocol import GENERATORS


def test_summary_without_objects_has_no_empty_line(tmp_path: Path) -> None:
    digits = tmp_path / "digits.npz"
    np.savez(digits, images=np.random.default_rng(0).integers(0, 255, (30, 28, 28), np.uint8), classes=np.arange(30) % 10)
    generate("2d", GENERATORS.get("2d").config_type(digits=f"npz:{digits}", scenes=1, size=32), tmp_path / "set")
    lines = list(dataset_lines(tmp_path / "set"))
    assert any(line.startswith("  pixels: ") for line in lines)
    assert not any(line.startswith("  objects:") for line in lines)
