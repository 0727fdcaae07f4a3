"""Levels of difficulty of a test set: what makes queries hard, which pairs are drawn, and the pairs that were."""
