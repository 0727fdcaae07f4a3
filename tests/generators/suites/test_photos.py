from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixbench.errors import UserError
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.suite import Opening
from pixbench.generators.suites.photos import PACK, PhotoSuite
from pixbench.models.loading import load_model


def test_missing_photo_pack_error_names_the_fetch_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=f"run 'pixbench assets fetch {PACK}'"):
        PhotoSuite("photos", "", 1).open(Opening(tmp_path))


def test_oracle_is_perfect_on_resized_photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path))
    folder = tmp_path / "packs" / PACK
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, size in (("graf1.png", (60, 80, 3)), ("graf3.png", (60, 80, 3)), ("aloeL.jpg", (50, 90, 3)), ("aloeR.jpg", (50, 90, 3))):
        Image.fromarray(rng.integers(0, 255, size).astype(np.uint8)).save(folder / name)
    Image.fromarray(np.full((50, 90), 7, np.uint8)).save(folder / "aloeGT.png")
    # A shift of 6 px to the right with pixel centres at integers, which is the same with centres at .5.
    (folder / "H1to3p.xml").write_text("<opencv_storage><H13><data>1. 0. 6. 0. 1. 0. 0. 0. 1.</data></H13></opencv_storage>")
    suite = PhotoSuite("photos", "", 1, longer_side=40, query_stride=4)
    source = suite.open(Opening(tmp_path))
    graf = source.pair(source.groups()[0][0])
    # At half the size, the shift and the homography are scaled by a half.
    assert graf.rgb_a.shape == (30, 40, 3)
    assert graf.truth.uv_b[4, 10].tolist() == [13.5, 4.5]
    assert graf.homography is not None
    np.testing.assert_allclose(graf.homography, [[1, 0, 3], [0, 1, 0], [0, 0, 1]], atol=1e-9)
    aloe = source.pair(source.groups()[2][0])
    np.testing.assert_allclose(aloe.truth.uv_b[5, 20], [20.5 - 7 * 40 / 90, 5.5], atol=1e-4)
    _, record = evaluate(load_model("baseline:oracle"), source, tmp_path / "out")
    assert record.metrics["pck@1"].value == 1.0
    assert record.metrics["homography_auc@3"].value == pytest.approx(1.0, abs=1e-3)
    assert record.metrics["pose_auc@5/magsac"].value is None
