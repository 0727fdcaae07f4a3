"""Cache folders, for files that PixBench can generate or download again."""

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """$PIXBENCH_CACHE, or the user's cache folder."""
    return Path(os.environ["PIXBENCH_CACHE"]) if os.environ.get("PIXBENCH_CACHE") else user_cache_path("pixbench")


def pack_folder(name: str) -> Path:
    """Where `pixbench assets fetch NAME` puts a pack of the data manifest."""
    return cache_folder() / "packs" / name
