from dataclasses import replace
from pathlib import Path

import pytest

from pixbench.dataset.manifest import read_manifest
from pixbench.errors import UserError
from pixbench.evaluation.suite import SUITES, Opening


def test_a_suite_that_came_out_otherwise_is_refused(tmp_path: Path) -> None:
    from pixbench.evaluation.suite import GeneratedSuite

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


def test_suites_of_the_users_own_copies_ask_for_them(tmp_path: Path) -> None:
    opening = Opening(tmp_path)
    with pytest.raises(UserError, match="give --objects shapenet:PATH --rooms scenenn:PATH"):
        SUITES.get("shapenet-scenenn").open(opening)
    with pytest.raises(UserError, match="suite mini is fixed: --rooms cannot change it"):
        SUITES.get("mini").open(Opening(tmp_path, sources={"rooms": ("scenenn:x",)}))


def test_a_fingerprint_holds_within_a_part_in_a_thousand() -> None:
    suite = replace(SUITES.get("mini"), fingerprint={"visible": 1000.0, "queries": 50.0})
    suite.check_fingerprint({"visible": 1000.9})
    suite.check_fingerprint({"not measured before": 7.0})
    with pytest.raises(UserError, match=r"visible is 1001\.1, published 1000, tolerance 0\.1%"):
        suite.check_fingerprint({"visible": 1001.1, "queries": 50.0})


def test_another_recipe_lies_in_another_folder(tmp_path: Path) -> None:
    suite = SUITES.get("mini")
    other = replace(suite, config={**suite.config, "seed": 1})
    assert suite.folder(tmp_path) == suite.folder(tmp_path)
    assert suite.folder(tmp_path) != other.folder(tmp_path)
    assert suite.folder(tmp_path).parent == tmp_path / "suites"


def test_sources_of_a_fixed_suite_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="suite mini is fixed: --rooms cannot change it"):
        SUITES.get("mini").open(Opening(tmp_path, sources={"rooms": ["scenenn:x"]}))
