"""Images under homographies and photometric changes."""
