"""Suites: fixed test sets, each with a version, made or fetched when first needed, cached, and verified before use."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ..dataset.manifest import MANIFEST, Recipe, read_manifest
from ..dataset.verify import verify
from ..errors import UserError, VerificationError
from ..generation import generate
from ..generation.protocol import GENERATORS
from ..io.lock import locked
from ..registry import Registry
from .matching.levels.drawn_pairs import DrawnPairs
from .matching.levels.level import Level
from .matching.pairs import DatasetPairs, EvaluationPairs

FINGERPRINT_TOLERANCE = 1e-3
"""Largest relative difference between the self-test of a set generated here and the published one."""

STRIDE = 4
"""Every fourth pixel of every fourth row is a query, where a suite does not say otherwise."""


@dataclass(frozen=True)
class Opening:
    """Settings to open a suite: cache folder, worker processes, the user's own copies of data, assets of a training set."""

    cache: Path
    workers: int = 1
    sources: Mapping[str, Any] = field(default_factory=dict)
    trained_on: Collection[str] | None = None


@dataclass(frozen=True)
class Suite(ABC):
    """A named, versioned test set of an evaluation task: any change that affects scores is a new version."""

    name: str
    title: str
    version: int
    task: ClassVar[str] = "matching"

    superseded: bool = field(default=False, kw_only=True)
    """Whether a later version uses the name; this one is then registered as NAME-vVERSION."""

    @property
    def full_name(self) -> str:
        """Name and version, as in records."""
        return f"{self.name} v{self.version}"

    @property
    def key(self) -> str:
        """Name in the registry, and of the folder of results."""
        return f"{self.name}-v{self.version}" if self.superseded else self.name

    @property
    def work(self) -> int:
        """Number of progress steps of opening."""
        return 0


SUITES: Registry[Any] = Registry("suite", "pixbench.suites")


def find_suite(name: str, version: int) -> Any:
    """The suite of a record, of an earlier version too. Raises UserError if it is not known here."""
    for key in (name, f"{name}-v{version}"):
        if key in SUITES.names() and SUITES.get(key).version == version:
            return SUITES.get(key)
    here = f"version {SUITES.get(name).version}" if name in SUITES.names() else "not known"
    raise UserError(f"suite '{name}' is version {version}, here it is {here}: run 'pixbench evaluate' again")


class MatchingSuite(Suite):
    """A suite of pairs."""

    @abstractmethod
    def open(self, opening: Opening, progress: Callable[[int], None] = lambda done: None) -> EvaluationPairs:
        """Open the pairs. Raises UserError if data are missing, with advice on how to get them."""

    def pairs_of(self, folder: Path, trained_on: Collection[str] | None = None) -> EvaluationPairs:
        """The pairs of a copy of the suite's data set. Raises UserError if the suite is not made from a data set."""
        raise UserError(f"{folder}: suite {self.name} is not made from a data set; leave it out")


@dataclass(frozen=True)
class GeneratedSuite(MatchingSuite):
    """A generator and its whole configuration.

    `own` names the sources that only the user has, such as rooms; each is an option. With `levels`, `per_level` pairs of each are drawn,
    and the others are not scored. `fingerprint` holds numbers of the published set's self-test, and the number of `queries` of the drawn
    pairs: between processors the last bits of floats differ, but a pixel in a thousand does not change its status.
    """

    generator: str
    config: dict[str, Any]
    query_stride: int = STRIDE
    own: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    per_level: int = 0
    fingerprint: Mapping[str, float] = field(default_factory=dict)

    @property
    def work(self) -> int:
        """Scenes."""
        return int(self.config["scenes"])

    def recipe(self, sources: Mapping[str, Any] | None = None) -> Recipe:
        """The recipe that determines the suite's contents."""
        generator = GENERATORS.get(self.generator)
        config = generator.config_type(**{**self.config, **(sources or {})})
        return Recipe(generator=self.generator, generator_version=generator.version, config=config.model_dump(mode="json"))

    def folder(self, cache: Path, sources: Mapping[str, Any] | None = None) -> Path:
        """The suite's folder in a cache; its name contains the hash of the recipe."""
        return cache / "suites" / f"{self.name}-{self.recipe(sources).sha256()[:12]}"

    def ensure(
        self,
        cache: Path,
        *,
        workers: int,
        sources: Mapping[str, Any] | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Path:
        """The suite's folder, made and verified if it is not there yet."""
        folder = self.folder(cache, sources)
        with locked(folder.parent, f".{folder.name}.lock", wait=True):
            return self._ensured(folder, workers, sources, progress)

    def _ensured(self, folder: Path, workers: int, sources: Mapping[str, Any] | None, progress: Callable[[int], None]) -> Path:
        marker = folder / ".verified"
        if marker.exists() and (folder / MANIFEST).exists() and read_manifest(folder).content_sha256() == marker.read_text():
            return folder
        config = GENERATORS.get(self.generator).config_type(**{**self.config, **(sources or {})})
        manifest = generate(self.generator, config, folder, workers=workers, progress=progress)
        try:
            verify(folder)
        except VerificationError as error:
            raise UserError(
                f"the cached suite '{self.name}' is damaged ({str(error).splitlines()[0]}): remove {folder} and run again"
            ) from None
        self.check_fingerprint(manifest.self_test)
        marker.write_text(manifest.content_sha256())
        return folder

    def check_fingerprint(self, measured: Mapping[str, float]) -> None:
        """Raises UserError if the set generated here differs from the published one by more than the tolerance."""
        for name in self.fingerprint.keys() & measured.keys():
            published, found = self.fingerprint[name], float(measured[name])
            if abs(found - published) > FINGERPRINT_TOLERANCE * abs(published):
                raise UserError(
                    f"suite {self.name} differs on this machine from the published one: {name} is {found:g}, published {published:g}, "
                    f"tolerance {FINGERPRINT_TOLERANCE:.1%}; scores on it could not be compared: install the versions of constraints.txt"
                )

    def open(self, opening: Opening, progress: Callable[[int], None] = lambda done: None) -> EvaluationPairs:
        """See MatchingSuite."""
        missing = [name for name in self.own if name not in opening.sources]
        if missing:
            wanted = " ".join(f"--{name} {self.config[name][0]}:PATH" for name in self.own)
            raise UserError(f"suite {self.name} is made from your own copies: give {wanted}")
        unwanted = [name for name in opening.sources if name not in self.own]
        if unwanted:
            raise UserError(f"suite {self.name} is fixed: --{unwanted[0]} cannot change it; leave it out, or use 'pixbench generate'")
        folder = self.ensure(opening.cache, workers=opening.workers, sources=opening.sources, progress=progress)
        return self.pairs_of(folder, opening.trained_on)

    def pairs_of(self, folder: Path, trained_on: Collection[str] | None = None) -> EvaluationPairs:
        """See MatchingSuite. Raises UserError if the queries are not the published ones."""
        if not self.levels:
            return DatasetPairs(folder, self.full_name, self.query_stride, trained_on)
        pairs = DrawnPairs(folder, self.full_name, self.query_stride, self.levels, self.per_level, trained_on)
        self.check_fingerprint({"queries": pairs.count})
        return pairs
