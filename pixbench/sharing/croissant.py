"""A data set's description as Croissant metadata (mlcommons.org/croissant, version 1.0): files with hashes, and the table of shards."""

import json
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import __version__
from ..dataset.manifest import MANIFEST, Manifest, read_manifest
from ..dataset.schema import FIELDS, Field
from ..errors import UserError
from ..io.files import file_sha256, write_whole

FILE = "croissant.json"
HDF5 = "application/x-hdf5"
FIELD_COLUMNS = ("name", "dtype", "axes", "unit", "meaning")
CITATION = f"The PixBench developers. PixBench {__version__}, software."


def croissant(folder: Path, *, url: str | None = None, license_url: str | None = None, name: str | None = None) -> dict[str, Any]:
    """The metadata of a finished data set. `url` is where its folder can be fetched; without it files are named relative to the metadata.

    Raises UserError if the set is not finished, or mlcroissant is not installed.
    """
    try:
        import mlcroissant as mlc
    except ImportError:
        raise UserError("Croissant metadata need mlcroissant: install pixbench[hub]") from None
    manifest = read_manifest(folder)
    if not manifest.complete:
        raise UserError(f"{folder} is not finished: run the same 'pixbench generate' command again")
    base = f"{url.rstrip('/')}/" if url else ""
    files = [(MANIFEST, "application/json", file_sha256(folder / MANIFEST), (folder / MANIFEST).stat().st_size)]
    files += [(f"shards/{shard.file}", HDF5, shard.sha256, shard.bytes) for shard in manifest.shards]
    metadata = mlc.Metadata(
        name=name or folder.resolve().name,
        description=_description(manifest),
        url=url or "",
        license=license_url,
        date_published=datetime.now(UTC),
        version=f"{manifest.format_version}.0.0",
        cite_as=CITATION,
        distribution=[
            mlc.FileObject(
                id=path, name=path, content_url=f"{base}{path}", encoding_formats=[kind], sha256=sha256, content_size=f"{size} B"
            )
            for path, kind, sha256, size in files
        ],
        record_sets=[
            mlc.RecordSet(
                id="fields",
                name="fields",
                description="What each scene's group in a shard holds: HDF5 datasets with their type, axes, unit and meaning.",
                fields=[mlc.Field(id=f"fields/{name}", name=name, data_types=[mlc.DataType.TEXT]) for name in FIELD_COLUMNS],
                data=[
                    {f"fields/{key}": value for key, value in zip(FIELD_COLUMNS, (name, *_columns(field)), strict=True)}
                    for name, field in FIELDS.items()
                ],
            ),
            mlc.RecordSet(
                id="shards",
                name="shards",
                description="The files of the data set, and the hash that each must have.",
                fields=[
                    _field(mlc, "file", mlc.DataType.TEXT),
                    _field(mlc, "sha256", mlc.DataType.TEXT),
                    _field(mlc, "bytes", mlc.DataType.INTEGER),
                ],
            ),
        ],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is recommended and only the user knows, such as a licence
        found: dict[str, Any] = json.loads(json.dumps(metadata.to_json(), default=str))
    return found


def _columns(field: Field) -> tuple[str, str, str, str]:
    return field.dtype, field.axes, field.unit, field.meaning


def write_croissant(path: Path, metadata: dict[str, Any]) -> None:
    """Write the metadata as JSON."""
    write_whole(path, json.dumps(metadata, indent=1, ensure_ascii=False) + "\n")


def _field(mlc: Any, name: str, kind: Any) -> Any:
    source = mlc.Source(file_object=MANIFEST, extract=mlc.Extract(json_path=f"$.shards[*].{name}"))
    return mlc.Field(id=f"shards/{name}", name=name, data_types=[kind], source=source)


def _description(manifest: Manifest) -> str:
    return (
        f"Images with exact pixel correspondences, made by PixBench {__version__}: generator {manifest.recipe.generator}, split "
        f"{manifest.split}, seed {manifest.seed}, {manifest.scenes} scenes, {len(manifest.assets)} external assets, recipe "
        f"{manifest.recipe_sha256}. Shards are HDF5; every dataset in them carries its unit, axes and meaning."
    )
