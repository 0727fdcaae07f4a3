"""Baselines that the method is compared with: one file per method."""

if __name__ != "pixbench.baselines":
    raise ImportError("import this folder as 'pixbench.baselines' (pip install -e .), not as 'baselines'")
