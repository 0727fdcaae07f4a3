"""PixBench: images with proved pixel correspondences, per-pixel descriptors, and an honest table.

`pixbench.match`, `pixbench.train` and the other names below are imported when they are first used, so that `import pixbench` and
`pixbench --help` answer at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import losses
    from .dataset.reader import Dataset
    from .evaluation.matching.evaluate import evaluate
    from .geometry.cameras import Camera
    from .inference.describe import describe
    from .inference.match import match
    from .models.loading import load_model
    from .training.pairs import PairDataset
    from .training.train import train

__version__ = "0.1.0"

__all__ = ["Camera", "Dataset", "PairDataset", "describe", "evaluate", "load_model", "losses", "match", "train"]

_HOMES = {
    "Camera": "geometry.cameras",
    "Dataset": "dataset.reader",
    "PairDataset": "training.pairs",
    "describe": "inference.describe",
    "evaluate": "evaluation.matching.evaluate",
    "load_model": "models.loading",
    "match": "inference.match",
    "train": "training.train",
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
