"""Ids in instance images: 0 where there is no surface, 1 for the room (or the picture of a 2D scene), 2 + k for object k."""

NO_INSTANCE = 0
ROOM_INSTANCE = 1
FIRST_OBJECT = 2
