"""Exact nearest neighbours of descriptors, in bounded memory and with the same answer on every device."""

from .search import BLOCK_BYTES, NORMS, Neighbours, Norm, Window, distances, nearest

__all__ = ["BLOCK_BYTES", "NORMS", "Neighbours", "Norm", "Window", "distances", "nearest"]
