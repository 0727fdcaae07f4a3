"""Where objects and rooms come from: one protocol for each, and one file a source."""
