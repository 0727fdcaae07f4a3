"""The descriptor network, its checkpoints, and the loading of any model by name or path."""
