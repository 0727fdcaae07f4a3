"""Data sets and runs for others: descriptions that catalogues read, and copies on a hub."""
