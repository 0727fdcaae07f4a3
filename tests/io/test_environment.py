"""Hardware and versions in records."""

from importlib.metadata import version

import torch

from pixbench.io.environment import environment


def test_a_model_on_the_cpu_of_a_machine_with_a_gpu(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=None: "some GPU")
    assert environment("cpu")["device"] == "cpu"
    assert environment("cuda:0")["device"] == environment()["device"] == "some GPU"


def test_libraries_that_compute_scores_are_named() -> None:
    found = environment("cpu")
    assert found["poselib"] == version("poselib")
    assert found["scipy"] == version("scipy")
    assert found["processor"]
