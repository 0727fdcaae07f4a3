"""What the method is compared with: one file a method."""

if __name__ != "pixbench.baselines":
    raise ImportError("import this folder as 'pixbench.baselines' (pip install -e .), not as 'baselines'")
