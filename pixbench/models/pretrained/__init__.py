"""Models whose weights ship with the package: `pretrained:NAME` is the checkpoint in the folder NAME beside this file.

A folder holds `checkpoint.json` and `weights.safetensors`, the learning curve in `curve.json`, and `README.md` with the data's recipe, the
licence and the command that trained it. A folder that is added here is found without further changes.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from ...errors import UserError, unknown_name
from ..files import CONFIG, WEIGHTS

FOLDER = Path(__file__).parent
DEFAULT = "rooms-infonce"
"""The default model of `pixbench match` and `describe`."""

SCALES: Mapping[str, tuple[float, ...]] = {"rooms": (0.5, 0.7, 1.0, 1.4), "rooms-infonce": (0.5, 0.7, 1.0, 1.4)}
"""Half octaves at which these models describe an image, chosen on validation rooms (see the page on evaluation); others at its own size."""


def pretrained_names() -> list[str]:
    """Names of the models that ship, sorted."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{CONFIG}") if (path.parent / WEIGHTS).is_file())


def pretrained_folder(name: str) -> Path:
    """The checkpoint folder of a model that ships. Raises UserError for another name, with the nearest one."""
    names = pretrained_names()
    if name not in names:
        raise unknown_name("pretrained model", name, names)
    return FOLDER / name


def pretrained_title(name: str) -> str:
    """One line about a model: network size, norm, objective and steps, from its checkpoint."""
    config = json.loads((pretrained_folder(name) / CONFIG).read_text(encoding="utf-8"))
    training = config["training"]
    p = {"cosine": "cosine", "inf": "l-inf"}.get(str(config["p"]), f"l{config['p']}")
    settings = training.get("config", {})
    objective = f", objective {settings['objective']}" if "objective" in settings else ""
    size = f", {training['parameters']:,} parameters" if "parameters" in training else ""
    return f"{config['network']['channels']} channels in {p}{objective}, {config['step']:,} steps{size}"


def default_model() -> str:
    """The default of `--model`. Raises UserError if the default model does not ship."""
    if DEFAULT not in pretrained_names():
        raise UserError("no pretrained model ships with this version: give --model with a run of 'pixbench train', or baseline:dense-sift")
    return f"pretrained:{DEFAULT}"
