"""Renderers behind one protocol: ray casting and OpenGL."""
