"""ShapeNetCore as a source of objects."""
