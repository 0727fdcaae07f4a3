"""Rooms, objects and textures made from a seed alone: the data that needs no download."""
