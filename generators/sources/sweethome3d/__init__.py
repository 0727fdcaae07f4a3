"""Sweet Home 3D as a source of objects and rooms."""
