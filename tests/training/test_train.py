import copy
import json
import math
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import pixbench
from pixbench.errors import UserError
from pixbench.models.checkpoint import load_checkpoint, seeded_network
from pixbench.models.unet import ResidualBlock, UNet, UNetConfig, parameter_count
from pixbench.training.config import TrainConfig
from pixbench.training.data.sampler import StepSampler
from pixbench.training.objectives.base import sample_descriptors
from pixbench.training.train import train

SMALL = UNetConfig(widths=(8, 16), blocks=(1, 1), channels=6)


def _config(**options: object) -> TrainConfig:
    return TrainConfig(**{"steps": 10, "batch": 2, "points": 64, "network": SMALL, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(48, 48), (37, 50), (3, 5)])
def test_network_preserves_the_resolution(size: tuple[int, int]) -> None:
    network = seeded_network(UNetConfig(), 0)
    assert network(torch.rand(2, 3, *size)).shape == (2, 32, *size)


def test_network_is_translation_equivariant() -> None:
    # Without attention, a shift by the stride shifts the descriptors, away from the borders.
    network = UNet(UNetConfig(widths=(8, 8), blocks=(1, 1), heads=0)).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.GroupNorm):
            module.forward = lambda x: x  # type: ignore[method-assign]  # its statistics see the whole image
    image = torch.rand(1, 3, 128, 128)
    with torch.inference_mode():
        a, b = network(image), network(image.roll((4, 8), (2, 3)))
    assert torch.allclose(a[..., 56:68, 56:68], b[..., 60:72, 64:76], atol=1e-5)


def test_descriptors_are_sampled_bilinearly() -> None:
    ramp = torch.arange(5.0).expand(1, 1, 4, 5)
    uv = torch.tensor([[[0.5, 0.5], [3.5, 2.5], [2.0, 1.0]]])
    assert sample_descriptors(ramp, uv)[0, 0].tolist() == pytest.approx([0.0, 3.0, 1.5], abs=1e-6)


def test_sampler_draws_different_scenes_and_resumes_in_place() -> None:
    scenes = [0, 0, 1, 1, 2, 2]
    whole = list(StepSampler(scenes, batch=3, steps=6, seed=1))
    assert list(StepSampler(scenes, batch=3, steps=6, seed=1, first=4)) == whole[4:]
    assert all(len({scenes[index % 6] for index in batch}) == 3 for batch in whole)
    split = [list(StepSampler(scenes, batch=1, steps=6, seed=1, rank=rank, world=3)) for rank in range(3)]
    assert [[index for part in split for index in part[step]] for step in range(6)] == whole


@pytest.mark.slow
def test_training_lowers_the_loss_and_writes_a_checkpoint(tiny: Path, tmp_path: Path) -> None:
    losses: list[float] = []
    train(tiny, tmp_path / "run", _config(steps=60, jitter=0.0), progress=lambda done, loss: losses.append(loss))
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    checkpoint = load_checkpoint(tmp_path / "run")
    assert (checkpoint.config.step, checkpoint.config.p, checkpoint.config.network) == (60, math.inf, SMALL)
    assert json.loads((tmp_path / "run/checkpoint/checkpoint.json").read_text())["p"] == "inf"
    assert (tmp_path / "run/loss.png").stat().st_size > 5000


@pytest.mark.slow
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_resumed_run_gives_the_same_weights(tiny: Path, tmp_path: Path, dropout: float) -> None:
    config = _config(network=SMALL.model_copy(update={"dropout": (dropout, dropout)}))
    train(tiny, tmp_path / "whole", config)

    def stop(done: int, loss: float) -> None:
        stop.steps += done  # type: ignore[attr-defined]
        if stop.steps == 7:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    stop.steps = 0  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        train(tiny, tmp_path / "broken", config, progress=stop)
    train(tiny, tmp_path / "broken", config)
    whole, resumed = (load_file(tmp_path / name / "checkpoint/weights.safetensors") for name in ("whole", "broken"))
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_diverging_loss_raises_an_error_with_the_step(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"loss is (nan|inf) at step \d+: lower --learning-rate"):
        train(tiny, tmp_path / "run", _config(steps=200, learning_rate=1e30, p=2))


@pytest.mark.parametrize("wrong", [{"objective": "point-infonc"}, {"objective": "ucn", "options": {"margin": 1}}])
def test_unknown_objective_or_option_writes_nothing(wrong: dict[str, object], tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown"):
        train(tiny, tmp_path / "run", _config(**wrong))
    assert not list(tmp_path.iterdir())


def test_folder_of_another_run_is_rejected(tiny: Path, tmp_path: Path) -> None:
    train(tiny, tmp_path / "run", _config(steps=1))
    with pytest.raises(UserError) as refused:
        train(tiny, tmp_path / "run", _config(steps=1, seed=5, network=SMALL.model_copy(update={"channels": 9})))
    # Options by name, with both values; the number of steps may differ.
    message = "holds another run, with seed 0 instead of 5; network.channels 6 instead of 9: choose another --out"
    assert message in str(refused.value)
    with pytest.raises(UserError, match=r"with validation null instead of \{.{39}…: choose"):
        train(tiny, tmp_path / "run", _config(steps=1), validation=tiny)


def _weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "checkpoint/weights.safetensors")


