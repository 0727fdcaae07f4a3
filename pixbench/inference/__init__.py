"""Inference on the user's own images: descriptors of an image, matches between two."""
