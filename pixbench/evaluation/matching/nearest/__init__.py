"""Exact nearest neighbours of descriptors, in bounded memory and with the same answer on every device."""

from .search import BLOCK_BYTES, NORMS, Neighbours, Norm, Window, distances, nearest
from .top_k import Nearest, Separation, nearest_k

__all__ = ["BLOCK_BYTES", "NORMS", "Nearest", "Neighbours", "Norm", "Separation", "Window", "distances", "nearest", "nearest_k"]
