"""Levels of difficulty of a test set: strata of queries, the selection of pairs, and the selected pairs."""
