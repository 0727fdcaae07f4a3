"""Files, JSON documents, processes and seeds: what touches the operating system."""
