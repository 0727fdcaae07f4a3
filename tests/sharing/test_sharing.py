"""Croissant metadata, validated by mlcroissant; and the hub, replaced by a local folder."""

import json
import shutil
from fnmatch import fnmatch
from pathlib import Path

import mlcroissant
import pytest

from pixbench.dataset.manifest import read_manifest
from pixbench.dataset.schema import FIELDS
from pixbench.dataset.verify import verify
from pixbench.errors import UserError
from pixbench.io.files import file_sha256
from pixbench.sharing import hub
from pixbench.sharing.croissant import croissant, write_croissant
from pixbench.training.config import TrainConfig
from pixbench.training.train import train


@pytest.mark.filterwarnings("ignore")
def test_metadata_are_valid_and_list_every_file(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(tiny, folder)
    write_croissant(folder / "croissant.json", croissant(folder, license_url="https://creativecommons.org/publicdomain/zero/1.0/"))
    described = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    assert list(described.metadata.ctx.issues.errors) == []
    assert list(described.metadata.ctx.issues.warnings) == []
    manifest = read_manifest(folder)
    rows = [{key.split("/")[-1]: value for key, value in row.items()} for row in described.records("shards")]
    assert [row["bytes"] for row in rows] == [shard.bytes for shard in manifest.shards]
    assert [row["sha256"].decode() for row in rows] == [shard.sha256 for shard in manifest.shards]
    fields = [{key.split("/")[-1]: value for key, value in row.items()} for row in described.records("fields")]
    assert {row["name"]: row["unit"] for row in fields} == {name: field.unit for name, field in FIELDS.items()}
    files = {each["contentUrl"]: each["sha256"] for each in json.loads((folder / "croissant.json").read_text())["distribution"]}
    assert set(files) == {"dataset.json", *(f"shards/{shard.file}" for shard in manifest.shards)}
    assert all(file_sha256(folder / name) == sha256 for name, sha256 in files.items())


def test_files_can_have_a_base_url(tiny: Path) -> None:
    found = croissant(tiny, url="https://example.org/rooms/")
    assert all(each["contentUrl"].startswith("https://example.org/rooms/") for each in found["distribution"])


class FakeHub:
    """The parts of huggingface_hub.HfApi that are used, on a folder."""

    def __init__(self, root: Path):
        self.root = root

    def _of(self, repository: str, kind: str) -> Path:
        return self.root / kind / repository

    def create_repo(self, repository: str, *, repo_type: str, private: bool, exist_ok: bool) -> None:
        if "/" not in repository:
            raise ValueError("403 Forbidden\nYou cannot write there")
        self._of(repository, repo_type).mkdir(parents=True, exist_ok=exist_ok)

    def upload_folder(self, *, folder_path: str, repo_id: str, repo_type: str, allow_patterns: list[str], delete_patterns: str) -> None:
        for path in list(self._of(repo_id, repo_type).rglob("*")):
            if path.is_file() and fnmatch(path.relative_to(self._of(repo_id, repo_type)).as_posix(), delete_patterns):
                path.unlink()
        for path in Path(folder_path).rglob("*"):
            name = path.relative_to(folder_path).as_posix()
            if path.is_file() and any(fnmatch(name, pattern) for pattern in allow_patterns):
                target = self._of(repo_id, repo_type) / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)

    def upload_file(self, *, path_or_fileobj: bytes, path_in_repo: str, repo_id: str, repo_type: str) -> None:
        (self._of(repo_id, repo_type) / path_in_repo).write_bytes(path_or_fileobj)

    def repo_exists(self, repository: str, *, repo_type: str) -> bool:
        return self._of(repository, repo_type).is_dir()

    def file_exists(self, repository: str, filename: str, *, repo_type: str) -> bool:
        return (self._of(repository, repo_type) / filename).is_file()

    def snapshot_download(self, repository: str, *, repo_type: str, local_dir: str) -> None:
        shutil.copytree(self._of(repository, repo_type), local_dir, dirs_exist_ok=True)


@pytest.fixture
def fake_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    folder = FakeHub(tmp_path / "hub")
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: folder)
    return folder


def test_fake_hub_matches_the_signatures_of_the_hub() -> None:
    import inspect

    from huggingface_hub import HfApi

    for name in ("create_repo", "upload_folder", "upload_file", "repo_exists", "file_exists", "snapshot_download"):
        ours, theirs = (list(inspect.signature(getattr(kind, name)).parameters) for kind in (FakeHub, HfApi))
        given = [part for part in ours if part not in ("self", "repository")]
        assert set(given) <= set(theirs), name
        assert "repository" not in ours or theirs[1] == "repo_id", name


