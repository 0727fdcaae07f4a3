"""The two files of a checkpoint. Known without torch, so that what ships can be listed at once."""

CONFIG = "checkpoint.json"
WEIGHTS = "weights.safetensors"
