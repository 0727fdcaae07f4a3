"""Suites: fixed test sets, made when first needed, cached, and verified before use."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError, VerificationError
from ..generation import generate
from ..registry import GENERATORS
from ..shards.manifest import MANIFEST, Recipe, read_manifest
from ..shards.verify import verify


@dataclass(frozen=True)
class Suite:
    """A named test set: a generator and its whole configuration."""

    name: str
    title: str
    generator: str
    config: dict[str, Any]

    def recipe(self) -> Recipe:
        """What decides the suite's contents."""
        generator = GENERATORS.get(self.generator)
        config = generator.config_type(**self.config)
        return Recipe(generator=self.generator, generator_version=generator.version, config=config.model_dump(mode="json"))

    def folder(self, cache: Path) -> Path:
        """Where the suite lies in a cache; another recipe lies elsewhere."""
        return cache / "suites" / f"{self.name}-{self.recipe().sha256()[:12]}"

    def ensure(self, cache: Path, *, workers: int, progress: Callable[[int], None] = lambda done: None) -> Path:
        """The suite's folder, made and verified if it is not there yet."""
        folder = self.folder(cache)
        marker = folder / ".verified"
        if marker.exists() and (folder / MANIFEST).exists() and read_manifest(folder).content_sha256() == marker.read_text():
            return folder
        config = GENERATORS.get(self.generator).config_type(**self.config)
        manifest = generate(self.generator, config, folder, workers=workers, progress=progress)
        try:
            verify(folder)
        except VerificationError as error:
            raise UserError(
                f"the cached suite '{self.name}' is damaged ({str(error).splitlines()[0]}): remove {folder} and run again"
            ) from None
        marker.write_text(manifest.content_sha256())
        return folder
