"""Experiments of the paper: grids of runs, their records, and the figures made from these."""
