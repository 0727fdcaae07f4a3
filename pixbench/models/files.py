"""Names of the two files of a checkpoint. Imports no torch, so that shipped models can be listed quickly."""

CONFIG = "checkpoint.json"
WEIGHTS = "weights.safetensors"
