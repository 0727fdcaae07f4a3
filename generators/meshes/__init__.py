"""Triangle meshes: building, normals, unique rows."""
