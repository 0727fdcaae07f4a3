import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pixbench.cli import app


def pixbench(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PIXBENCH_CACHE": str(cwd / "cache"), "COLUMNS": "120"}
    return subprocess.run([sys.executable, "-m", "pixbench", *arguments], cwd=cwd, capture_output=True, text=True, env=environment)


def printed(*arguments: str) -> str:
    """What a command prints, in this process."""
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(*arguments: str, cwd: Path) -> str:
    """Run a command, in this process, that must end with one line, exit code 2 and nothing written."""
    from pixbench.cli import main

    before = sorted(cwd.rglob("*"))
    stderr, environment = io.StringIO(), {"PIXBENCH_CACHE": str(cwd / "cache"), "COLUMNS": "120"}
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(stderr), redirect_stdout(io.StringIO()):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["pixbench", *arguments])
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as end:
            main()
    lines = stderr.getvalue().strip().splitlines()
    assert end.value.code == 2, stderr.getvalue()
    assert len(lines) == 1, stderr.getvalue()
    assert lines[0].startswith("error: ")
    assert sorted(cwd.rglob("*")) == before
    return lines[0]


def test_help_does_not_import_heavy_packages(tmp_path: Path) -> None:
    code = (
        "import sys, pixbench.cli; print([m for m in ('torch', 'numpy', 'h5py', 'pydantic', 'kornia', 'matplotlib') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path).stdout.strip() == "[]"
    run = pixbench("--help", cwd=tmp_path)
    assert run.returncode == 0
    assert all(
        command in run.stdout for command in ("generate", "verify", "train", "evaluate", "leaderboard", "demo", "list", "info", "assets")
    )
    assert pixbench("--version", cwd=tmp_path).stdout.startswith("pixbench ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("generate 4d --out x", "unknown generator '4d': known are 2d, 3d"),
        ("generate 2d --out x --objects procedural", "--objects: generator 2d has no such option"),
        ("generate 3d --out x --scenes 0", "scenes: input should be greater than or equal to 1, got 0"),
        ("generate 3d --out x --views 1", "views: "),
        ("generate 3d --out x --split tset", "split: "),
        ("generate 3d --out x --workers 0", "--workers 0: expected at least 1"),
        ("generate 3d --out x --workers 2 --cluster tcp://127.0.0.1:1", "--workers and --cluster were both given: choose one"),
        ("generate 3d --out x --cluster 127.0.0.1:8786", "--cluster 127.0.0.1:8786: expected an address such as tcp://host:8786"),
        ("generate 3d --out x --set compression=lzf", "compression: input should be 'gzip' or 'zstd', got 'lzf'"),
        ("generate 3d --out x --from-recipe nowhere.json", "nowhere.json does not exist: expected a recipe file"),
        ("recipe nowhere --out x.json", "nowhere is not a data set"),
        ("generate 3d --out x --set colour=red", "unknown setting 'colour'"),
        ('generate 3d --out x --set categories=["chiar"]', "did you mean 'chair'?"),
        ("generate 3d", "Missing option '--out'"),
        ("generate 3d --out x --scenes many", "Invalid value for '--scenes'"),
        ("generate 3d --out x --colour red", "No such option: --colour"),
        ("generate 3d --out x --seed 1 --set seed.x=5", "--set seed.x: seed has no settings inside"),
        ("generate 3d --out x --set fov_deg=[NaN,NaN]", "fov_deg is nan to nan: expected a range within 5 to 150"),
        ("generate 3d --out /dev/null/x", "error: /dev/null"),
        ("generate 3d --out x --set fov_deg=60", "fov_deg: expected a list in brackets, as [1, 2], got 60"),
        ("generate 3d --out x --set locations=3", "locations: expected settings inside, as --set locations.NAME=VALUE, got 3"),
        ("generate 3d --out x --set locations.mugs=y", "unknown source in locations 'mugs': known are procedural"),
        ("generate 3d --out x --split val --set split=train", "--set split=train: there is an option for it, --split"),
        ("generate 3d --out x --objects procedural:nowhere", "'procedural' reads nothing and has no options, got"),
        ("settings 4d", "unknown command with settings '4d': known are 2d, 3d, train"),
        ("verify nowhere", "nowhere is not a data set"),
        ("info nowhere", "nowhere is not a data set"),
        ("evaluate --model baseline:rgb-pach", "unknown baseline 'rgb-pach': did you mean 'rgb-patch'?"),
        ("evaluate --model rgb-patch", "did you mean 'baseline:rgb-patch'?"),
        ("evaluate --model .", ". is not a checkpoint"),
        ("evaluate --model baseline:oracle --suite maxi", "unknown suite 'maxi': known are colored-mnist-authors, "),
        ("evaluate --model baseline:oracle --data nowhere", "nowhere is not a data set"),
        ("evaluate --model baseline:oracle --p 3", "--p 3: expected 1, 2, inf or cosine"),
        ("evaluate --model baseline:oracle --device tpu", "--device tpu: expected auto, cpu or cuda"),
        ("evaluate --model nothing.here:build --trust-code", "No module named 'nothing'; expected package.module:factory"),
        ("evaluate --model baseline:hog --suite colored-mnist-irm --radius 3", "--radius: suite colored-mnist-irm has no pairs"),
        ("evaluate --model baseline:hog --query-stride 3", "--query-stride: suite mini fixes its queries and sizes; use it with --data"),
        ("evaluate --model baseline:hog --rooms scenenn:x", "suite mini is fixed: --rooms cannot change it"),
        ("match a.jpg b.jpg --model baseline:hog", "a.jpg does not exist: expected a picture (PNG, JPEG, WebP or TIFF)"),
        ("match . b.jpg --model baseline:hog", ". is a folder: expected a picture"),
        ("match a.jpg b.jpg --geometry affine", "unknown geometry 'affine': known are essential, fundamental, homography, none"),
        ("match a.jpg b.jpg --out matches.gif", "matches.gif: pictures are written as .png, .jpg or .pdf"),
        ("match a.jpg b.jpg --out nowhere/m.png", "nowhere/m.png: folder nowhere does not exist; make it"),
        ("match a.jpg b.jpg --csv nowhere/m.csv", "nowhere/m.csv: folder nowhere does not exist; make it"),
        ("match a.jpg b.jpg --csv .", ". is a folder: expected the name of a file to write"),
        ("match a.jpg b.jpg --csv ../{cwd}/a.jpg", "a.jpg is a picture to read: expected another name of the file to write"),
        ("match a.jpg b.png --out b.png", "b.png is a picture to read"),
        ("match a.jpg b.jpg --out same.png --csv same.png", "same.png is written already: expected another name"),
        ("describe a.png --out a.png", "a.png is a picture to read"),
        ("match a.jpg b.jpg --max-size 3", "Invalid value for '--max-size'"),
        ("describe a.jpg --out a.npz --model baseline:hog", "a.jpg does not exist: expected a picture"),
        ("describe a.jpg --out a.txt", "a.txt: expected a name that ends in .npz, .h5, .png"),
        ("describe a.jpg --out nowhere/a.npz", "nowhere/a.npz: folder nowhere does not exist; make it"),
        ("export nowhere --out a.onnx", "nowhere: no such path; expected a run"),
        ("export baseline:hog --out a.pt", "a.pt: expected a name that ends in .onnx"),
        ("export baseline:hog --out nowhere/a.onnx", "nowhere/a.onnx: folder nowhere does not exist; make it"),
        ("metrics explain pck@3", "unknown metric 'pck@3': did you mean 'pck@"),
        ("metrics sensitivity nowhere.json", "nowhere.json does not exist"),
        ("metrics sensitivity .", "no records in .: give those that 'pixbench evaluate' wrote"),
        ("model new My-Model", "model name My-Model: expected a Python name in lower case"),
        ("leak-check nowhere nowhere", "nowhere is not a data set"),
        ("train --data nowhere --out x", "nowhere is not a data set"),
        ("train --data nowhere --out x --p 3", "--p 3: expected 1, 2 or inf"),
        ("train --data nowhere --out x --set network.widths=[7] --set network.blocks=[1]", "must be a multiple of head_groups, 8"),
        ("leaderboard show", "results does not exist"),
        ("leaderboard build nowhere", "nowhere does not exist"),
        ("leaderboard verify dense-sift", "results does not exist"),
        ("leaderboard submit nowhere.json", "nowhere.json cannot be read"),
        ("view nowhere --no-browser", "nowhere: not found; expected a data set, a record"),
        ("report page nowhere", "nowhere: not found; expected a data set, a record"),
        ("report experimnt1", "unknown experiment 'experimnt1': did you mean 'experiment1'"),
        ("report experiment1 results", "an experiment takes no sources"),
        ("generate 3d --out x --scenes zwei", "received 'zwei'"),
        ("sweep budgets --seeds 0", "received '0'"),
        ("train --data nowhere --init nowhere --out x", "nowhere is not a checkpoint (it does not exist)"),
        ("croissant nowhere", "nowhere is not a data set"),
        ("hub push nowhere me/x", "nowhere is neither a data set nor a run"),
        ("assets fetch mnits", "unknown asset pack 'mnits': did you mean 'mnist'?"),
        ("assets check shapenett", "unknown object source 'shapenett': did you mean 'shapenet'?"),
        ("assets check sweethome3d:nowhere", "nowhere holds no furniture library (.sh3f)"),
    ],
)
def test_invalid_arguments_give_a_one_line_error(arguments: str, message: str, tmp_path: Path) -> None:
    assert message in refused(*arguments.format(cwd=tmp_path.name).split(), cwd=tmp_path)


