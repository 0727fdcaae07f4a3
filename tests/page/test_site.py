"""The page's data and server, without a browser."""

import base64
import gzip
import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from records import evaluated

from pixbench.dataset.reader import Dataset
from pixbench.errors import UserError
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.suite import Opening
from pixbench.models.loading import load_model
from pixbench.page.collect import build_site
from pixbench.page.matches import quantised
from pixbench.page.scenes import ScenesPart
from pixbench.page.serve import make_server
from pixbench.page.site import Site, packed
from pixbench.training.config import TrainConfig
from pixbench.training.train import train

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture(scope="module")
def records(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return evaluated(tiny, tmp_path_factory.mktemp("records"), "oracle", "rgb-patch")


@pytest.fixture(scope="module")
def site(tiny: Path, records: Path) -> Site:
    sources = [str(tiny), str(records / "oracle.json"), str(records / "rgb-patch.json"), str(RESULTS / "experiment1-cpu")]
    return build_site(sources, Opening(records))


def data(site: Site, name: str) -> Any:
    text = site.read(f"data/{name}.js").decode()
    key, value = json.loads("[" + text.removeprefix("PixBench.put(").removesuffix(");\n") + "]")
    assert key == name
    return value


def unpacked(value: dict[str, Any]) -> np.ndarray:
    raw = gzip.decompress(base64.b64decode(value["data"]))
    return np.frombuffer(raw, np.dtype(value["dtype"]).newbyteorder("<")).reshape(value["shape"])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "float32"])
def test_arrays_round_trip(dtype: str) -> None:
    array = (np.arange(24).reshape(2, 3, 4) * 7 - 20).astype(dtype)
    assert np.array_equal(unpacked(packed(array.transpose(0, 2, 1))), array.transpose(0, 2, 1))
    assert packed(array) == packed(array)


def test_quantised_distances_approximate_descriptor_distances() -> None:
    rng = np.random.default_rng(0)
    views = [rng.normal(3, [0.1, 1, 5], (6, 7, 3)) for _ in range(2)]
    levels, step = quantised(views)
    assert max(int(np.abs(each.astype(int)).max()) for each in levels) == 127
    for ord_, bound in ((1, 3 * step), (2, np.sqrt(3) * step), (np.inf, step)):
        true = np.linalg.norm(views[0][0, 0] - views[1][5, 6], ord=ord_)
        ours = step * np.linalg.norm(levels[0][0, 0].astype(float) - levels[1][5, 6], ord=ord_)
        assert abs(true - ours) <= bound + 1e-9
    assert quantised([np.ones((2, 2, 3))])[0][0].any() == 0


def test_scenes_match_the_data_set(site: Site, tiny: Path) -> None:
    scene = Dataset(tiny).scene(1)
    found = data(site, "scenes/scene-1")
    assert np.array_equal(unpacked(found["rgb"]), scene.read("rgb"))
    assert np.array_equal(unpacked(found["instance"]), scene.read("instance"))
    truth = data(site, "scenes/truth-1-0-2")
    row = next(k for k, pair in enumerate(scene.read("pairs")) if tuple(pair) == (0, 2))
    assert np.array_equal(unpacked(truth["status"]), scene.read("status", row))
    uv = scene.uv(0, 2)
    known = ~np.isnan(uv)
    assert np.array_equal(unpacked(truth["uv"])[known], uv[known])


