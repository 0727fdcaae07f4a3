"""The ablation of experiment 1's network at toy size: cells, and rows with hand-computed values."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from toys import toy_preset, write_digits

from pixbench.errors import UserError
from pixbench.evaluation.probing.domains import DOMAIN_SETS
from pixbench.evaluation.probing.grid import describe_images
from pixbench.experiments import color_curve, networks
from pixbench.experiments.experiment1 import Experiment1Preset
from pixbench.experiments.sweep import read_cells, sweep
from pixbench.generation.components import DEFAULTS
from pixbench.models.checkpoint import seeded_network
from pixbench.models.unet import UNetConfig


def test_variants_change_one_setting() -> None:
    paper = UNetConfig.model_validate("paper").model_dump()
    for name in ("no dropout", "one block a stage", "half the width", "no attention", "first stage of 8", "32 groups"):
        own = UNetConfig.model_validate(dict(networks.VARIANTS[name])).model_dump()
        assert len([key for key in {**paper, **own} if own.get(key) != paper.get(key)]) == 1, name
    with pytest.raises(UserError, match="did you mean 'no dropout'"):
        networks.cells("cpu", variants=["no-dropout"])


@pytest.mark.slow
def test_a_sweep_of_two_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(color_curve, "HEAD_STEPS", 2)
    write_digits(tmp_path / "digits.npz")
    toy = replace(toy_preset(tmp_path / "digits.npz"), steps=6, seeds=2, between_weight=(0.0,), curve=True)
    monkeypatch.setitem(networks.PRESETS, "toy", toy)
    chosen = ["small", "small, D = 32"]
    folder = tmp_path / "sweep"
    seen: list[float] = []
    assert sweep("networks", networks.cells("toy", variants=chosen), folder, progress=seen.append) == 4
    # What each of the six steps is of a cell, and the rest of the cell.
    assert seen == pytest.approx([0] + [*[0.15] * 6, 0.1] * 4)
    found = read_cells("networks", folder)
    assert {path.stem for path in (folder / "cells").iterdir()} == {
        f"{name}_seed-{seed}" for name in ("small", "small-D-32") for seed in (0, 1)
    }
    small, wide = networks.summary(found)
    assert (small["variant"], small["parameters"], wide["parameters"]) == ("small", 120_136, 121_304)
    first = next(cell for cell in found if (cell["variant"], cell["seed"]) == ("small", 1))["curve"]
    assert [point["step"] for point in first] == list(range(1, 7))
    assert small["untrained_color_change"][0] == _untrained_color_change(toy, seed=0)
    assert small["color_change_at_a_third"][1] == first[1]["color_change"]
    assert small["color_change"][1] == first[5]["color_change"]
    values = " | ".join(f"{sum(small[name]) / 2:.3f}" for name in ("untrained_color_change", "color_change_at_a_third", "color_change"))
    assert f"| small | 120,136 | {values} |" in networks.table([small, wide])
    networks.draw(found, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def _untrained_color_change(preset: Experiment1Preset, *, seed: int) -> float:
    """Of the small network, on the digits that its training would hold out."""
    domains = DOMAIN_SETS.get(DEFAULTS.get("colored-digits"))(preset.digits, cut=preset.cut, seed=seed)
    held_out = np.concatenate([domain.images[round(0.8 * len(domain.images)) :] for domain in domains if not domain.ood])
    network = seeded_network(UNetConfig.model_validate("experiment1-cpu"), seed).eval()
    with torch.no_grad():
        both = [
            describe_images(network, images, size=32, stride=preset.head_stride, first=0, batch=64)
            for images in (held_out, held_out[..., [1, 0, 2]])
        ]
    return round(float((both[0] - both[1]).abs().mean() / both[0].std()), 6)
