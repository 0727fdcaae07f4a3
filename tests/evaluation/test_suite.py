from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pixbench.dataset.manifest import Manifest, read_manifest
from pixbench.errors import UserError
from pixbench.evaluation.matching.levels.drawn_pairs import DrawnPairs
from pixbench.evaluation.matching.levels.level import Level
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.suite import SUITES, GeneratedSuite, Opening, Suite, find_suite


def test_suite_that_differs_from_its_fingerprint_is_rejected(tmp_path: Path) -> None:
    config = {"split": "test", "scenes": 1, "views": 2, "size": 32, "seed": 5, "scenes_per_shard": 1}
    made = GeneratedSuite("small", "", 1, "3d", config)
    found = read_manifest(made.ensure(tmp_path, workers=1)).self_test["visible"]
    for published, fits in ((found, True), (found * 1.0005, True), (found * 1.01, False)):
        suite = GeneratedSuite("small", "", 1, "3d", config, fingerprint={"visible": published})
        if fits:
            suite.check_fingerprint(read_manifest(made.folder(tmp_path)).self_test)
        else:
            with pytest.raises(UserError, match="suite small differs on this machine from the published one: visible is"):
                suite.check_fingerprint(read_manifest(made.folder(tmp_path)).self_test)


def test_suites_that_need_user_data_ask_for_it(tmp_path: Path) -> None:
    opening = Opening(tmp_path)
    with pytest.raises(UserError, match="give --objects shapenet:PATH --rooms scenenn:PATH"):
        SUITES.get("shapenet-scenenn").open(opening)
    with pytest.raises(UserError, match="suite mini is fixed: --rooms cannot change it"):
        SUITES.get("mini").open(Opening(tmp_path, sources={"rooms": ("scenenn:x",)}))


def test_fingerprint_tolerance_is_one_per_thousand() -> None:
    suite = replace(SUITES.get("mini"), fingerprint={"visible": 1000.0, "queries": 50.0})
    suite.check_fingerprint({"visible": 1000.9})
    suite.check_fingerprint({"not measured before": 7.0})
    with pytest.raises(UserError, match=r"visible is 1001\.1, published 1000, tolerance 0\.1%"):
        suite.check_fingerprint({"visible": 1001.1, "queries": 50.0})


def test_folder_depends_on_the_recipe(tmp_path: Path) -> None:
    suite = SUITES.get("mini")
    other = replace(suite, config={**suite.config, "seed": 1})
    assert suite.folder(tmp_path) == suite.folder(tmp_path)
    assert suite.folder(tmp_path) != other.folder(tmp_path)
    assert suite.folder(tmp_path).parent == tmp_path / "suites"


def test_sources_of_a_fixed_suite_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="suite mini is fixed: --rooms cannot change it"):
        SUITES.get("mini").open(Opening(tmp_path, sources={"rooms": ["scenenn:x"]}))


@dataclass(frozen=True)
class Plain(Suite):
    """A suite of nothing."""

    task: ClassVar[str] = "nothing"


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> dict[int, Plain]:
    """A suite of three versions, registered by their keys; the second is missing."""
    made = {version: Plain("plain", "", version, superseded=version < 3) for version in (1, 3)}
    for suite in made.values():
        monkeypatch.setitem(SUITES._added, suite.key, suite)
    return made


def test_find_suite_returns_the_requested_version(versions: dict[int, Plain]) -> None:
    assert (versions[1].key, versions[1].full_name, versions[1].work) == ("plain-v1", "plain v1", 0)
    assert (versions[3].key, versions[3].full_name) == ("plain", "plain v3")
    assert {version: find_suite("plain", version) for version in (1, 3)} == versions
    with pytest.raises(UserError, match="suite 'plain' is version 2, here it is version 3"):
        find_suite("plain", 2)
    with pytest.raises(UserError, match="suite 'plane' is version 1, here it is not known"):
        find_suite("plane", 1)


def test_fingerprint_tolerance_is_two_sided() -> None:
    suite = replace(SUITES.get("mini"), fingerprint={"depth": -2.0})
    for found in (-2.0019, -1.9981):
        suite.check_fingerprint({"depth": found})
    for found in (-2.0021, -1.9979, 2.0):
        with pytest.raises(UserError, match="depth is"):
            suite.check_fingerprint({"depth": found})


def test_data_set_is_generated_once_and_again_after_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = GeneratedSuite("small", "", 1, "3d", {"split": "test", "scenes": 1, "views": 2, "size": 32, "seed": 5})
    assert suite.work == 1
    steps: list[int] = []
    folder = suite.ensure(tmp_path, workers=1, progress=steps.append)
    assert sum(steps) == 1
    assert folder == suite.folder(tmp_path)
    again: list[Path] = []

    def left_as_it_is(generator: str, config: Any, folder: Path, **_: Any) -> Manifest:
        again.append(folder)
        return read_manifest(folder)

    monkeypatch.setattr("pixbench.evaluation.suite.generate", left_as_it_is)
    assert suite.ensure(tmp_path, workers=1) == folder
    assert again == []
    (folder / ".verified").write_text("of another set")
    assert suite.ensure(tmp_path, workers=1) == folder
    assert again == [folder]
    assert (folder / ".verified").read_text() == read_manifest(folder).content_sha256()
    shard = next(folder.rglob("*.h5"))
    shard.write_bytes(shard.read_bytes()[:-1])
    (folder / ".verified").unlink()
    with pytest.raises(UserError, match=f"the cached suite 'small' is damaged .*: remove {folder} and run again"):
        suite.ensure(tmp_path, workers=1)


def test_suite_with_levels_draws_pairs_and_checks_the_query_count(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def ensured(suite: GeneratedSuite, cache: Path, **options: Any) -> Path:
        asked.append(options)
        return tiny

    monkeypatch.setattr(GeneratedSuite, "ensure", ensured)
    plain = GeneratedSuite("small", "", 3, "3d", {"scenes": 3}, query_stride=6, own=("rooms",))
    opening = Opening(tmp_path, workers=2, sources={"rooms": ["scenenn:x"]})
    pairs = plain.open(opening)
    assert (type(pairs), pairs.query_stride, pairs.identity.suite) == (DatasetPairs, 6, "small v3")
    assert (asked[0]["workers"], asked[0]["sources"]) == (2, {"rooms": ["scenenn:x"]})
    drawn = replace(plain, levels=(Level("easy", (0, 180), 0.05, 9, 99),), per_level=2)
    pairs = drawn.open(opening)
    assert isinstance(pairs, DrawnPairs)
    assert (sum(map(len, pairs.groups())), pairs.query_stride) == (2, 6)
    replace(drawn, fingerprint={"queries": pairs.count}).open(opening)
    with pytest.raises(UserError, match=f"queries is {pairs.count:g}, published {pairs.count + 5:g}"):
        replace(drawn, fingerprint={"queries": pairs.count + 5}).open(opening)
