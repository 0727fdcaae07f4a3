"""The renderer `pyrender`: images by OpenGL."""

from .renderer import PyrenderRenderer

__all__ = ["PyrenderRenderer"]
