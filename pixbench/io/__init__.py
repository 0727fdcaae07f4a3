"""Files, JSON documents, processes, threads and seeds: what touches the operating system."""
