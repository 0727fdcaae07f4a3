"""Files, JSON documents, processes, threads and seeds: access to the operating system."""
