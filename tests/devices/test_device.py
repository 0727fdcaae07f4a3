"""Results on a device match those on the CPU. PIXBENCH_TEST_DEVICE=cuda runs these tests on a GPU, as benchmarks/accelerator.sh does."""

import math
import os
from itertools import product
from pathlib import Path
from typing import cast

import pytest
import torch
from safetensors.torch import load_file

from pixbench.evaluation.matching.nearest import NORMS, Norm, Window, nearest
from pixbench.evaluation.matching.nearest.search import _search_in_blocks, sums_of, unit
from pixbench.evaluation.model import DescriptorModel
from pixbench.models.checkpoint import seeded_network
from pixbench.models.loading import as_model, load_model
from pixbench.models.unet import UNetConfig
from pixbench.training.config import TrainConfig
from pixbench.training.train import train

DEVICE = torch.device(os.environ.get("PIXBENCH_TEST_DEVICE", "cpu"))
SMALL = UNetConfig(widths=(8, 8), blocks=(1, 1), channels=8)


def _random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("p", "windowed"), list(product(NORMS, (False, True))))
def test_search_on_the_device_is_bitwise_equal(p: Norm, windowed: bool) -> None:
    queries, targets = _random(300, 32, seed=1), _random(60 * 50, 32, seed=2)
    targets[70] = targets[900] = queries[3]
    window = Window(torch.rand(300, 2, generator=torch.Generator().manual_seed(3)) * 50, 60, inner=2.0, outer=20.0) if windowed else None
    here = nearest(queries, targets, p=p, window=window)
    moved = None if window is None else Window(window.centre.to(DEVICE), 60, inner=2.0, outer=20.0)
    if p == "cosine":
        queries, targets = unit(queries), unit(targets)
    index, total, _ = _search_in_blocks(queries.to(DEVICE), targets.to(DEVICE), p, moved, None, 10_000_000)
    assert torch.equal(index.cpu(), here.index)
    assert torch.equal(total.cpu()[here.index >= 0], sums_of(queries, targets[here.index.clamp(min=0)], p)[here.index >= 0])


def test_descriptors_agree_between_devices() -> None:
    network, images = seeded_network(SMALL, 0).eval(), torch.rand(2, 3, 48, 64, generator=torch.Generator().manual_seed(1))
    here, there = (cast(DescriptorModel, as_model(network, p=2, device=device)).dense(images).cpu() for device in ("cpu", str(DEVICE)))
    assert float((here - there).abs().max()) < 1e-4 * float(here.abs().max())


@pytest.mark.slow
def test_scores_agree_between_devices(tiny: Path, tmp_path: Path) -> None:
    from pixbench.evaluation.matching.evaluate import evaluate
    from pixbench.evaluation.matching.pairs import DatasetPairs

    train(tiny, tmp_path / "run", TrainConfig(steps=4, batch=2, points=64, network=SMALL), accelerator="cpu", precision="32-true")
    scores = []
    for device in ("cpu", str(DEVICE)):
        _, record = evaluate(
            load_model(str(tmp_path / "run"), device=device), DatasetPairs(tiny, "tiny", 8), tmp_path / f"on-{device}-{len(scores)}"
        )
        scores.append(record.metrics["delta_avg"].value)
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)


@pytest.mark.slow  # bfloat16 is slow on processors that cannot multiply it
def test_a_bfloat16_run_resumes(tiny: Path, tmp_path: Path) -> None:
    config = TrainConfig(steps=6, batch=2, points=64, network=SMALL, p=math.inf)
    options = {"accelerator": DEVICE.type, "precision": "bf16-mixed"}

    class StoppedError(Exception):
        pass

    def stop_after(count: int) -> "object":
        done = [0]

        def progress(steps: int, loss: float) -> None:
            done[0] += steps
            if done[0] >= count:
                raise StoppedError

        return progress

    train(tiny, tmp_path / "whole", config, **options)  # type: ignore[arg-type]
    with pytest.raises(StoppedError):
        train(tiny, tmp_path / "broken", config, progress=stop_after(4), **options)  # type: ignore[arg-type]
    train(tiny, tmp_path / "broken", config, **options)  # type: ignore[arg-type]
    whole, resumed = (load_file(tmp_path / name / "checkpoint/weights.safetensors") for name in ("whole", "broken"))
    # Bitwise on a CPU; on a GPU the order of sums is not fixed.
    close = torch.equal if DEVICE.type == "cpu" else (lambda a, b: torch.allclose(a, b, atol=1e-2))
    assert all(close(whole[name], resumed[name]) for name in whole)
