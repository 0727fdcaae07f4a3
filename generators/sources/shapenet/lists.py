"""The two optional lists of ShapeNetCore: `taxonomy.json` (names and hierarchy of synsets) and `all.csv` (official splits)."""

import csv
import io
import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from pixbench.errors import UserError
from pixbench.io.untrusted import parsing

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Taxonomy:
    """Names of synsets, and the parent of each synset that has one."""

    names: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)

    def climb(self, synset: str, folders: Container[str]) -> str | None:
        """The synset, or its nearest ancestor, that has a folder."""
        seen = set()
        while synset not in folders:
            seen.add(synset)
            parent = self.parents.get(synset)
            if parent is None or parent in seen:
                return None
            synset = parent
        return synset


def read_taxonomy(data: bytes | None) -> Taxonomy:
    """The taxonomy in `taxonomy.json`, empty for None. Raises UserError if it is not one."""
    if data is None:
        return Taxonomy()
    try:
        nodes = json.loads(data)
        names = {_synset(node["synsetId"]): str(node.get("name", "")).partition(",")[0] for node in nodes}
        parents = {_synset(child): _synset(node["synsetId"]) for node in nodes for child in node.get("children", ())}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError("taxonomy.json is not a list of {synsetId, name, children}: restore or remove it") from None
    return Taxonomy(names, parents)


COLUMNS = ("id", "synsetId", "subSynsetId", "modelId", "split")


@dataclass(frozen=True)
class Splits:
    """The rows of `all.csv` as (synset, model id, split), and the number of rows without a known split."""

    rows: Sequence[tuple[str, str, str]] = ()
    unclear: int = 0


def read_splits(data: bytes | None) -> Splits:
    """The official splits in `all.csv`, none for None. Without a header, the columns are those of ShapeNet.

    Raises UserError if no row has a split: a fallback to hashed splits would mix the user's training and test models.
    """
    if data is None:
        return Splits()
    with parsing("all.csv", "restore or remove it"):
        written = [row for row in csv.reader(io.StringIO(data.decode("utf-8-sig", "replace").replace("\0", ""))) if row]
    header = [name.strip() for name in written[0]] if written else []
    columns, rows = (header, written[1:]) if set(COLUMNS) & set(header) else (list(COLUMNS), written)
    found = []
    if {"synsetId", "modelId", "split"} <= set(columns):
        at = [columns.index(name) for name in ("synsetId", "modelId", "split")]
        cells = ([row[k].strip() for k in at] for row in rows if len(row) > max(at))
        found = [(_synset(synset), model, split) for synset, model, split in cells if synset.isdigit() and split in SPLITS]
    if not found:
        raise UserError(
            f"all.csv gives no splits: expected columns {', '.join(COLUMNS)} with splits {', '.join(SPLITS)}; restore or remove it"
        )
    return Splits(found, len(rows) - len(found))


def _synset(written: object) -> str:
    """A synset with eight digits: spreadsheets drop leading zeros."""
    return str(written).zfill(8)
