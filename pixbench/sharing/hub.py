"""Runs and data sets on the Hugging Face hub, through huggingface_hub: pushed with a card and hashes, checked when they arrive."""

import json
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

from ..dataset.manifest import MANIFEST
from ..dataset.reader import Dataset
from ..errors import UserError
from ..io.documents import read_json
from ..io.files import file_sha256
from ..io.lock import holds_nothing
from ..io.untrusted import inside
from ..models.checkpoint import load_checkpoint
from .croissant import FILE, croissant

Kind = Literal["dataset", "model"]
STATED = "pixbench.json"
"""Beside the files on the hub: what kind they are, and the hash of their contents."""
CARD = "README.md"
WRITTEN = frozenset((CARD, STATED, FILE))
"""What `push` itself writes on the hub, in place of files of the folder with these names."""


def push(folder: Path, repository: str, *, private: bool = False, license_name: str | None = None) -> str:
    """Copy a run or a finished data set to the hub, in place of what an earlier push left there; returns its address.

    Raises UserError for any other folder, for a damaged data set, and if the hub refuses.
    """
    kind, card, extra = _kind_and_card(folder, license_name)
    api = _api()
    files = {name: file_sha256(folder / name) for name in _shared(folder)}
    stated = json.dumps({"kind": kind, "files": files}, indent=1).encode()
    with _hub_errors(repository):
        api.create_repo(repository, repo_type=kind, private=private, exist_ok=True)
        api.upload_folder(folder_path=str(folder), repo_id=repository, repo_type=kind, allow_patterns=list(files), delete_patterns="*")
        for name, content in {CARD: card.encode(), STATED: stated, **extra}.items():
            api.upload_file(path_or_fileobj=content, path_in_repo=name, repo_id=repository, repo_type=kind)
    return f"https://huggingface.co/{'datasets/' if kind == 'dataset' else ''}{repository}"


def pull(repository: str, out: Path) -> Kind:
    """Fetch what `push` copied there into a new or empty folder, and check the hash of every file. An interrupted download resumes.

    Raises UserError, before anything is downloaded, for a repository that was not pushed by PixBench, and for a file whose hash differs.
    """
    if out.exists() and (not out.is_dir() or not holds_nothing(out)):
        raise UserError(f"{out} is not empty: choose a new or empty folder")
    api = _api()
    with _hub_errors(repository):
        kind: Kind = "dataset" if api.repo_exists(repository, repo_type="dataset") else "model"
        if not api.file_exists(repository, STATED, repo_type=kind):
            raise UserError(f"{repository} was not pushed by PixBench: it has no {STATED}")
        work = out.resolve().with_name(f".{out.resolve().name}.{repository.replace('/', '--')}.fetching")
        api.snapshot_download(repository, repo_type=kind, local_dir=str(work))
    stated = _files_stated(work / STATED, repository)
    for name, wanted in stated.items():
        path = work / name
        if not path.is_file() or path.is_symlink() or file_sha256(path) != wanted:
            path.unlink(missing_ok=True)  # so that only this file is fetched again
            raise UserError(f"{repository}: {name} is not what was pushed: fetch it again, or ask its owner")
    _move(work, out, {*stated, *WRITTEN})
    return kind


def _move(work: Path, out: Path, names: Collection[str]) -> None:
    """Move files, given relative to `work`, to `out`, which may be the current folder or a mounted one; others are removed."""
    for path in [path for path in work.rglob("*") if path.is_symlink() or path.is_file()]:
        if path.relative_to(work).as_posix() not in names:
            path.unlink()
    for folder in sorted((path for path in work.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    if not out.exists():
        work.rename(out)
        return
    # The manifest last: a folder without one is no data set.
    for path in sorted(work.iterdir(), key=lambda path: (path.name == MANIFEST, path.name)):
        shutil.move(path, out / path.name)
    work.rmdir()


def _files_stated(path: Path, repository: str) -> dict[str, str]:
    try:
        files = read_json(path, "push it again")["files"]
        if not files or not all(isinstance(sha256, str) and inside(path.parent, name) for name, sha256 in files.items()):
            raise ValueError("it names no files")
    except (UserError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{repository}: its {STATED} cannot be read ({error}): push it again") from None
    return dict(files)


def _shared(folder: Path) -> list[str]:
    """Files of a folder that are pushed: all but logs, hidden files, and what `push` writes itself."""
    names = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())
    shown = (name for name in names if not any(part.startswith(".") or part == "logs" for part in Path(name).parts))
    return [name for name in shown if name not in WRITTEN]


def _kind_and_card(folder: Path, license_name: str | None) -> tuple[Kind, str, dict[str, bytes]]:
    """Kind, card, and files that only the hub has."""
    head = {"library_name": "pixbench", "tags": ["pixbench", "dense-correspondence"], **({"license": license_name} if license_name else {})}
    if (folder / MANIFEST).is_file():
        data = Dataset(folder)
        data.check_hashes()
        manifest = data.manifest
        head.pop("library_name")
        made = f"`pixbench generate {manifest.recipe.generator}`, split {manifest.split}, seed {manifest.seed}"
        card = f"{manifest.scenes} scenes, made by {made}."
        card += "\n\nGet it with `pixbench hub pull`, check it with `pixbench verify`."
        described = json.dumps(croissant(folder, url=".", license_url=license_name), indent=1).encode()
        return "dataset", _card(head, folder.resolve().name, card), {FILE: described}
    if not (folder / "checkpoint").exists():
        raise UserError(f"{folder} is neither a data set nor a run of 'pixbench train': give one of them")
    checkpoint = load_checkpoint(folder)
    training = checkpoint.config.training or {}
    settings = training.get("config", {}) if isinstance(training, dict) else {}
    card = (
        f"A per-pixel descriptor network: objective {settings.get('objective')}, p = {settings.get('p')}, {checkpoint.config.step} steps."
    )
    card += "\n\nGet it with `pixbench hub pull`, score it with `pixbench evaluate --model FOLDER`."
    return "model", _card(head, folder.resolve().name, card), {}


def _card(head: dict[str, Any], title: str, text: str) -> str:
    import yaml

    return f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n\n# {title}\n\n{text}\n"


def _api() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise UserError("the hub needs huggingface_hub: install pixbench[hub]") from None
    return huggingface_hub.HfApi()


class _hub_errors:  # noqa: N801  (used as a function)
    """Turn errors of the hub or the network into a UserError of one line."""

    def __init__(self, repository: str):
        self._repository = repository

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, UserError | KeyboardInterrupt) or not isinstance(error, Exception):
            return
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UserError(f"hub repository {self._repository}: {first}; log in with 'hf auth login', and check the name") from None
