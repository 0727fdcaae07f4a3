"""Rooms, objects and textures that are generated from a seed alone, without any download."""
