"""The web page: what `pixbench view` serves, and `pixbench report` writes as a folder that opens from disk."""
