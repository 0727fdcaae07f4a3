"""Ways to damage any file or to make it malicious, and more for text and JSON files."""

import json
import os
import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Damage = Callable[[Path], None]

ESCAPES = "\x1b]0;owned\x07\x1b[2J"
UP = "../../../secret/"


class RunsCode:
    """Unpickled, it leaves a file behind."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch ran",)


def _bytes(change: Callable[[bytes, np.random.Generator], bytes]) -> Damage:
    def damage(path: Path) -> None:
        path.write_bytes(change(path.read_bytes(), np.random.default_rng(len(path.name))))

    return damage


def _flipped(data: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for position in rng.integers(len(data), size=20):
        changed[position] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _middle(data: bytes, rng: np.random.Generator) -> bytes:
    a, b = len(data) // 3, 2 * len(data) // 3
    return data[:a] + rng.bytes(b - a) + data[b:]


def _sparse(path: Path) -> None:
    os.truncate(path, 3 * 2**30)


def _instead(make: Callable[[Path], None]) -> Damage:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


ANY_FILE: Mapping[str, Damage] = {
    "empty": _bytes(lambda data, rng: b""),
    "one byte": _bytes(lambda data, rng: data[:1]),
    "first half": _bytes(lambda data, rng: data[: len(data) // 2]),
    "last bytes missing": _bytes(lambda data, rng: data[:-3]),
    "first byte missing": _bytes(lambda data, rng: data[1:]),
    "zeros": _bytes(lambda data, rng: bytes(len(data))),
    "noise": _bytes(lambda data, rng: rng.bytes(len(data))),
    "noise behind its beginning": _bytes(lambda data, rng: data[:64] + rng.bytes(len(data))),
    "noise in the middle": _bytes(_middle),
    "bits flipped": _bytes(_flipped),
    "page of a web server": _bytes(lambda data, rng: b"<!DOCTYPE html><html><body>404 Not Found</body></html>\n"),
    "pickle that runs code": _bytes(lambda data, rng: pickle.dumps(RunsCode())),
    "blank lines": _bytes(lambda data, rng: data[: len(data) // 2] + b"\n" * 300_000 + data[len(data) // 2 :]),
    "gigabytes of nothing": _sparse,
    "pipe": _instead(os.mkfifo),
    "folder": _instead(lambda path: path.mkdir()),
    "link to itself": _instead(lambda path: path.symlink_to(path.name)),
    "link to a device": _instead(lambda path: path.symlink_to("/dev/zero")),
}


def _text(change: Callable[[str], str]) -> Damage:
    def damage(path: Path) -> None:
        path.write_text(change(path.read_text("latin-1")), "latin-1")

    return damage


NUMBER = re.compile(r"(?<![\w.#])-?\d+(\.\d+)?(e-?\d+)?(?![\w.])")
NAME = re.compile(r"[\w./-]*\w\.(mtl|png|jpg|bin|obj|pfm|flo|npy|h5)\b")

TEXT: Mapping[str, Damage] = {
    **{f"numbers are {value}": _text(lambda text, value=value: NUMBER.sub(value, text)) for value in ("nan", "-inf", "-3", "x", "1e308")},
    "numbers have thousands of digits": _text(lambda text: NUMBER.sub("9" * 5000, text, count=40)),
    "numbers are a million million": _text(lambda text: NUMBER.sub("1000000000000", text)),
    "names lead out": _text(lambda text: NAME.sub(lambda match: UP + match[0], text)),
    "names are absolute": _text(lambda text: NAME.sub("/etc/hostname", text)),
    "terminal escapes": _text(lambda text: re.sub(r"(?<=[a-z])(?=[a-z])", ESCAPES, text, count=30)),
    "lines backwards": _text(lambda text: "\n".join(text.splitlines()[::-1])),
    "one line": _text(lambda text: " ".join(text.split()) * 20),
    "one word of a megabyte": _text(lambda text: re.sub(r"[a-zA-Z]{3,}", "a" * 2**20, text, count=3)),
    "words without end": _text(lambda text: text.replace("\n", " b" * 100_000 + "\n", 3)),
}
"""For formats that people can read."""


def _json(change: Callable[[Any], Any]) -> Damage:
    def damage(path: Path) -> None:
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return damage


def _leaves(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {name: _leaves(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_leaves(item, change) for item in value]
    return change(value)


def _kind(kind: type, value: Any) -> Damage:
    return _json(lambda document: _leaves(document, lambda leaf: value if type(leaf) is kind else leaf))


def _within(change: Callable[[Any], Any]) -> Damage:
    """Changes the values of a document, but not its format and version."""
    keep = ("format", "format_version", "asset")
    return _json(lambda document: {name: item if name in keep else change(item) for name, item in document.items()})


def _without(number: int) -> Damage:
    return _json(lambda document: {name: item for k, (name, item) in enumerate(document.items()) if k != number % len(document)})


def _nested(path: Path) -> None:
    path.write_text('{"a":' * 50_000 + "1" + "}" * 50_000)


JSON: Mapping[str, Damage] = {
    "a list": _json(lambda document: [document]),
    "a number": _json(lambda document: 7),
    "null": _json(lambda document: None),
    "nested too deep": _nested,
    **{f"without key {number}": _without(number) for number in (2, 4, 6)},
    "one more key": _json(lambda document: {**document, "more": {"a": [1]}}),
    "values are null": _within(lambda item: None),
    "values are lists": _within(lambda item: [item]),
    "values are nested": _within(lambda item: {"a": {"b": [item]}}),
    "whole numbers are huge": _kind(int, 2**70),
    "whole numbers are negative": _kind(int, -5),
    "whole numbers are large": _kind(int, 10**12),
    "numbers are not finite": _kind(float, float("nan")),
    "texts lead out": _within(lambda item: _leaves(item, lambda leaf: UP + leaf if isinstance(leaf, str) else leaf)),
    "texts have escapes": _within(lambda item: _leaves(item, lambda leaf: leaf + ESCAPES if isinstance(leaf, str) else leaf)),
    "texts are long": _within(lambda item: _leaves(item, lambda leaf: leaf * 100_000 if isinstance(leaf, str) else leaf)),
}


def kinds(*tables: Mapping[str, Damage]) -> Iterator[tuple[str, Damage]]:
    """All damages of tables."""
    for table in tables:
        yield from table.items()
