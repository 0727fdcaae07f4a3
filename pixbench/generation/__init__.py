"""Runs a generator: scenes into shards, on one process, many or a cluster, resumable, the same bytes whatever the way."""

from .protocol import SPLITS, Generator, GeneratorConfig, HasAssets, MadeScene, scene_name
from .runner import generate

__all__ = ["SPLITS", "Generator", "GeneratorConfig", "HasAssets", "MadeScene", "generate", "scene_name"]
