"""Probes of frozen descriptors: classification, segmentation, structure of channels."""
