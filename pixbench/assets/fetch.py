"""Downloads asset packs with the package clients of this machine. A pack appears under its final name only after its hash was checked."""

import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

from ..errors import UserError
from ..io.files import file_sha256
from ..io.lock import locked
from .manifest import Pack, PackageSource, UrlSource
from .paths import pack_folder

CLIENTS = {
    "debian": ("apt-get", "download", "{package}={version}"),
    "npm": ("npm", "pack", "--silent", "{package}@{version}"),
    "pypi": ("pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest", ".", "{package}=={version}"),
}
WHERE_CLIENTS_COME_FROM = {"apt-get": "Debian or Ubuntu", "dpkg-deb": "Debian or Ubuntu", "npm": "Node.js", "pip": "Python's pip"}


def fetch(pack: Pack, *, again: bool = False) -> bool:
    """Download a pack to `pack_folder(pack.name)`; returns False if it was there already. `again` replaces it.

    The file is downloaded to a folder of its own, its sha256 is checked, and it is unpacked beside its place and renamed.
    A download that was finished is not repeated. Raises UserError for a missing client, a failed download, or another sha256.
    """
    if isinstance(pack.source, PackageSource | UrlSource):
        place = pack_folder(pack.name)
        if place.is_dir() and not again:
            return False
        with locked(place.parent, f".{pack.name}.lock", wait=True):
            return _fetched(pack, pack.source, place, again=again)
    raise UserError(
        f"{pack.name} cannot be fetched ({pack.licence}): get your own copy, and give its folder where {pack.role} are asked for"
    )


def _fetched(pack: Pack, source: PackageSource | UrlSource, place: Path, *, again: bool) -> bool:
    if place.is_dir() and not again:
        return False  # another process fetched it while this one waited
    work = place.with_name(f".{pack.name}.fetching")
    _unpack(_downloaded(pack, source, work / "download"), work / "files")
    shutil.rmtree(work / "old", ignore_errors=True)
    if place.is_dir():
        # Renamed before it is deleted, so that a pack under its final name is always complete.
        place.rename(work / "old")
    (work / "files").rename(place)
    shutil.rmtree(work, ignore_errors=True)
    return True


def _downloaded(pack: Pack, source: PackageSource | UrlSource, folder: Path) -> Path:
    """The downloaded and checked file; a file of an earlier attempt is used if its hash is right, and deleted otherwise."""
    found = _single_file(folder)
    if found is not None and file_sha256(found) == pack.sha256:
        return found
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if isinstance(source, UrlSource):
        _retrieve(pack.name, source.url, folder)
    else:
        _run(pack.name, [word.format(package=source.package, version=source.version) for word in CLIENTS[source.kind]], folder)
    found = _single_file(folder)
    if found is None:
        shutil.rmtree(folder.parent)
        raise UserError(f"{pack.name}: the download gave no file; nothing is kept")
    got = file_sha256(found)
    if got != pack.sha256:
        shutil.rmtree(folder.parent)
        raise UserError(f"{pack.name}: {found.name} has sha256 {got}, expected {pack.sha256}; nothing is kept")
    return found


def _single_file(folder: Path) -> Path | None:
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return files[0] if len(files) == 1 and files[0].is_file() else None


def _retrieve(name: str, url: str, folder: Path) -> None:
    import pooch

    pooch.get_logger().setLevel("ERROR")
    try:
        # The hash is checked here for every kind of source alike, after the file is whole.
        pooch.retrieve(url, known_hash=None, path=folder, fname=url.rstrip("/").rpartition("/")[2] or name, progressbar=False)
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        shutil.rmtree(folder.parent)
        raise UserError(f"{name}: {url} could not be fetched: {error}") from None


def _run(name: str, command: list[str], folder: Path) -> None:
    client = shutil.which(command[0])
    if client is None:
        shutil.rmtree(folder.parent, ignore_errors=True)
        raise UserError(f"{name} is fetched with {command[0]}, which is not installed: it comes with {WHERE_CLIENTS_COME_FROM[command[0]]}")
    done = subprocess.run([client, *command[1:]], cwd=folder, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        shutil.rmtree(folder.parent, ignore_errors=True)
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise UserError(f"{name}: '{' '.join(command)}' failed: {lines[-1] if lines else f'exit code {done.returncode}'}")


def _unpack(file: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if file.suffix == ".deb":
        _run(file.name, ["dpkg-deb", "-x", str(file), "."], folder)
    elif tarfile.is_tarfile(file):
        with tarfile.open(file) as archive:
            archive.extractall(folder, filter="data")
    elif zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder)  # noqa: S202  (zipfile keeps members below the folder)
    else:
        shutil.copy2(file, folder)