def _stopped(tiny: Path, run: Path, config: TrainConfig, at: int) -> None:
    def stop(done: int, loss: float) -> None:
        steps.append(done)
        if sum(steps) == at:
            raise KeyboardInterrupt

    steps: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        train(tiny, run, config, progress=stop)


@pytest.mark.slow
def test_finished_run_can_be_extended(tiny: Path, tmp_path: Path) -> None:
    longer = _config(steps=8, jitter=0.0)
    for name in ("whole", "broken"):
        train(tiny, tmp_path / name, _config(steps=4, jitter=0.0))
    before = _weights(tmp_path / "whole")
    train(tiny, tmp_path / "whole", longer)
    _stopped(tiny, tmp_path / "broken", longer, 6)
    train(tiny, tmp_path / "broken", longer)
    whole, resumed = _weights(tmp_path / "whole"), _weights(tmp_path / "broken")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert not all(torch.equal(whole[name], before[name]) for name in whole)
    state = torch.load(tmp_path / "whole/state.pt", weights_only=True)
    assert (state["step"], len(state["losses"])) == (8, 8)
    # The four added steps have their own learning-rate cycle, which ends at 1 / (25 * 10^4) of the highest rate.
    assert state["schedule"]["total_steps"] == 5
    assert state["schedule"]["_last_lr"] == [pytest.approx(longer.learning_rate / 25e4)]
    assert json.loads((tmp_path / "whole/run.json").read_text())["earlier_steps"] == [4]
    with pytest.raises(UserError, match=r"--steps 4: the run in .* is one of 8 steps; ask for more"):
        train(tiny, tmp_path / "whole", _config(steps=4, jitter=0.0))


def test_unfinished_run_cannot_be_extended(tiny: Path, tmp_path: Path) -> None:
    _stopped(tiny, tmp_path / "run", _config(steps=4), 3)
    with pytest.raises(UserError, match="stands at step 2 of 4; finish it with --steps 4"):
        train(tiny, tmp_path / "run", _config(steps=8))


def test_training_can_start_from_another_run(tiny: Path, tmp_path: Path) -> None:
    train(tiny, tmp_path / "first", _config(steps=2, p=2))
    pixbench.train(tiny, tmp_path / "tuned", init=tmp_path / "first", steps=1, batch=2, points=32, learning_rate=1e-12, progress=False)
    first, tuned = _weights(tmp_path / "first"), _weights(tmp_path / "tuned")
    assert all(torch.allclose(first[name].float(), tuned[name].float(), atol=1e-6) for name in first if "running" not in name)
    checkpoint = load_checkpoint(tmp_path / "tuned")
    assert (checkpoint.config.network, checkpoint.config.p) == (SMALL, 2)
    assert json.loads((tmp_path / "tuned/run.json").read_text())["init"]["step"] == 2
    other = SMALL.model_copy(update={"channels": 8})
    with pytest.raises(UserError, match="its network is another one"):
        train(tiny, tmp_path / "other", _config(network=other), init=load_checkpoint(tmp_path / "first"))


def test_invalid_checkpoints_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        load_checkpoint(tmp_path / "nowhere")
    with pytest.raises(UserError, match="is not a checkpoint"):
        load_checkpoint(tmp_path)
    (tmp_path / "checkpoint.json").write_text('{"format": "pixbench-checkpoint", "format_version": 1}')
    (tmp_path / "weights.safetensors").write_text("nonsense")
    with pytest.raises(UserError, match="is not a whole checkpoint"):
        load_checkpoint(tmp_path)
    (tmp_path / "checkpoint.json").write_text('{"format": "pixbench-checkpoint", "format_version": 9}')
    with pytest.raises(UserError, match="format version 9"):
        load_checkpoint(tmp_path)


