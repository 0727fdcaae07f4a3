"""The 2D generator: images under known homographies."""