@pytest.mark.filterwarnings("ignore")
def test_data_set_push_and_pull_round_trip(fake_hub: FakeHub, tiny: Path, tmp_path: Path) -> None:
    assert hub.push(tiny, "me/rooms", license_name="cc0-1.0") == "https://huggingface.co/datasets/me/rooms"
    assert hub.pull("me/rooms", tmp_path / "back") == "dataset"
    assert read_manifest(tmp_path / "back").content_sha256() == read_manifest(tiny).content_sha256()
    assert "license: cc0-1.0" in (tmp_path / "back" / "README.md").read_text()
    with pytest.raises(UserError, match="back is not empty"):
        hub.pull("me/rooms", tmp_path / "back")
    # Changes on the hub are found.
    shard = next((fake_hub.root / "dataset" / "me" / "rooms" / "shards").glob("*.h5"))
    raw = bytearray(shard.read_bytes())
    raw[-1] ^= 1
    shard.write_bytes(raw)
    with pytest.raises(UserError, match=rf"me/rooms: shards/{shard.name} is not what was pushed"):
        hub.pull("me/rooms", tmp_path / "again")


def test_pushes_do_not_mix_with_files_of_others(fake_hub: FakeHub, tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rooms"
    shutil.copytree(tiny, folder)
    # The hub has its own card and metadata, whatever the folder has.
    write_croissant(folder / "croissant.json", croissant(folder))
    (folder / "README.md").write_text("mine")
    on_hub = fake_hub.root / "dataset" / "me" / "rooms"
    (on_hub / "shards").mkdir(parents=True)
    (on_hub / "shards" / "00007.h5").write_bytes(b"of an earlier, larger push")
    hub.push(folder, "me/rooms")
    assert "scenes, made by" in (on_hub / "README.md").read_text()
    # A foreign file that is on the hub, or was left by a download, does not arrive.
    (on_hub / "shards" / "00008.h5").write_bytes(b"uploaded by hand")
    hub.pull("me/rooms", tmp_path / "once")
    verify(tmp_path / "once")
    # What was pulled can be pushed and pulled again.
    hub.push(tmp_path / "once", "me/rooms")
    hub.pull("me/rooms", tmp_path / "twice")
    verify(tmp_path / "twice")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["hub", "once", "rooms", "twice"]


def test_pull_into_the_current_folder(fake_hub: FakeHub, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.push(tiny, "me/rooms")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    hub.pull("me/rooms", Path())
    verify(here)
    hub.push(Path(), "me/again")
    assert "# here\n" in (fake_hub.root / "dataset" / "me" / "again" / "README.md").read_text()


def test_damaged_data_set_is_not_pushed(fake_hub: FakeHub, tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path / "damaged")
    shard = next((tmp_path / "damaged" / "shards").glob("*.h5"))
    raw = bytearray(shard.read_bytes())
    raw[len(raw) // 2] ^= 1
    shard.write_bytes(raw)
    with pytest.raises(UserError, match=rf"{shard.name} was changed"):
        hub.push(tmp_path / "damaged", "me/damaged")
    assert not fake_hub.root.exists()


@pytest.mark.slow
def test_run_push_and_pull_round_trip(fake_hub: FakeHub, tiny: Path, tmp_path: Path) -> None:
    from pixbench.models.loading import load_model

    train(tiny, tmp_path / "run", TrainConfig(steps=1, batch=2, points=16))
    assert hub.push(tmp_path / "run", "me/net") == "https://huggingface.co/me/net"
    assert not (fake_hub.root / "model" / "me" / "net" / "logs").exists()
    assert hub.pull("me/net", tmp_path / "back") == "model"
    one, other = (load_model(str(tmp_path / name)) for name in ("run", "back"))
    assert one.info == other.info
    settings = fake_hub.root / "model" / "me" / "net" / "checkpoint" / "checkpoint.json"
    settings.write_text(settings.read_text().replace('"inf"', "1"))
    with pytest.raises(UserError, match=r"me/net: checkpoint/checkpoint\.json is not what was pushed"):
        hub.pull("me/net", tmp_path / "third")


def test_foreign_repositories_are_not_pulled(fake_hub: FakeHub, tmp_path: Path) -> None:
    foreign = fake_hub.root / "model" / "you" / "large"
    foreign.mkdir(parents=True)
    (foreign / "weights.bin").write_bytes(b"0" * 1000)
    with pytest.raises(UserError, match="you/large was not pushed by PixBench"):
        hub.pull("you/large", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    for number, content in enumerate(("no JSON", "{}", "[]", '{"files": {}}', '{"files": {"../x": "0"}}')):
        (foreign / hub.STATED).write_text(content)
        with pytest.raises(UserError, match=r"you/large: its pixbench\.json cannot be read"):
            hub.pull("you/large", tmp_path / str(number))


def test_invalid_pushes_are_rejected(fake_hub: FakeHub, tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is neither a data set nor a run"):
        hub.push(tmp_path, "me/nothing")
    with pytest.raises(UserError, match="hub repository rooms: 403 Forbidden; log in with 'hf auth login'"):
        hub.push(tiny, "rooms")