def test_empty_argument_is_refused(tmp_path: Path) -> None:
    assert "an argument is empty" in refused("generate", "3d", "--out", "", cwd=tmp_path)


def test_closed_pipe_ends_with_the_code_of_its_signal(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        run = subprocess.run(
            [sys.executable, "-m", "pixbench", "metrics", "list"], cwd=tmp_path, stdout=closed, stderr=subprocess.PIPE, text=True
        )
    assert (run.returncode, run.stderr) == (141, "")


def test_settings_are_listed_with_their_defaults() -> None:
    assert re.search(r"^  min_overlap +0\.15 +float$", printed("settings", "3d"), re.MULTILINE)
    assert re.search(r"^  p +inf +float$", printed("settings", "train"), re.MULTILINE)


def test_metrics_list_and_explain() -> None:
    listed = printed("metrics", "list").splitlines()
    assert len(listed) > 50
    name, version, sha256, *_ = next(line for line in listed if line.startswith("mma@3 ")).split()
    explained = printed("metrics", "explain", name)
    assert version == "v2"
    assert "reprojection error <= 3 px" in explained
    assert f"sha256      {sha256}" in explained


def test_interrupt_raised_as_import_error_exits_as_interrupt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import pixbench.cli

    def interrupted(**_: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise ImportError("numpy cannot be imported") from error

    monkeypatch.setattr(pixbench.cli, "app", interrupted)
    with pytest.raises(SystemExit) as end:
        pixbench.cli.main()
    assert (end.value.code, capsys.readouterr().err) == (130, "stopped\n")


def test_folder_with_other_files_is_left_unchanged(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    assert "is not empty and is not a data set" in refused("generate", "3d", "--out", "mine", cwd=tmp_path)
    assert "is a file" in refused("generate", "3d", "--out", "mine/thesis.txt", cwd=tmp_path)


def test_verify_exits_with_1_and_names_the_damaged_field(tiny: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(tiny, tmp_path / "d")
    shard = tmp_path / "d/shards/00001.h5"
    raw = bytearray(shard.read_bytes())
    raw[len(raw) // 2] ^= 1
    shard.write_bytes(bytes(raw))
    run = pixbench("verify", "d", cwd=tmp_path)
    assert run.returncode == 1
    assert "d/shards/00001.h5: scene 000002, field" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.slow
def test_demo_runs_the_whole_pipeline(tmp_path: Path) -> None:
    run = pixbench("demo", "--fast", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    for name in ("scenes", "truth", "matches", "channels"):
        assert (tmp_path / f"demo/fast/pictures/{name}.png").read_bytes().startswith(b"\x89PNG")
    records = {json.loads(path.read_text())["model"]: json.loads(path.read_text()) for path in tmp_path.glob("demo/fast/results/*.json")}
    assert set(records) == {
        "oracle",
        "rgb-patch",
        "dense-sift",
        "random-unet",
        "stable-weighted-30-steps",
        "pixbench-rooms",
        "pixbench-rooms-infonce",
    }
    assert records["oracle"]["metrics"]["pck@1"]["value"] == 1.0
    assert "| oracle |" in (tmp_path / "demo/fast/results/table.md").read_text()
    shown = pixbench("leaderboard", "show", "demo/fast/results", "--markdown", cwd=tmp_path)
    assert shown.stdout.strip() == (tmp_path / "demo/fast/results/table.md").read_text().strip()
    listed = pixbench("list", cwd=tmp_path).stdout
    assert all(name in listed for name in ("3d", "mini", "oracle", "pretrained:rooms"))
    assert "demo/fast/data/train: generator 3d, split train, 4 scenes" in pixbench("info", "demo", cwd=tmp_path).stdout


@pytest.mark.parametrize("command", ["evaluate --model baseline:hog --data loop", "croissant {data} --out loop", "generate 3d --out loop"])
def test_links_to_themselves_give_a_one_line_error(command: str, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert re.search(
        "loop: (Too many levels of symbolic links|File exists); choose a place", refused(*command.format(data=tiny).split(), cwd=tmp_path)
    )
