"""PixBench: images whose pixel correspondences are known exactly, descriptors for each pixel, and a leaderboard.

From data to matched photographs:

    import pixbench

    ds = pixbench.load("data/train")  # what `pixbench generate 3d --out data/train` wrote
    pair = ds[0]  # image_a, image_b (3, H, W); uv_b (H, W, 2) in pixels; visible (H, W)
    pixbench.show(pair)  # a matplotlib figure
    model = pixbench.train(ds, steps=2000)  # or: pixbench.load_model("pretrained:rooms-infonce")
    record = pixbench.evaluate(model, "mini")  # a suite's name, or a data set's folder
    print(record.value("delta_avg"))
    found = pixbench.match("a.jpg", "b.jpg", model)  # uv_a, uv_b (N, 2) in pixels
    pixbench.show(found, "a.jpg", "b.jpg")

For a training loop of your own, batches and the loss alone (help(pixbench.losses.contrastive_loss) has a whole example):

    for batch in ds.loader(batch=6):  # never two pairs of one scene in a batch
        print(batch.image_a.shape, batch.uv_b.shape)
    loss = pixbench.losses.contrastive_loss(f1, f2, index, positive, mask, p=2, between_weight=0.5)  # f1, f2 (B, D, N)

Pixel (column i, row j) has its centre at (i + 0.5, j + 0.5). Names are imported when they are first used, so that `import pixbench`
takes no time. The command line is `pixbench --help`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import losses
    from .api import evaluate, load, show, train
    from .dataset.reader import Dataset
    from .geometry.cameras import Camera
    from .inference.describe import describe
    from .inference.match import match
    from .models.loading import load_model
    from .training.data.pairs import PairDataset

__version__ = "0.1.0"

__all__ = [
    "Camera",
    "Dataset",
    "PairDataset",
    "describe",
    "evaluate",
    "load",
    "load_model",
    "losses",
    "match",
    "show",
    "train",
]

_HOMES = {
    "Camera": "geometry.cameras",
    "Dataset": "dataset.reader",
    "PairDataset": "training.data.pairs",
    "describe": "inference.describe",
    "evaluate": "api",
    "load": "api",
    "load_model": "models.loading",
    "match": "inference.match",
    "show": "api",
    "train": "api",
}


def __getattr__(name: str) -> Any:
    """Import a name of the API when it is first used."""
    if name == "losses":
        return import_module(".losses", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    value = globals()[name] = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
