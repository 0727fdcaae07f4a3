"""The data manifest: every external data set and asset pack, where it comes from, and under which licence."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..errors import unknown_name
from .paths import pack_folder

MANIFEST = Path(__file__).with_name("data_manifest.yaml")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PackageSource(_Strict):
    """A package of a registry, downloaded with the registry's own client and its settings on this machine."""

    kind: Literal["debian", "npm", "pypi"]
    package: str
    version: str


class UrlSource(_Strict):
    """A file at an address."""

    kind: Literal["url"]
    url: str


class OwnSource(_Strict):
    """The user's own copy, for data whose licence does not allow automatic download."""

    kind: Literal["own"]


class Pack(_Strict):
    """An entry of the manifest. `sha256` is that of the file that is fetched, None for the user's own copy."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: str
    role: Literal["objects", "rooms", "digits", "photos", "weights"]
    licence: str
    citation: str
    source: Annotated[PackageSource | UrlSource | OwnSource, Field(discriminator="kind")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    splits: str | None

    @model_validator(mode="after")
    def _fetched_is_hashed(self) -> "Pack":
        if (self.source.kind == "own") != (self.sha256 is None):
            raise ValueError(f"{self.name}: what is fetched has a sha256, the user's own copy has none")
        return self

    @property
    def place(self) -> str:
        """Where it is on this machine, as text."""
        if self.source.kind == "own":
            return "user's own copy"
        folder = pack_folder(self.name)
        return str(folder) if folder.is_dir() else "not fetched"


class DataManifest(_Strict):
    """The manifest's file."""

    format: Literal["pixbench-data-manifest"]
    format_version: Literal[2]
    entries: tuple[Pack, ...]


@cache
def packs() -> Sequence[Pack]:
    """All entries of the manifest that comes with this version."""
    return DataManifest.model_validate(yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))).entries


def pack_named(name: str) -> Pack:
    """The entry of a name. Raises UserError with a suggestion for an unknown name."""
    for pack in packs():
        if pack.name == name:
            return pack
    raise unknown_name("asset pack", name, [pack.name for pack in packs()])
