from pathlib import Path

import pytest
from records import Colour

from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.matching.predictions import read_predictions
from pixbench.evaluation.matching.sensitivity import VARIANTS, sensitivity


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
