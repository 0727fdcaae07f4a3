"""A generation job: everything that a worker needs to generate any shard of a data set."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..dataset.manifest import Recipe
from ..dataset.writer import SceneToWrite, write_shard
from ..errors import VerificationError
from .protocol import GENERATORS, Generator, GeneratorConfig, scene_name

_kept: dict[str, Generator] = {}
"""The generator that this process used last; reused for the next shard, because it caches models that are slow to load."""


def recipe_of(generator_name: str, config: GeneratorConfig) -> Recipe:
    """The recipe of a data set: generator, configuration and version."""
    return Recipe(
        generator=generator_name,
        generator_version=GENERATORS.get(generator_name).version,
        config=config.model_dump(mode="json"),
    )


@dataclass(frozen=True)
class Job:
    """A data set to be made in `folder`. Sent to workers, which find the generator by its registered name."""

    generator: str
    config: GeneratorConfig
    folder: Path

    @property
    def shards(self) -> range:
        """The numbers of all shards."""
        return range(-(-self.config.scenes // self.config.scenes_per_shard))

    def recipe(self) -> Recipe:
        """The recipe of the data set."""
        return recipe_of(self.generator, self.config)

    def path(self, shard: int) -> Path:
        """The file of a shard."""
        return self.folder / "shards" / f"{shard:05d}.h5"

    def scenes(self, shard: int) -> range:
        """The indices of the scenes in a shard."""
        first = shard * self.config.scenes_per_shard
        return range(first, min(first + self.config.scenes_per_shard, self.config.scenes))

    def scene_names(self, shard: int) -> list[str]:
        """The names of the scenes in a shard."""
        return [scene_name(index) for index in self.scenes(shard)]

    def make(self, shard: int, progress: Callable[[int], None]) -> None:
        """Make one shard; `progress` is called with 1 after each scene. The file appears under its name when it is complete."""
        write_shard(self.path(shard), self._made(shard, progress), compression=self.config.compression)

    def _made(self, shard: int, progress: Callable[[int], None]) -> Iterator[SceneToWrite]:
        generator = self._opened()
        for index in self.scenes(shard):
            made = generator.scene(index)
            failures = made.self_test.failures()
            if failures:
                raise VerificationError(f"scene {index} fails its self-test, so the set is not made: {'; '.join(failures)}")
            yield scene_name(index), made.arrays, made.self_test, {**self.recipe().model_dump(), "scene": index, **made.recipe}
            progress(1)

    def _opened(self) -> Generator:
        key = f"{self.generator} {self.config.model_dump_json()} {sorted(self.config.locations.items())}"
        if key not in _kept:
            _kept.clear()
            _kept[key] = GENERATORS.get(self.generator)(self.config)
        return _kept[key]
