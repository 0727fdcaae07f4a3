"""Resuming a data set with other versions of the software than those it was begun with."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixbench.dataset.manifest import read_manifest, write_manifest
from pixbench.errors import UserError
from pixbench.generation import generate
from pixbench.generation.protocol import GENERATORS
from pixbench.generation.software import differing, software


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Any:
    photos = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number in range(3):
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(photos / f"{number}.png")
    return GENERATORS.get("2d").config_type(scenes=3, size=32, scenes_per_shard=1, split="train", pictures=f"folder:{photos}")


def _with_other_software(folder: Path, **changes: Any) -> None:
    manifest = read_manifest(folder)
    write_manifest(folder, manifest.model_copy(update={"software": {**manifest.software, "numpy": "1.0", "python": "3.0.0"}, **changes}))


def _stopped(folder: Path, shards: int) -> str:
    """Leaves this many shards of a data set; gives its manifest, as it was while the set was being made with other software."""
    _with_other_software(folder, complete=False, shards=[])
    for number in range(shards, 3):
        (folder / f"shards/{number:05d}.h5").unlink()
    return (folder / "dataset.json").read_text()


def test_packages_with_other_versions_are_named() -> None:
    assert differing({"a": "1", "b": "2"}, {"a": "1", "b": "2"}) == ""
    assert differing({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == "b 2, here 3, c none, here 4"


def test_unfinished_set_of_other_software_is_refused(config: Any, tmp_path: Path) -> None:
    folder, numpy = tmp_path / "data", software("gzip")["numpy"]
    generate("2d", config, folder)
    before = _stopped(folder, shards=2)
    (folder / "shards/00001.h5").write_bytes(b"damaged")
    message = rf"^{folder} was begun with numpy 1\.0, here {numpy}: install the versions that it was begun with, or the bytes would differ"
    with pytest.raises(UserError, match=message):
        generate("2d", config, folder)
    assert (folder / "dataset.json").read_text() == before
    assert [path.name for path in sorted((folder / "shards").iterdir())] == ["00000.h5", "00001.h5"]


def test_set_without_a_shard_is_begun_again(config: Any, tmp_path: Path) -> None:
    generate("2d", config, tmp_path / "data")
    _stopped(tmp_path / "data", shards=0)
    made = generate("2d", config, tmp_path / "data")
    assert made.complete
    assert made.software == software("gzip")


def test_finished_set_of_other_software_opens(config: Any, tmp_path: Path) -> None:
    generate("2d", config, tmp_path / "data")
    _with_other_software(tmp_path / "data")
    found = generate("2d", config, tmp_path / "data")
    assert found.complete
    assert found.software["numpy"] == "1.0"
