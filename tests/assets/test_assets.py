"""The data manifest, downloads with fake package managers and a local server, and checks of sources."""

import hashlib
import http.server
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from pydantic import ValidationError

from pixbench.assets.check import check_models, open_sources
from pixbench.assets.fetch import fetch
from pixbench.assets.manifest import MANIFEST, DataManifest, Pack, pack_named, packs
from pixbench.assets.paths import pack_folder
from pixbench.cli.assets import check_source, fetch_packs, list_packs
from pixbench.errors import UserError, VerificationError, unknown_name


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path / "cache"))


def pack(source: dict[str, str], content: bytes | None) -> Pack:
    """A pack whose file is expected to have this content."""
    sha256 = hashlib.sha256(content).hexdigest() if content is not None else None
    values = {"title": "T", "role": "objects", "licence": "CC0", "citation": "C", "splits": None}
    return Pack.model_validate({"name": "test", "source": source, "sha256": sha256, **values})


def client(folder: Path, name: str, script: str) -> None:
    """Write a fake package manager that logs its arguments to calls.txt."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/sh\necho {name} "$@" >> {folder}/calls.txt\n{script}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def leftovers(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").rglob("*"))


def test_manifest_lists_packs_without_urls() -> None:
    assert {entry.name for entry in packs()} >= {"shapenet", "scenenn", "sweethome3d-furniture", "sweethome3d", "mnist"}
    assert len({entry.name for entry in packs()}) == len(packs())
    assert "://" not in MANIFEST.read_text()
    with pytest.raises(UserError, match="did you mean 'shapenet'"):
        pack_named("shapenett")


@pytest.mark.parametrize(
    "change",
    [{"colour": "red"}, {"sha256": None}, {"sha256": "12"}, {"source": {"kind": "ftp"}}, {"source": {"kind": "own"}}, {"name": "a/b"}],
)
def test_invalid_manifest_entry_is_rejected(change: dict[str, object]) -> None:
    raw = yaml.safe_load(MANIFEST.read_text())
    assert DataManifest.model_validate(raw)
    entry = next(entry for entry in raw["entries"] if entry["source"]["kind"] == "npm")
    entry.update(change)
    with pytest.raises(ValidationError):
        DataManifest.model_validate(raw)


def test_debian_package_is_downloaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client(tmp_path / "bin", "apt-get", "printf deb > thing_1.deb")
    client(tmp_path / "bin", "dpkg-deb", "mkdir -p usr; cp $2 usr/model")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    wanted = pack({"kind": "debian", "package": "thing", "version": "1-2"}, b"deb")
    assert wanted.place == "not fetched"
    assert fetch(wanted)
    assert wanted.place == str(pack_folder("test"))
    assert (pack_folder("test") / "usr/model").read_bytes() == b"deb"
    assert not fetch(wanted)
    calls = (tmp_path / "bin/calls.txt").read_text().splitlines()
    assert calls[0] == "apt-get download thing=1-2"
    assert [call.split()[0] for call in calls] == ["apt-get", "dpkg-deb"]
    assert leftovers(tmp_path) == ["model", "packs", "test", "usr"]


def test_concurrent_fetches_download_once_and_both_succeed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client(tmp_path / "bin", "apt-get", "sleep 0.5; printf deb > thing_1.deb")
    client(tmp_path / "bin", "dpkg-deb", 'sleep 0.2; cp "$2" "$3/model"')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    wanted, ready = pack({"kind": "debian", "package": "thing", "version": "1"}, b"deb"), threading.Barrier(2)

    def fetched(_: int) -> bool:
        ready.wait()
        return fetch(wanted)

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(fetched, range(2))) == [False, True]
    assert (pack_folder("test") / "model").read_bytes() == b"deb"
    assert len((tmp_path / "bin/calls.txt").read_text().splitlines()) == 2


def test_complete_download_is_reused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an interrupt during unpacking."""
    client(tmp_path / "bin", "apt-get", "exit 1")
    client(tmp_path / "bin", "dpkg-deb", "touch it")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    work = pack_folder(".test.fetching")
    (work / "download").mkdir(parents=True)
    (work / "download/thing.deb").write_bytes(b"deb")
    (work / "files").mkdir()
    (work / "files/half").touch()
    assert fetch(pack({"kind": "debian", "package": "thing", "version": "1"}, b"deb"))
    assert [path.name for path in pack_folder("test").iterdir()] == ["it"]


@pytest.mark.parametrize(("kind", "name"), [("npm", "npm"), ("pypi", "pip")])
def test_npm_and_pypi_archives_are_unpacked(kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "archive"
    if kind == "npm":
        with tarfile.open(archive, "w:gz") as tar:
            tar.addfile(info := tarfile.TarInfo("package/a.txt"), io.BytesIO(b""))
            assert info.size == 0
    else:
        with zipfile.ZipFile(archive, "w") as wheel:
            wheel.writestr("package/a.txt", "")
    client(tmp_path / "bin", name, f"cp {archive} thing.bin")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    assert fetch(pack({"kind": kind, "package": "thing", "version": "1"}, archive.read_bytes()))
    assert (pack_folder("test") / "package/a.txt").is_file()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("printf other > a.deb", r"a\.deb has sha256 d9298a10.*, expected [0-9a-f]{64}; nothing is kept"),
        ("echo; echo 'E: no such version' >&2; exit 100", r"'apt-get download thing=1' failed: E: no such version"),
        ("true", "gave no file"),
    ],
)
def test_failed_download_error_is_one_line_and_leaves_no_files(
    script: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(tmp_path / "bin", "apt-get", script)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    with pytest.raises(UserError, match=message) as caught:
        fetch(pack({"kind": "debian", "package": "thing", "version": "1"}, b"deb"))
    assert "\n" not in str(caught.value)
    assert leftovers(tmp_path) == ["packs"]


def test_missing_package_manager_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"test is fetched with npm, which is not installed: it comes with Node\.js"):
        fetch(pack({"kind": "npm", "package": "thing", "version": "1"}, b""))
    assert leftovers(tmp_path) == ["packs"]