def test_a_large_data_set_opens_without_reading_its_scenes(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Dataset(tiny)
    dataset._where = dataset._where * 4000
    monkeypatch.setattr(Dataset, "scene", lambda *_: pytest.fail("a scene was read"))
    part = ScenesPart(dataset)
    index = Site([part], "large").read("data/index.js")
    assert part.index()["scenes"] == 12000
    assert len(index) < 3000


UNKNOWN_PATHS = """
data/scenes/scene-99.js data/scenes/truth-0-0-9.js data/scenes/.js data/matches/pair-0-0-0.js data/matches/view-0-9.js
data/matches/descriptors-0-0-0.js data/experiment1/cell-99.js data/table/record-9.js data/x/y.js ../site.py site.py
"""


@pytest.mark.parametrize("path", UNKNOWN_PATHS.split())
def test_unknown_paths_raise_a_key_error(site: Site, path: str) -> None:
    with pytest.raises(KeyError):
        site.read(path)


def test_written_folder_is_complete_and_replaces_an_older_one(tiny: Path, records: Path, tmp_path: Path) -> None:
    sources = [str(tiny), str(records / "rgb-patch.json")]
    site = build_site(sources, Opening(tmp_path), limit=2)
    count = site.write(tmp_path / "page", lambda done: None)
    files = [path for path in (tmp_path / "page").rglob("*") if path.is_file() and path.name != ".pixbench-page"]
    assert len(files) == count
    index = data(site, "index")
    assert (index["parts"]["scenes"]["shown"], index["parts"]["scenes"]["scenes"]) == (2, 3)
    assert len(index["parts"]["matches"]["pairs"]) == 2
    scores = [pair["scores"][0]["delta_avg"] for pair in index["parts"]["matches"]["pairs"]]
    everything = [
        pair["scores"][0]["delta_avg"] for pair in data(build_site(sources, Opening(tmp_path)), "index")["parts"]["matches"]["pairs"]
    ]
    assert scores == [min(everything), max(everything)]
    smaller = build_site([str(tiny)], Opening(tmp_path), limit=1)
    smaller.write(tmp_path / "page")  # replaces the larger one completely
    assert not list((tmp_path / "page").rglob("pair-*.js"))
    assert not (tmp_path / "page" / "data" / "scenes" / "scene-1.js").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all my work")
    with pytest.raises(UserError, match="mine is not empty and is not a PixBench page"):
        site.write(tmp_path / "mine")
    assert len(list((tmp_path / "mine").iterdir())) == 1


def test_page_makes_no_external_requests(site: Site) -> None:
    for name in site.static():
        text = site.read(name).decode().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text


def test_server_rejects_requests_from_other_hosts(site: Site) -> None:
    with make_server(site, 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        port = server.server_address[1]
        assert server.server_address[0] == "127.0.0.1"

        def get(path: str, host: str = f"127.0.0.1:{port}", asking: str = "same-origin") -> tuple[int, str | None, bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", path, headers={"Host": host, "Sec-Fetch-Site": asking})
            answer = connection.getresponse()
            found = answer.status, answer.getheader("Content-Type"), answer.read()
            connection.close()
            return found

        assert get("/")[0] == 200
        assert get("/data/index.js")[1] == "text/javascript; charset=utf-8"
        assert get("/data/scenes/scene-99.js")[0] == 404
        assert get("/..%2f..%2fsite.py")[0] == 404
        assert get("/", host="evil.example")[0] == 403
        assert get("/data/index.js", asking="cross-site")[0] == 403
        assert get("/", asking="none")[0] == 200
        with pytest.raises(UserError, match=f"--port {port}: .*give another"):
            make_server(site, port)
        server.shutdown()


def test_server_answers_two_hundred_concurrent_clients(site: Site) -> None:
    with make_server(site, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        ready = threading.Barrier(200)

        def ask(number: int) -> int:
            ready.wait()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", ("/", "/data/index.js", "/data/scenes/thumb-0.js")[number % 3])
            status = connection.getresponse().status
            connection.close()
            return status

        with ThreadPoolExecutor(200) as clients:
            assert set(clients.map(ask, range(200))) == {200}
        server.shutdown()


def test_a_run_is_shown_on_a_data_set(tiny: Path, tmp_path: Path) -> None:
    train(tiny, tmp_path / "run", TrainConfig(steps=1, batch=2, points=16))
    site = build_site([str(tmp_path / "run"), str(tiny)], Opening(tmp_path))
    index = data(site, "index")["parts"]["matches"]
    assert [(model["name"], model["described"], model["answers"]) for model in index["models"]] == [("run", True, False)]
    levels = unpacked(data(site, "matches/descriptors-0-1-2")["levels"])
    assert levels.shape == (48, 48, 32)
    assert np.ptp(levels.astype(int)) > 10
    # With a record of the run the norm is the record's, with which its predictions were made.
    evaluate(load_model(str(tmp_path / "run"), p="cosine"), DatasetPairs(tiny, "tiny", 4), tmp_path / "records")
    both = build_site([str(tmp_path / "records" / "run.json"), str(tmp_path / "run"), str(tiny)], Opening(tmp_path))
    (model,) = data(both, "index")["parts"]["matches"]["models"]
    assert (model["p"], model["described"], model["answers"]) == ("cosine", True, True)


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        (["nowhere"], "nowhere: not found; expected a data set, a record"),
        (["{empty}"], "holds no records"),
        (["baseline:oracle"], "baseline:oracle gives no descriptors: give its record"),
        (["{tiny}", "{tiny}"], "a page shows one data set"),
        (["baseline:hog", "baseline:hog", "{tiny}"], "another model is called 'hog' too"),
        ([str(RESULTS / "experiment2-cpu")], "is a sweep of experiment2: the page shows experiment1"),
        ([str(RESULTS.parent / "README.md")], "cannot be shown"),
        (["baseline:rgb-patch", "baseline:hog", "baseline:daisy", "baseline:random-unet", "baseline:dense-sift", "{tiny}"], "5 models"),
    ],
)
def test_invalid_sources_are_rejected(sources: list[str], words: str, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=words):
        build_site([source.format(tiny=tiny, empty=tmp_path / "empty") for source in sources], Opening(tmp_path))
