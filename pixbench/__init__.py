"""PixBench: images with proved pixel correspondences, per-pixel descriptors, and an honest table.

Nothing heavy is imported here, so that `pixbench --help` answers at once.
"""

__version__ = "0.1.0"
