"""Reproducing data sets from recipes, with a stub generator that has assets and with the generator `3d`."""

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pixbench.cli import main
from pixbench.dataset.manifest import read_manifest
from pixbench.dataset.reader import Dataset
from pixbench.dataset.schema import FIELDS
from pixbench.errors import UserError
from pixbench.generation import GeneratorConfig, MadeScene
from pixbench.generation.protocol import GENERATORS
from pixbench.geometry.selftest_result import SelfTest

Command = Callable[..., tuple[int, str, str]]


class Shelf:
    """Stub generator: copies the scenes of another data set and reports asset files from a local folder."""

    version = 1
    config_type = GeneratorConfig
    source: Path
    brightness = 0

    def __init__(self, config: GeneratorConfig):
        self.config = config
        self.shelf = Path(config.locations["shelf"])

    def scene(self, index: int) -> MadeScene:
        dataset = Dataset(self.source)
        stored = dataset.scene(index)
        arrays = {name: stored.read(name) for name in FIELDS}
        arrays["rgb"][0, 0, 0, 0] = self.brightness
        self_test = SelfTest(**stored.json("self_test"))
        dataset.close()
        ids = [f"cup-{index}", "table"]
        recipe = {"config": self.config.model_dump(mode="json"), "assets": self.asset_hashes(ids)}
        return MadeScene(arrays, self_test, recipe)

    def asset_hashes(self, ids: Sequence[str]) -> dict[str, str | None]:
        files = {name: self.shelf / name for name in ids}
        return {name: hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else None for name, file in files.items()}


