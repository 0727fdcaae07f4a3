"""The identity of a model: the hash of its source code and state, independent of its name."""

import hashlib
import inspect
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from torch import Tensor, nn

from ..io.files import file_sha256

PLAIN = (str, bytes, int, float, complex, bool, type(None), Path)
DEEPEST = 40
LEFT_BY_USE = ("described", "grid_px")
"""Attributes that a model gets during inference."""


def model_identity(model: object) -> str:
    """Hash of a model's source files, of local modules that it imports, and of its state: tensors, arrays and plain values. Installed
    packages and Python itself are hashed by name; other objects, such as an open file, by their class.
    """
    walk = _Walk()
    walk.visit(model, 0)
    for path in sorted(walk.sources()):
        walk.digest.update(file_sha256(path).encode())
    return walk.digest.hexdigest()


class _Walk:
    """Traverses a model, visiting each object once."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self._seen: dict[int, Any] = {}
        self._modules: set[str] = set()

    def visit(self, item: Any, depth: int) -> None:
        """Add an object and what it holds."""
        if isinstance(item, PLAIN) or depth > DEEPEST:
            self._say(type(item).__name__, repr(item) if isinstance(item, PLAIN) else "")
            return
        if id(item) in self._seen:
            self._say("again")
            return
        self._seen[id(item)] = item  # kept alive, so that its id is not reused
        if isinstance(item, Tensor | np.ndarray):
            self._array(item)
        elif isinstance(item, ModuleType):
            self._say("module", item.__name__)
        elif isinstance(item, type | FunctionType | MethodType):
            self._code(item, depth)
        else:
            self._holder(item, depth)

    def sources(self) -> set[Path]:
        """The files of the user's modules that were visited, and of those that they import."""
        found: dict[str, Path] = {}
        waiting = set(self._modules)
        while waiting:
            name = waiting.pop()
            path = None if name in found else _own_source(name)
            if path is not None:
                found[name] = path
                waiting |= {_module_of(value) for value in list(vars(sys.modules[name]).values())}
        return set(found.values())

    def _say(self, *words: str) -> None:
        for word in words:
            self.digest.update(word.encode("utf-8", "surrogatepass") + b"\0")

    def _array(self, item: Any) -> None:
        array = item.detach().cpu() if isinstance(item, Tensor) else item
        self._say(str(array.dtype), str(tuple(array.shape)))
        if isinstance(array, Tensor):
            array = array.contiguous().reshape(-1).view(-1)
            array = array.float().numpy() if str(array.dtype) == "torch.bfloat16" else array.numpy()
        if array.dtype.kind != "O":
            self.digest.update(np.ascontiguousarray(array).tobytes())

    def _code(self, item: Any, depth: int) -> None:
        self._say(item.__module__ or "", item.__qualname__)
        self._modules.add(item.__module__ or "")
        if isinstance(item, MethodType):
            self.visit(item.__self__, depth + 1)
        elif isinstance(item, FunctionType):
            for cell in item.__closure__ or ():
                self.visit(_contents(cell), depth + 1)
            self.visit(item.__defaults__, depth + 1)
        else:
            self._modules.update(base.__module__ for base in inspect.getmro(item))

    def _holder(self, item: Any, depth: int) -> None:
        self.visit(type(item), depth + 1)
        for name, value in _entries(item):
            self._say(name)
            self.visit(value, depth + 1)


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _entries(item: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(item, dict):
        yield from sorted(((_word(key), value) for key, value in item.items()), key=lambda part: part[0])
    elif isinstance(item, list | tuple):
        yield from ((str(index), value) for index, value in enumerate(item))
    elif isinstance(item, set | frozenset):
        yield from (("", value) for value in sorted(map(_word, item)))
    elif isinstance(item, nn.Module):
        yield from sorted(item.state_dict(keep_vars=True).items())
        yield from sorted((name, value) for name, value in vars(item).items() if name not in ("_parameters", "_buffers"))
    else:
        yield from sorted((name, value) for name, value in getattr(item, "__dict__", {}).items() if name not in LEFT_BY_USE)


def _word(item: object) -> str:
    """A text for a value that is the same in every process, without memory addresses."""
    return repr(item) if isinstance(item, PLAIN) else type(item).__qualname__


PACKAGES = frozenset(("site-packages", "dist-packages"))
INSTALLED = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib"))
CORE = Path(__file__).resolve().parents[1]


def _module_of(value: Any) -> str:
    """The name of the module that a value is, or comes from."""
    # By type(), not isinstance(): some modules hold objects that warn when they are inspected.
    if issubclass(type(value), ModuleType):
        return str(value.__name__)
    return str(getattr(value, "__module__", "") if issubclass(type(value), type | FunctionType) else type(value).__module__)


def _own_source(name: str) -> Path | None:
    """The file of a module that is neither Python's, nor installed, nor of the core, whose version stands in the record."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if not isinstance(file, str) or not file.endswith(".py"):
        return None
    path = Path(file).resolve()
    installed = not PACKAGES.isdisjoint(path.parts) or any(path.is_relative_to(place) for place in (*INSTALLED, CORE))
    if installed or not path.is_file():
        return None
    return path
