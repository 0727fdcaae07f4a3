"""A working model to start from, and its test."""

import re
from pathlib import Path

from ..errors import UserError
from ..io.files import write_whole

TEMPLATE = '''"""{title}: a model for `pixbench evaluate --model {name}:build --trust-code`."""

import torch
from torch import nn


class {title}(nn.Module):
    """Images (B, 3, H, W) in [0, 1] to descriptors (B, D, h, w); coarser ones are enlarged to the image's size."""

    p = "cosine"  # how descriptors are compared: 1, 2, float("inf") or "cosine"

    def __init__(self):
        super().__init__()
        # Replace this: differences of blurred greys at six scales stand for your network.
        self.sizes = (3, 5, 9, 17, 33, 65)

    def forward(self, images):
        grey = images.mean(dim=1, keepdim=True)
        blurred = [grey, *(nn.functional.avg_pool2d(grey, k, 1, k // 2, count_include_pad=False) for k in self.sizes)]
        return torch.cat([a - b for a, b in zip(blurred[:-1], blurred[1:])], dim=1)


def build():
    """Load your weights here."""
    return {title}()
'''

TEST = '''"""Run with pytest: the model gives what PixBench expects, and finds a point again in a picture that only moved."""

import torch
from {name} import build


def test_a_descriptor_for_every_cell():
    with torch.inference_mode():
        descriptors = build().eval()(torch.rand(2, 3, 64, 96))
    assert descriptors.ndim == 4 and len(descriptors) == 2
    assert torch.isfinite(descriptors).all()


def test_a_shift_is_found():
    big = torch.nn.functional.avg_pool2d(torch.rand(1, 3, 90, 90, generator=torch.Generator().manual_seed(0)), 3, 1, 1)
    a, b = big[..., 4:84, 4:84], big[..., 0:80, 2:82]  # b's pixel (x + 2, y + 4) is a's (x, y)
    with torch.inference_mode():
        f_a, f_b = (nn_input[0] for nn_input in (build().eval()(a), build().eval()(b)))
    scale = 80 // f_b.shape[-1]
    query = f_a[:, 40 // scale, 40 // scale]
    similarity = torch.nn.functional.cosine_similarity(f_b.flatten(1), query[:, None], dim=0)
    row, column = divmod(int(similarity.argmax()), f_b.shape[-1])
    assert abs(row * scale - 44) <= scale and abs(column * scale - 42) <= scale
'''


def write_model(name: str, folder: Path) -> list[Path]:
    """Write NAME.py and test_NAME.py. Raises UserError if NAME is not a Python name, and if one of the files exists."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UserError(f"model name {name}: expected a Python name in lower case, such as my_model")
    files = {folder / f"{name}.py": TEMPLATE, folder / f"test_{name}.py": TEST}
    for path in files:
        if path.exists():
            raise UserError(f"{path} is there already: choose another name, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        write_whole(path, text.replace("{name}", name).replace("{title}", name.title().replace("_", "")))
    return list(files)
