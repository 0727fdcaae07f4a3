"""The 3D generator: furnished rooms seen by several cameras."""
