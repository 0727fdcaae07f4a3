import json
import shutil
from pathlib import Path

import pytest
from real_pairs import picture, scored
from records import Colour

from pixbench.cli.metrics import sensitivity as command
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.levels.level import Level
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.matching.predictions import read_predictions
from pixbench.evaluation.matching.sensitivity import VARIANTS, sensitivity
from pixbench.evaluation.matching.task import MATCHING
from pixbench.evaluation.request import EvaluationRequest
from pixbench.evaluation.suite import SUITES, GeneratedSuite, Opening


def test_first_variant_of_each_family_matches_the_metric(source: DatasetPairs, tmp_path: Path) -> None:
    path, record = evaluate(Colour(), source, tmp_path)
    numbers = sensitivity(read_predictions(path.with_suffix(".h5")), source, 1.0)
    ours: dict[str, float] = {}
    for variant, number in zip(VARIANTS, numbers, strict=True):
        ours.setdefault(variant.family, number)
    same = {"PCK@1": "pck@1", "δ_avg": "delta_avg", "MMA@3": "mma@3", "pose AUC@10°": "pose_auc@10/magsac", "endpoint error": "epe_median"}
    for family, name in same.items():
        assert ours[family] == pytest.approx(record.metrics[name].value, abs=1e-6)
    by_words = {variant.words: number for variant, number in zip(VARIANTS, numbers, strict=True)}
    assert by_words["< 1 px, mean over pairs"] <= by_words["<= 1 px, mean over pairs"]
    # The tolerance changes which matches are mutual.
    assert len({by_words[words] for words in ("mutual, none is 0, mean over pairs", "mutual to the very pixel", "mutual within 4 px")}) == 3
    assert by_words["<= 1 px, all points pooled"] == pytest.approx(record.metrics["pck@1"].pooled, abs=1e-6)


def test_command_reads_a_copy_of_a_suite_with_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {"split": "test", "scenes": 2, "views": 3, "size": 48, "seed": 5, "object_count": (3, 4)}
    suite = GeneratedSuite("leveled", "", 1, "3d", config, levels=(Level("easy", (0, 180), 0.0, 9, 99),), per_level=3)
    monkeypatch.setitem(SUITES._added, "leveled", suite)
    path, record = MATCHING.run(Colour(), EvaluationRequest(suite, tmp_path / "out", Opening(tmp_path / "cache")))
    copy = tmp_path / "copy"
    shutil.copytree(suite.folder(tmp_path / "cache"), copy)
    command([path], copy)
    assert f"| δ_avg | 1 to 16 px of the evaluated image | {record.value('delta_avg'):.3f} |" in capsys.readouterr().out


def test_command_scores_real_pairs_with_the_queries_and_size_of_each_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Points move by 4 px, by 2 px in half the size; the model says 3 px and -1.5 px: off by 1 px and 1.5 px in both."""
    for name in ("a.png", "b.png"):
        picture(tmp_path / "mine" / name)
    pair = {"image_a": "a.png", "image_b": "b.png", "homography": [[1, 0, 4], [0, 1, 0], [0, 0, 1]]}
    (tmp_path / "mine" / "pairs.json").write_text(json.dumps({"pairs": [pair]}))
    settings = {"1": {"stride": 4, "long_side": 0}, "2": {"stride": 3, "long_side": 32}}
    records = [scored(tmp_path / "mine", tmp_path / name, **options) for name, options in settings.items()]
    command([tmp_path / "1", tmp_path / "2"], tmp_path / "mine")
    lines = [line for line in capsys.readouterr().out.splitlines() if "| δ_avg | 1 to 16 px of the evaluated image |" in line]
    # Their length, 1.80, is below four of the five thresholds 1, 2, 4, 8, 16.
    assert lines == ["| δ_avg | 1 to 16 px of the evaluated image | 0.800 | 0.800 |"]
    assert [record.value("delta_avg") for record in records] == [0.8, 0.8]
