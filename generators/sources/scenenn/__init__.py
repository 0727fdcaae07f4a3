"""SceneNN as a source of rooms."""
