"""External data sets and asset packs: the manifest, downloads, where they are kept, and checks."""
