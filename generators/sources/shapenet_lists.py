"""The two lists that ShapeNetCore may come with: `taxonomy.json` (names, and which class holds a finer one) and `all.csv` (splits)."""

import csv
import io
import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field

from pixbench.errors import UserError

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
    """The taxonomy of `taxonomy.json`, empty for None. UserError where it is something else."""
    if data is None:
        return Taxonomy()
    try:
        nodes = json.loads(data)
        names = {_synset(node["synsetId"]): str(node.get("name", "")).partition(",")[0] for node in nodes}
        parents = {_synset(child): _synset(node["synsetId"]) for node in nodes for child in node.get("children", ())}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError("taxonomy.json is no list of {synsetId, name, children}: restore or remove it") from None
    return Taxonomy(names, parents)


def read_splits(data: bytes | None) -> Iterator[tuple[str, str, str | None]]:
    """(synset, model id, split) of each row of `all.csv`, whose header may be missing; a split of another name is None."""
    for row in csv.reader(io.StringIO((data or b"").decode("utf-8", "replace"))):
        if len(row) >= 5 and row[1].strip().isdigit():
            _, synset, _, model, split = (value.strip() for value in row[:5])
            yield _synset(synset), model, split if split in SPLITS else None


def _synset(written: object) -> str:
    """Eight digits; leading zeros get lost in spreadsheets."""
    return str(written).zfill(8)
