"""Training objectives: their protocol, and the method's own objectives."""
