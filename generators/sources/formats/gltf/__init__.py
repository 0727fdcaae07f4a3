"""Reads glTF 2.0, as `.gltf` with files beside it or as `.glb`."""
