"""Pixels, cameras, rays, and the ground truth of correspondence between views."""
