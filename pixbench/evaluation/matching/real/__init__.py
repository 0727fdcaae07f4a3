"""Real pairs with ground truth. `layouts` has one file for each layout that a folder may have."""
