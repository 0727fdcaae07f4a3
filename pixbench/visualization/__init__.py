"""Figures and previews of data sets, matches and descriptors."""
