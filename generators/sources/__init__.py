"""Sources of objects and of rooms: a protocol for each, and one file or folder per source."""
