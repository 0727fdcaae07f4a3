"""The options of the generator `2d`."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from pixbench.errors import unknown_name
from pixbench.generation import GeneratorConfig
from pixbench.image.homography import WARPS

from ..sources.spec import separated


class Config2D(GeneratorConfig):
    """Options of the generator `2d`: a scene is an image, a view is a warp of it.

    `pictures` is colored-mnist, or folder:PATH with PNG, JPEG, WebP, TIFF, BMP, GIF or Netpbm files. `warps` is perspective, affine,
    or turn-and-crop as in the first experiment of the paper. `jitter` is the strength of the photometric augmentation of each view (0
    for none): brightness, saturation, hue and motion blur. ColoredMNIST has further options: `digits` (mnist-5000, mnist, mnist-60000,
    idx:FOLDER, npz:FILE), their `cut` into domains (authors, irm, domainbed), and the `domain`: the training domains (id) or
    the test domain (ood).
    """

    size: int = Field(64, ge=16, le=4096)
    views: int = Field(2, ge=2, le=16)
    scenes_per_shard: int = Field(100, ge=1)
    pictures: str = "colored-mnist"
    warps: str = "perspective"
    jitter: float = Field(0.0, ge=0, le=2)
    digits: str = "mnist-5000"
    cut: str = "authors"
    domain: Literal["id", "ood"] = "id"
    tracks: int = Field(64, ge=0, le=100_000)

    @model_validator(mode="before")
    @classmethod
    def _separate(cls, values: Any) -> Any:
        """Move paths to `locations`, so that a recipe contains none."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        if isinstance(values.get("pictures"), str):
            values |= separated({**values, "pictures": [values["pictures"]]}, ("pictures",))
            values["pictures"] = values["pictures"][0]
        locations = values.get("locations", {})
        # Other locations are rejected by the validation of the configuration.
        if isinstance(values.get("digits"), str) and ":" in values["digits"] and isinstance(locations, Mapping):
            values["digits"], _, place = values["digits"].partition(":")
            values["locations"] = {**locations, "digits": place}
        return values

    @field_validator("warps")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in WARPS:
            raise unknown_name("kind of warps", name, WARPS)
        return name
