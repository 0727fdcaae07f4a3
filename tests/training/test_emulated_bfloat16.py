from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from pixbench.models.unet import UNetConfig
from pixbench.training import precision
from pixbench.training.config import TrainConfig
from pixbench.training.precision import BFLOAT16, EmulatedBfloat16, RoundedOperands, cpu_lacks_bfloat16
from pixbench.training.train import train

LAYERS = {
    "convolution": (lambda: nn.Conv2d(8, 6, 3, padding=1), (2, 8, 5, 7)),
    "strided convolution without bias": (lambda: nn.Conv2d(8, 6, 3, stride=2, bias=False), (2, 8, 9, 7)),
    "linear": (lambda: nn.Linear(8, 6), (4, 8)),
}


def _rounded(value: Tensor) -> Tensor:
    return value.bfloat16().double()


@pytest.mark.parametrize("kind", LAYERS)
def test_emulated_values_and_gradients_are_those_of_rounded_operands(kind: str) -> None:
    make, shape = LAYERS[kind]
    torch.manual_seed(3)
    layer, image = make(), torch.randn(shape, requires_grad=True)
    exact, exact_image = deepcopy(layer).double(), _rounded(image).detach().requires_grad_()
    for parameter in exact.parameters():
        parameter.data = _rounded(parameter.data)
    with EmulatedBfloat16().forward_context():
        out = layer(image)
    exact_out = exact(exact_image)
    received = torch.randn(out.shape).bfloat16()
    out.backward(received)
    exact_out.backward(received.double())
    assert (out.dtype, image.grad.dtype) == (torch.bfloat16, torch.float32)
    ours_all = [out, image.grad, *(parameter.grad for parameter in layer.parameters())]
    exact_all = [exact_out, exact_image.grad, *(parameter.grad for parameter in exact.parameters())]
    for ours, theirs in zip(ours_all, exact_all, strict=True):
        # Rounded once, to eight bits, from a sum in float32.
        torch.testing.assert_close(ours.double(), theirs, rtol=2**-8, atol=1e-5)
        assert torch.equal(ours.float(), ours.bfloat16().float())


def test_products_are_those_of_rounded_operands() -> None:
    # 1 + 2^-9 rounds to 1, and 1 + 2^-7 is a bfloat16 number: the product is 1 + 2^-7 and not 1 + 2^-7 + 2^-9.
    image, weight = torch.full((1, 1, 1, 1), 1 + 2**-9), torch.full((1, 1, 1, 1), 1 + 2**-7)
    with RoundedOperands():
        results = [
            functional.conv2d(image, weight),
            functional.linear(image, weight[0, 0]),
            image[0, 0] @ weight[0, 0],
            torch.matmul(image[0, 0], weight[0, 0]),
            torch.bmm(image[0], weight[0]),
        ]
        unrounded = image * weight
    assert [float(result) for result in results] == [1 + 2**-7] * 5
    assert {result.dtype for result in results} == {torch.bfloat16}
    assert (float(unrounded), unrounded.dtype) == ((1 + 2**-9) * (1 + 2**-7), torch.float32)


def test_training_without_bfloat16_hardware_emulates_it(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    config = TrainConfig(steps=4, batch=2, points=32, network=UNetConfig(widths=(8,), blocks=(1,), channels=4))
    losses = {}
    for name, lacks in (("emulated", True), ("torch", False)):
        monkeypatch.setattr(precision, "cpu_lacks_bfloat16", lambda lacks=lacks: lacks)
        train(tiny, tmp_path / name, config, accelerator="cpu", precision=BFLOAT16, threads=1)
        losses[name] = torch.load(tmp_path / name / "state.pt", weights_only=True)["losses"]
    # Later losses amplify the rounding of the first steps.
    assert losses["emulated"] != losses["torch"]
    assert losses["emulated"][0] == pytest.approx(losses["torch"][0], rel=1e-4)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("pixbench")]
    assert ours == [
        "precision bf16-mixed: this CPU lacks instructions for it: operands are rounded, and multiplied in float32, slower than 32-true"
    ]


def test_only_cpus_without_any_bfloat16_instructions_lack_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for tiles, vectors, lacks in ((False, False, True), (True, True, False), (False, True, False)):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda tiles=tiles: tiles)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda vectors=vectors: vectors)
        assert cpu_lacks_bfloat16() is lacks
