"""Readers of mesh files: one module a format. Each turns the bytes of a file into parts (`parts.Part`), as the file says."""
