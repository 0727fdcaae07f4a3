"""Real pairs with ground truth: one file for each layout that a folder may have."""
