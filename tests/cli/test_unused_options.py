"""Options that a command would not use are refused in one line."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from pixbench.cli import app
from pixbench.errors import UserError
from pixbench.evaluation.matching.dense_matcher import Search
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.model import MatcherModel
from pixbench.models.loading import load_model


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("match a.png a.png --model baseline:rgb-patch --threshold 5", "--threshold: nothing is fitted to the matches"),
        ("match a.png a.png --model baseline:rgb-patch --geometry homography --focal 50", "--focal: only the essential matrix needs it"),
        ("describe a.png --model baseline:rgb-patch --half --out b.png", "--half: b.png is a picture"),
        ("report experiment1 --limit 3", "--limit: experiment1 is an experiment"),
        ("report experiment1 --data some --preset cpu", "--preset: --data names the folder already"),
        ("report site --preset cpu", "--preset: a page has none"),
        (
            "train --data data --out out --objective point-infonce --p 1",
            "p: descriptors of objective point-infonce are compared with cosine",
        ),
        ("train --data data --out out --objective paper-hard --between-weight 0.3", "between_weight: objective paper-hard has no between"),
        ("report experiment1 --trust-code", "--trust-code: experiment1 is an experiment"),
        ("train --data DATA --out out --precision nonsense", "--precision nonsense: expected auto, 32-true, 64-true, bf16-mixed, 16-mixed"),
        ("train --data DATA --out out --accelerator cpu --precision 16-mixed", "--precision 16-mixed: a CPU does not train in float16"),
        ("evaluate --model baseline:hog --data DATA --suite nope", "--suite nope: --data names a set that is made already"),
        ("evaluate --model baseline:hog --data DATA --workers 3", "--workers 3: --data names a set that is made already"),
        ("leak-check DATA DATA --suite standard", "--suite standard: .* is the test set; leave one of them out"),
        ("preview 3d --set scenes=3", "--set scenes: preview draws scene number --scene"),
    ],
)
def test_options_without_effect_are_refused(
    command: str, message: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)).save("a.png")
    words = [str(tiny) if word == "DATA" else word for word in command.split()]
    if words[0] == "train":
        words += ["--batch", "2"]
    with pytest.raises(UserError, match=message):
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.png"]


@pytest.mark.parametrize(("search", "option"), [(Search(radius_px=3), "radius"), (Search(subpixel=True), "subpixel")])
def test_search_options_require_descriptors(search: Search, option: str, tiny: Path, tmp_path: Path) -> None:
    points = MatcherModel(lambda image_a, image_b: (torch.ones(2, 2), torch.ones(2, 2)), "points")
    for model in (points, load_model("baseline:chance")):
        with pytest.raises(UserError, match=f"^--{option}: {model.name} has no descriptors to search among; leave it out$"):
            evaluate(model, DatasetPairs(tiny, "tiny", 8), tmp_path, search=search)
    assert not list(tmp_path.iterdir())
