"""Runs a generator: writes scenes to shards with one process, several or a cluster; resumable, with the same bytes in each case."""

from .protocol import SPLITS, Generator, GeneratorConfig, HasAssets, MadeScene, scene_name
from .runner import generate

__all__ = ["SPLITS", "Generator", "GeneratorConfig", "HasAssets", "MadeScene", "generate", "scene_name"]
