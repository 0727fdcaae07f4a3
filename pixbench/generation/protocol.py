"""The protocol of generators: a configuration, and a pure function from scene index to scene."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ..dataset.compression import Compression
from ..geometry.selftest_result import SelfTest
from ..registry import Registry

SPLITS = ("train", "val", "test")


class GeneratorConfig(BaseModel):
    """Options that all generators share. `size` is width and height in pixels.

    `locations` says where the user's own data lies on this machine, by the source's name. It does not affect the contents, which are
    identified by the hashes of the assets, so it is stored in no recipe and no file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    split: Literal["train", "val", "test"] = "train"
    scenes: int = Field(24, ge=1, le=10_000_000)
    views: int = Field(4, ge=2, le=16)
    size: int = Field(256, ge=16, le=4096)
    seed: int = Field(0, ge=0, lt=2**63)
    scenes_per_shard: int = Field(4, ge=1)
    compression: Compression = "gzip"
    locations: dict[str, str] = Field(default_factory=dict, exclude=True)

    @field_validator("locations")
    @classmethod
    def _absolute(cls, locations: dict[str, str]) -> dict[str, str]:
        # Workers start in folders of their own.
        return {source: os.path.abspath(os.path.expanduser(place)) for source, place in locations.items()}

    def rng(self, scene: int, purpose: int) -> np.random.Generator:
        """The random generator of one scene for one purpose, independent of all other scenes and purposes."""
        key = (SPLITS.index(self.split), scene, purpose)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


@dataclass(frozen=True, eq=False)
class MadeScene:
    """A generated scene: the arrays of the schema, its self-test, and its recipe."""

    arrays: Mapping[str, np.ndarray]
    self_test: SelfTest
    recipe: Mapping[str, Any]


@runtime_checkable
class Generator(Protocol):
    """A pure function of configuration and scene index. A change of its output is a new `version`."""

    version: int
    config_type: type[GeneratorConfig]

    def __init__(self, config: Any): ...

    def scene(self, index: int) -> MadeScene:
        """Make scene number `index`."""
        ...


GENERATORS: Registry[type[Generator]] = Registry("generator", "pixbench.generators")


@runtime_checkable
class HasAssets(Protocol):
    """Optional protocol of generators whose assets may differ between machines."""

    def asset_hashes(self, ids: Sequence[str]) -> dict[str, str | None]:
        """The sha256 of each asset as it is on this machine; None: it is not there."""
        ...


def scene_name(index: int) -> str:
    """The name of a scene's group."""
    return f"{index:06d}"