def test_batch_larger_than_the_number_of_scenes_is_rejected(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--batch 4 with 3 scenes"):
        train(tiny, tmp_path / "run", _config(batch=4))
    assert not (tmp_path / "run").exists()


def test_damaged_state_is_rejected(tiny: Path, tmp_path: Path) -> None:
    train(tiny, tmp_path / "run", _config(steps=2))
    (tmp_path / "run/state.pt").write_bytes(b"nonsense")
    with pytest.raises(UserError, match=r"state\.pt is damaged"):
        train(tiny, tmp_path / "run", _config(steps=2))


def test_paper_network_has_the_published_number_of_parameters() -> None:
    assert parameter_count(UNet(UNetConfig.model_validate("paper"))) == 993_664
    with pytest.raises(ValueError, match="unknown network 'papr': known are small, paper"):
        UNetConfig.model_validate("papr")


def test_residual_block_is_initially_the_identity() -> None:
    block = ResidualBlock(8, 0.0, joins=True)
    x, skip = torch.randn(1, 8, 6, 6), torch.randn(1, 8, 6, 6)
    assert torch.equal(block(x, skip), x)
    torch.nn.init.normal_(block.second.weight)
    assert not torch.allclose(block(x, skip), block(x, -skip))


@pytest.mark.slow
def test_validation_keeps_the_best_checkpoint_and_logs(tiny: Path, tmp_path: Path) -> None:
    train(tiny, tmp_path / "run", _config(steps=20), validation=tiny)
    state = torch.load(tmp_path / "run/state.pt", weights_only=True)
    assert list(state["validation"]) == list(range(2, 21, 2))
    best = load_checkpoint(tmp_path / "run/best")
    assert list(state["accuracy"]) == list(state["validation"])
    highest = max(state["accuracy"], key=state["accuracy"].get)
    assert best.config.step == highest
    assert best.config.training["validation_delta_avg"] == state["accuracy"][highest]
    assert load_checkpoint(tmp_path / "run").config.step == 20
    assert list((tmp_path / "run/logs").glob("**/events.out.tfevents.*"))
    curve = json.loads((tmp_path / "run/run.json").read_text())["curve"]
    assert {row["step"]: row["validation_delta_avg"] for row in curve} == state["accuracy"]
    assert curve[1]["loss"] == pytest.approx(sum(state["losses"][2:4]) / 2)
    for name in ("train_seconds", "cpu_seconds"):
        assert all(before[name] <= after[name] for before, after in zip(curve, curve[1:], strict=False))
    assert 0 < curve[-1]["cpu_seconds"] <= 1.1 * (os.cpu_count() or 1) * curve[-1]["train_seconds"]
    # The same in another run: validation is a function of the weights.
    train(tiny, tmp_path / "again", _config(steps=20), validation=tiny)
    again = torch.load(tmp_path / "again/state.pt", weights_only=True)
    assert (again["validation"], again["accuracy"]) == (state["validation"], state["accuracy"])


def test_older_runs_resume_without_cpu_seconds(tiny: Path, tmp_path: Path) -> None:
    train(tiny, tmp_path / "run", _config(steps=4))
    saved = torch.load(tmp_path / "run/state.pt", weights_only=True)
    del saved["cpu_seconds"]
    torch.save(saved, tmp_path / "run/state.pt")
    train(tiny, tmp_path / "run", _config(steps=8))
    curve = json.loads((tmp_path / "run/run.json").read_text())["curve"]
    assert curve[-1]["step"] == 8
    assert not any("cpu_seconds" in row for row in curve)


@pytest.mark.slow
def test_full_disk_raises_an_error_and_keeps_the_last_state(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = _config(steps=4)
    train(tiny, tmp_path / "whole", config)
    saves = []

    def full(state: object, path: Path) -> None:
        saves.append(path)
        if len(saves) == 3:
            path.write_bytes(b"half")
            raise RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0")
        save(state, path)

    save = torch.save
    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(UserError, match=r"run cannot be written \(\[enforce fail .*free space and run the same command again"):
        train(tiny, tmp_path / "run", config)
    assert torch.load(tmp_path / "run/state.pt", weights_only=True)["step"] == 2
    assert not list((tmp_path / "run").glob(".*tmp*"))
    monkeypatch.undo()
    train(tiny, tmp_path / "run", config)
    whole, again = (torch.load(tmp_path / run / "state.pt", weights_only=True) for run in ("whole", "run"))
    assert all(torch.equal(whole["network"][name], again["network"][name]) for name in whole["network"])


@pytest.mark.parametrize("threads", [1, 2])
def test_network_is_accurate_in_single_precision(threads: int) -> None:
    # Images with large uniform regions, as rooms have: variances far below the squared means.
    image = torch.rand(1, 3, 4, 6).repeat_interleave(16, 2).repeat_interleave(16, 3) * 0.02 + 0.8
    network = UNet(UNetConfig(widths=(16, 32), blocks=(1, 1), heads=0)).eval()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            single = network(image)
            exact = copy.deepcopy(network).double()(image.double())
            batch = network(image.expand(5, -1, -1, -1))
    finally:
        torch.set_num_threads(before)
    spread = float(exact.std())
    assert float((single - exact).abs().max()) < 2e-3 * spread
    assert float((single - batch).abs().max()) < 2e-3 * spread
