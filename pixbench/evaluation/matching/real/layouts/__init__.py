"""Layouts of folders of real pairs, one file each; the protocol is in `layout.py` beside this folder."""
