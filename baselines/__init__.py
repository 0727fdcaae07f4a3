"""Baselines that the method is compared with: one file per method."""

if __name__ != "pixbench.baselines":
    raise ImportError("import this folder as 'pixbench.baselines' (pip install -e .), not as 'baselines'")

DEMO = ("oracle", "rgb-patch", "dense-sift", "random-unet")
"""Baselines that `pixbench demo` scores beside the trained model."""

REFERENCES = ("dense-sift", "daisy", "xfeat")
"""Descriptors that the experiment `budgets` draws as reference lines: they are not trained there."""