@pytest.fixture
def command(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command line in this process with the generator `shelf` registered; returns exit code, stdout and stderr."""
    monkeypatch.setitem(GENERATORS._added, "shelf", Shelf)
    monkeypatch.setattr(Shelf, "source", tiny, raising=False)
    monkeypatch.chdir(tmp_path)
    for shelf in ("here", "there"):
        (tmp_path / shelf).mkdir()
        for asset in ("cup-0", "cup-1", "cup-2", "table"):
            (tmp_path / shelf / asset).write_text(f"mesh of {asset}")

    def run(line: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pixbench", *line.split()])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return run


MAKE = "generate shelf --out data --workers 1 --scenes 3 --views 3 --size 48 --set scenes_per_shard=2 --set locations.shelf=here"
AGAIN = "generate shelf --from-recipe recipe.json --out again --workers 1 --set locations.shelf=there"


def _generate(command: Command) -> None:
    assert command(MAKE)[0] == 0
    code, output, _ = command("recipe data --out recipe.json")
    assert code == 0
    assert output.startswith("recipe.json: 2 shards, 4 assets, content ")


def _error(command: Command, line: str) -> str:
    before = sorted(Path().rglob("*"))
    code, _, errors = command(line)
    assert code == 2
    assert len(errors.strip().splitlines()) == 1, errors
    assert sorted(Path().rglob("*")) == before
    return errors


def test_recipe_reproduces_identical_shards_with_assets_elsewhere(command: Command) -> None:
    _generate(command)
    code, output, _ = command(AGAIN)
    assert code == 0
    assert output.splitlines()[-1] == "recipe: reproduced, 2 shards and 4 assets are the same to the byte"
    for shard in ("00000.h5", "00001.h5"):
        assert Path("again/shards", shard).read_bytes() == Path("data/shards", shard).read_bytes()
    assert command(AGAIN)[0] == 0


@pytest.mark.parametrize("source", ["data", "data/dataset.json"])
def test_data_set_can_be_used_as_recipe(command: Command, source: str) -> None:
    _generate(command)
    code, output, _ = command(AGAIN.replace("recipe.json", source))
    assert (code, output.splitlines()[-1][:19]) == (0, "recipe: reproduced,")


def test_local_paths_are_not_stored(command: Command, tmp_path: Path) -> None:
    _generate(command)
    for path in (*tmp_path.glob("data/**/*.*"), tmp_path / "recipe.json"):
        assert b"locations" not in path.read_bytes()
        assert str(tmp_path).encode() not in path.read_bytes()
    # A run also resumes when the assets have moved.
    Path("data/shards/00001.h5").unlink()
    assert command(MAKE.replace("shelf=here", "shelf=there"))[0] == 0


def test_missing_and_changed_assets_are_rejected_before_writing(command: Command) -> None:
    _generate(command)
    Path("there/table").write_text("another mesh")
    assert "error: asset table has sha256" in (message := _error(command, AGAIN))
    assert "(1 of 4 assets are missing or differ)" in message
    Path("there/cup-1").unlink()
    assert "error: asset cup-1 is missing (2 of 4 assets are missing or differ)" in _error(command, AGAIN)


def test_resuming_with_a_changed_asset_is_rejected(command: Command) -> None:
    _generate(command)
    Path("data/shards/00001.h5").unlink()
    Path("here/table").write_text("another mesh")
    assert "error: asset table was changed while the set was made" in command(MAKE)[2]
    # Restoring the asset and deleting the shard that was made with the changed one makes the data set valid again.
    Path("here/table").write_text("mesh of table")
    Path("data/shards/00001.h5").unlink()
    assert command(MAKE)[0] == 0
    assert command(AGAIN)[0] == 0


def test_failed_first_run_does_not_block_the_output_folder(command: Command) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shelf, "scene", _no_layout)
        assert "no layout" in command(MAKE.replace("--seed 1", "--seed 2").replace("--size 48", "--size 96"))[2]
    assert Path("data/dataset.json").exists()
    _generate(command)
    assert "holds another data set (size 48 there, 96 asked for)" in _error(command, MAKE.replace("--size 48", "--size 96"))


def _no_layout(self: Shelf, index: int) -> MadeScene:
    raise UserError(f"scene {index}: no layout")


def test_options_that_conflict_with_the_recipe_are_rejected(command: Command) -> None:
    _generate(command)
    for option in ("--split test", "--scenes 3", "--views 3", "--size 48", "--seed 0"):
        assert f"{option.split()[0]} cannot be combined with --from-recipe" in _error(command, f"{AGAIN} {option}")
    assert "--set scenes_per_shard=2 cannot be combined with --from-recipe" in _error(command, f"{AGAIN} --set scenes_per_shard=2")
    assert "recipe.json is for generator shelf, not 3d: name that one" in _error(command, AGAIN.replace("generate shelf", "generate 3d"))


def test_other_generator_version_is_rejected(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    _generate(command)
    monkeypatch.setattr(Shelf, "version", 2)
    assert "generator_version 1 in the recipe, 2 here): install the PixBench that made it (0." in _error(command, AGAIN)


def test_differing_shards_and_software_versions_are_reported(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    _generate(command)
    monkeypatch.setattr(Shelf, "brightness", 1)
    code, output, errors = command(AGAIN)
    assert code == 1
    assert "reproduced" not in output
    assert "recipe: shard 00000.h5 is not the recipe's (2 of 2 shards differ); the software that the recipe names is the same" in errors
    written = json.loads(Path("recipe.json").read_text())
    written["software"]["numpy"] = "1.0"
    Path("recipe.json").write_text(json.dumps(written))
    assert "the software differs: numpy 1.0 in the recipe, " in command(AGAIN)[2]


def test_invalid_recipes_are_rejected(command: Command) -> None:
    _generate(command)
    good = json.loads(Path("recipe.json").read_text())
    shards = {**good["shards"], "00001.h5": "0" * 64}
    for change, message in (
        ("not json", "recipe.json is not valid JSON"),
        ("[]", "expected format 'pixbench-recipe'"),
        (json.dumps({**good, "format_version": 2}), "format version 2, this PixBench reads version 1"),
        (json.dumps({**good, "colour": "red"}), "field 'colour'"),
        (json.dumps({**good, "shards": shards}), "content_sha256 is not the hash of shards"),
        (json.dumps({**good, "recipe": {**good["recipe"], "config": {"views": 1}}}), "views: input should be greater"),
        (json.dumps({**good, "recipe": {**good["recipe"], "config": {"views": 3}}}), "the recipe cannot be followed (compression None in"),
    ):
        Path("recipe.json").write_text(change)
        assert message in _error(command, AGAIN)
    assert "nowhere.json does not exist" in _error(command, AGAIN.replace("recipe.json", "nowhere.json"))


def test_unfinished_data_set_has_no_recipe(command: Command) -> None:
    _generate(command)
    raw = json.loads(Path("data/dataset.json").read_text())
    Path("data/dataset.json").write_text(json.dumps({**raw, "complete": False, "sha256": ""}))
    assert "data is not finished: only a finished data set has a recipe" in _error(command, "recipe data --out other.json")


def test_generator_3d_reproduces_its_recipe(command: Command, tiny: Path) -> None:
    assert command(f"recipe {tiny} --out recipe.json")[0] == 0
    code, output, _ = command("generate 3d --from-recipe recipe.json --out again --workers 1")
    assert code == 0
    assert "recipe: reproduced, 2 shards and " in output
    assert read_manifest(Path("again")).content_sha256() == read_manifest(tiny).content_sha256()
