"""Readers of mesh files: one module per format. Each turns the bytes of a file into parts (`parts.Part`), as the file says.

They are our own because libraries silently lose visible properties. Of 128 ways to write one textured or coloured square
(`tests/generators/sources/formats/test_seen_*.py`), trimesh 5.2 shows 31 as the file says, and 59 if every texture is drawn on white
instead of on its default grey: it ignores options of `map_Kd`, further libraries, other spellings of file names, colours beside texture
coordinates, `COLOR_0` beside a material, transforms and second sets of texture coordinates, normalized and sparse data, colours of OFF;
one colour a quad in a PLY raises IndexError. plyfile 1.1 refuses 8 of 38 PLY files that are in use (`200.0` or 300 for a byte, `int64`),
and takes 2.5 s for 400,000 faces that `ply_elements` reads in 0.01 s. pygltflib decodes no accessors. Text STL is read by trimesh,
polygons are cut by manifold3d, images decoded by Pillow, and Draco, meshopt and Basis Universal by the packages of the extra `gltf`.
"""
