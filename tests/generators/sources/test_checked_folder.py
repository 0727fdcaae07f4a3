"""`pixbench assets check folder:PATH`: the report on every file, as text and as JSON, and the exit code."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from mesh_files import BOX, QUADS, write
from quads import GltfQuad, encoded, obj_quad, with_material
from typer.testing import CliRunner

from pixbench.cli import app

BOX_OBJ = "".join(f"v {x} {y} {z}\n" for x, y, z in BOX) + "".join(f"f {' '.join(map(str, quad))}\n" for quad in QUADS)


def _check(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["assets", "check", *arguments])


def _files() -> dict[str, str | bytes]:
    unknown = GltfQuad().change(extensionsRequired=["ACME_shapes"])
    return {
        "good/box.obj": BOX_OBJ,
        "good/textured.obj": with_material("map_Kd t.png\n")["m.obj"],
        "good/m.mtl": "newmtl a\nmap_Kd t.png\nmap_Bump t.png\n",
        "good/t.png": encoded(),
        "bad/acme.glb": unknown.files()["m.glb"],
        "bad/cut.ply": "ply\nformat ascii 1.0\nelement vertex 3\n",
        "bad/words.obj": "v 0 0 0\nv 1 0 0\nv 0 1 zero\nf 1 2 3\n",
        "bad/empty.stl": b"",
        "other/scene.fbx": b"no",
        "other/._box.obj": b"no",
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "my: files", _files())


def test_check_lists_the_content_or_error_of_every_file(folder: Path) -> None:
    found = _check(f"folder:{folder}", "--list")
    assert found.exit_code == 0, found.output
    listed = found.stdout.partition("all files")[2].partition("\nfolder:")[0]
    rows = dict(line.strip().split("  ", 1) for line in listed.splitlines() if line.strip())
    rows = {name.rpartition("my- files/")[2]: " ".join(text.split()) for name, text in rows.items()}
    assert rows == {
        "good/box.obj": "12 triangles, 1 x 0.4 x 0.6 m, 0 textures; mended: polygons (triangulated) 1",
        "good/textured.obj": "2 triangles, 1 x 0 x 1 m, 1 textures; mended: bump and normal maps (left out) 1; polygons (triangulated) 1",
        "bad/acme.glb": "cannot be used: needs the glTF extension ACME_shapes (bad/acme.glb: write the file without it)",
        "bad/cut.ply": "cannot be used: cannot be parsed (bad/cut.ply: ply: no header that begins with 'ply' and ends with 'end_header')",
        "bad/words.obj": "cannot be used: cannot be parsed (bad/words.obj: v: could not convert string to float: 'zero')",
        "bad/empty.stl": "cannot be used: no faces (bad/empty.stl)",
        "other/scene.fbx": "not listed: format that is not read: .fbx",
        "other/._box.obj": "not listed: hidden file (skipped)",
    }


def test_json_report_agrees_with_text_report(folder: Path) -> None:
    found = _check(f"folder:{folder}", "--json")
    objects = json.loads(found.stdout.splitlines()[-1])["kinds"][0]
    assert (objects["usable"], objects["unusable"]) == (2, 4)
    assert {model["id"].rpartition("/")[2] for model in objects["models"]} == {
        "box.obj", "textured.obj", "acme.glb", "cut.ply", "words.obj", "empty.stl",
    }  # fmt: skip
    assert objects["skipped"] == {"other/scene.fbx": "format that is not read: .fbx", "other/._box.obj": "hidden file (skipped)"}


def test_exit_code_is_1_without_usable_files(folder: Path, tmp_path: Path) -> None:
    found = _check(f"folder:{folder / 'bad'}", "--list")
    assert found.exit_code == 1
    assert "nothing can be used" in str(found.exception)
    assert _check(f"folder:{write(tmp_path / 'sound', {'a.obj': obj_quad('')})}").exit_code == 0
