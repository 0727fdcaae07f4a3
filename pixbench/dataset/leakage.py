"""Leakage between data sets: rooms, objects and pictures of each by content hash, and those that two sets share."""

from dataclasses import dataclass

from .reader import Dataset, StoredScene


@dataclass(frozen=True)
class Leak:
    """An asset that is in both sets: its kind, its hash, its id in the second, and the number of scenes there that hold it."""

    kind: str
    sha256: str
    id: str
    scenes: int


def scene_assets(scene: StoredScene) -> tuple[str | None, list[str]]:
    """Hashes of a scene's room (None for pictures) and of its objects, by row of the object table.

    A model from a file is known by the sha256 of its files, so that a renamed copy is recognised. A procedural one is known by its id,
    which holds the seed that determines it.
    """
    recipe = scene.json("recipe")
    hashes = recipe.get("assets", {})
    objects = [_decoded(name) for name in scene.read("object_id")]
    room = recipe.get("room")
    return None if room is None else hashes.get(room, room), [hashes.get(name, name) for name in objects]


def assets(dataset: Dataset) -> dict[str, tuple[str, str, int]]:
    """All assets of a data set: hash to (kind, id, number of scenes)."""
    found: dict[str, tuple[str, str, int]] = {}
    for scene in dataset.scenes():
        recipe = scene.json("recipe")
        room, objects = scene_assets(scene)
        names = [_decoded(name) for name in scene.read("object_id")]
        here = dict(zip(objects, (("object", name) for name in names), strict=True))
        if room is not None:
            here[room] = ("room", recipe["room"])
        if "picture" in recipe:
            name, sha256 = recipe["picture"], recipe["assets"].get(recipe["picture"], recipe["picture"])
            if "index" in recipe:  # a digit: all lie in one file
                name, sha256 = (f"{each} {recipe['index']}" for each in (name, sha256))
            here[sha256] = ("picture", name)
        for sha256, (kind, name) in here.items():
            found[sha256] = (kind, name, found.get(sha256, (kind, name, 0))[2] + 1)
    return found


def shared(train: Dataset, test: Dataset) -> list[Leak]:
    """The assets of `test` that are in `train` too, sorted by kind and id."""
    first, second = assets(train), assets(test)
    found = [Leak(kind, sha256, name, scenes) for sha256, (kind, name, scenes) in second.items() if sha256 in first]
    return sorted(found, key=lambda leak: (leak.kind, leak.id))


def _decoded(value: bytes) -> str:
    return value.decode()
