"""Generators of data sets: asset sources, placement, cameras, renderers, and the generators themselves."""

if __name__ != "pixbench.generators":
    raise ImportError("import this folder as 'pixbench.generators' (pip install -e .), not as 'generators'")
