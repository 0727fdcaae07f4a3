"""The ablation of experiment 1's network at toy size: cells, and rows with hand-computed values."""

from dataclasses import replace
from pathlib import Path

import pytest
from toys import toy_preset, write_digits

from pixbench.errors import UserError
from pixbench.experiments import color_curve, networks
from pixbench.experiments.sweep import read_cells, sweep
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
    assert small["color_change_at_a_third"][1] == first[1]["color_change"]
    assert small["color_change"][1] == first[5]["color_change"]
    assert f"| small | 120,136 | {sum(small['color_change_at_a_third']) / 2:.3f} |" in networks.table([small, wide])
    networks.draw(found, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
