"""Ray casters behind one protocol."""
