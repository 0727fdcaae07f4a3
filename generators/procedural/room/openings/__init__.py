"""Openings in the walls of procedural rooms: windows with what hangs before them, daylight, and doors."""