def test_pack_without_a_download_is_rejected() -> None:
    with pytest.raises(UserError, match=r"cannot be fetched.*own copy"):
        fetch(pack({"kind": "own"}, None))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """URL of a local server of tmp_path/www."""
    (tmp_path / "www").mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(tmp_path / "www"))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_url_is_downloaded(server: str, tmp_path: Path) -> None:
    (tmp_path / "www/thing.obj").write_bytes(b"v 0 0 0")
    assert fetch(pack({"kind": "url", "url": f"{server}/thing.obj"}, b"v 0 0 0"))
    assert (pack_folder("test") / "thing.obj").read_bytes() == b"v 0 0 0"


def test_missing_url_and_wrong_sha256_are_rejected(server: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"could not be fetched.*404"):
        fetch(pack({"kind": "url", "url": f"{server}/thing.obj"}, b""))
    (tmp_path / "www/thing.obj").write_bytes(b"changed")
    with pytest.raises(UserError, match="has sha256"):
        fetch(pack({"kind": "url", "url": f"{server}/thing.obj"}, b""))
    assert leftovers(tmp_path) == ["packs"]


class BadError(Exception):
    kind = "no faces"


class Source:
    """Source stub with three models: one usable, one repaired, one unusable. At location `nothing` all are unusable."""

    def __init__(self, location: str | None):
        self.names = ["bad"] if location == "nothing" else ["bad", "good", "mended"]
        self.entries = [SimpleNamespace(id=f"s/{name}", category="chair", in_split="val") for name in self.names]

    def load(self, model_id: str) -> SimpleNamespace:
        if model_id == "s/bad":
            raise BadError
        return SimpleNamespace(defects=("n-gons",) if model_id == "s/mended" else ())

    def defects(self) -> dict[str, int]:
        return {"left out: door": 4}


def test_check_models_counts_every_model_once() -> None:
    steps: list[None] = []
    found = check_models(Source(None), progress=lambda: steps.append(None))
    assert found.usable == {("chair", "val"): 2}
    assert (found.unusable, found.mended, found.listing) == ({"no faces": 1}, {"n-gons": 1}, {"left out: door": 4})
    assert found.example == {"no faces": "s/bad", "n-gons": "s/mended"}
    assert len(steps) == 3


def test_open_sources_resolves_specs(monkeypatch: pytest.MonkeyPatch) -> None:
    _register(monkeypatch)
    ((kind, source),) = open_sources("test:nothing")
    assert (kind, source.names) == ("object source", ["bad"])
    with pytest.raises(UserError, match="unknown object source 'tset': did you mean 'test'"):
        open_sources("tset")


def _register(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"test": EntryPoint("test", f"{__name__}:Source", "x")}
    monkeypatch.setattr("pixbench.assets.check.OBJECT_SOURCES._found", lambda: found)
    monkeypatch.setattr("pixbench.assets.check.OBJECT_SOURCES.get", lambda name: Source if name == "test" else _get(name))


def _get(name: str) -> object:
    raise unknown_name("object source", name, ["test"])


def test_asset_commands_print_packs_and_check_results(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _register(monkeypatch)
    list_packs()
    shown = capsys.readouterr().out
    assert "user's own copy" in shown
    assert shown.count("not fetched") == sum(entry.source.kind != "own" for entry in packs())
    check_source("test")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "test, object source: 2 can be used, 1 cannot"
    assert [line.split() for line in lines[1:4]] == [
        ["category", "train", "val", "test", "all"],
        ["chair", "0", "2", "0", "2"],
        ["all", "0", "2", "0", "2"],
    ]
    assert "  1  no faces  s/bad" in lines
    check_source("test", list_all=True)
    listed = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "s/bad cannot be used: no faces" in " ".join(listed)
    check_source("test", as_json=True)
    (kind,) = json.loads(capsys.readouterr().out.splitlines()[-1])["kinds"]
    assert (kind["usable"], kind["unusable"], kind["not_listed"]) == (2, 1, {"left out: door": 4})
    assert {model["id"]: model["reason"] for model in kind["models"]}["s/bad"] == "no faces"
    with pytest.raises(VerificationError, match="test:nothing: nothing can be used"):
        check_source("test:nothing")
    with pytest.raises(UserError, match="did you mean 'mnist'"):
        fetch_packs(["mnits"])


def test_manifest_import_is_lightweight() -> None:
    code = "import sys, pixbench.assets.manifest; print([m for m in ('torch', 'numpy', 'trimesh', 'pooch') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ})
    assert run.stdout.strip() == "[]"
