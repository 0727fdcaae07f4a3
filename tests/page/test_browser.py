"""The page in a real browser: every view is loaded, hovered over, and compared with the files."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browser import PATIENCE_MS, hover, opened
from playwright.sync_api import Page, expect

from pixbench.dataset.reader import Dataset
from pixbench.evaluation.matching.predictions import read_predictions
from pixbench.evaluation.model import image_batch
from pixbench.evaluation.record import read_record
from pixbench.evaluation.suite import Opening
from pixbench.geometry.correspondence import Status
from pixbench.models.loading import load_model
from pixbench.page.collect import build_site
from pixbench.page.matches import quantised

pytestmark = pytest.mark.slow

RESULTS = Path(__file__).parents[2] / "results"

TABS = ("overview", "scenes", "matches", "channels", "table", "experiment1")


def test_hovered_pixel_shows_its_true_matches(page: Page, address: str, tiny: Path) -> None:
    opened(page, address, "scenes")
    scene = Dataset(tiny).scene(0)
    size = scene.read("rgb").shape[1]
    seen = set()
    for x, y in ((24, 24), (10, 30), (40, 20), (5, 44)):
        hover(page, "view 1", x, y, size)
        for target in (0, 2):
            row = next(k for k, pair in enumerate(scene.read("pairs")) if tuple(pair) == (1, target))
            frame = page.get_by_role("img", name=f"view {target}", exact=True)
            expect(frame).to_have_attribute("data-match", re.compile(f'"x":{x},"y":{y},'), timeout=PATIENCE_MS)
            found = json.loads(frame.get_attribute("data-match") or "")
            status = int(scene.read("status", row)[y, x])
            seen.add(status)
            assert (found["source"], found["y"], found["status"]) == (1, y, status)
            uv = scene.uv(1, target)[y, x]
            if not np.isnan(uv).any():
                assert (found["u"], found["v"]) == (float(uv[0]), float(uv[1]))
            name = Status(status).name.lower().replace("_", " ")
            assert name in page.locator("figure", has=frame).inner_text()
    assert len(seen) > 1
    instance = int(scene.read("instance", 1)[44, 5])
    assert ("room" if instance == 1 else f"instance {instance}") in page.locator("#scene-readout").inner_text()
    # The keyboard does what the mouse does.
    page.get_by_role("img", name="view 1", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    expect(page.locator("#scene-readout")).to_contain_text("pixel (6, 36)", timeout=PATIENCE_MS)
    page.keyboard.press("j")
    expect(page.get_by_label("scene", exact=True)).to_have_value("1", timeout=PATIENCE_MS)
    for layer in ("depth", "normals", "instances", "status"):
        page.get_by_role("button", name=layer, exact=True).click()


def test_matches_agree_with_the_files_and_an_exact_search(page: Page, address: str, records: Path, tiny: Path) -> None:
    opened(page, address, "matches")
    readout = page.locator("#match-readout")
    pair = json.loads(readout.get_attribute("data-probe") or "")["pair"]
    # The first is the middle pair of the first model's, from the worst to the best.
    rows = (records / "random-unet.pairs.csv").read_text().splitlines()
    column = rows[0].split(",").index("delta_avg")
    scores = sorted(float(row.split(",")[column]) for row in rows[1:] if row.split(",")[column])
    assert pair["scores"][0]["delta_avg"] == pytest.approx(scores[len(rows[1:]) // 2])

    scene = Dataset(tiny).scene(pair["scene"])
    size = scene.read("rgb").shape[1]
    predictions = read_predictions(records / "random-unet.h5")
    place = [tuple(map(int, row)) for row in predictions.pairs].index((pair["scene"], pair["a"], pair["b"]))
    answers = predictions.answers[place]
    x, y = map(int, answers.pixel[len(answers.pixel) // 3])
    hover(page, f"view {pair['a']}, source", x, y, size)
    expect(readout).to_have_attribute("data-probe", re.compile(f'"x":{x},"y":{y},'), timeout=PATIENCE_MS)
    found = json.loads(readout.get_attribute("data-probe") or "")
    stored = answers.matches.uv[len(answers.pixel) // 3]
    assert found["answers"][0] == {"u": float(np.float32(stored[0])), "v": float(np.float32(stored[1])), "from": "stored"}
    assert found["truth"] == [float(value) for value in scene.uv(pair["a"], pair["b"])[y, x]]

    # In another norm the page itself searches; numpy searches the same quantised levels.
    model: Any = load_model("baseline:random-unet")
    with torch.inference_mode():
        dense = [model.dense(image_batch(image))[0].numpy().transpose(1, 2, 0) for image in scene.read("rgb")]
    levels, _ = quantised(dense)
    for name, order in (("ℓ1", 1), ("ℓ2", 2)):
        page.get_by_role("button", name=name, exact=True).click()
        answer = json.loads(readout.get_attribute("data-probe") or "")["answers"][0]
        apart = levels[pair["b"]].astype(float) - levels[pair["a"]][y, x]
        row, column = np.unravel_index(int(np.linalg.norm(apart, ord=order, axis=2).argmin()), (size, size))
        assert answer == {"u": column + 0.5, "v": row + 0.5, "from": "live"}
    visible = int((scene.read("status", place % 6)[tuple(answers.pixel.T[::-1])] == Status.VISIBLE).sum())
    whole = read_record(records / "random-unet.json")
    text = page.locator("figure", has_text="random-unet").last.inner_text()
    assert f"δ_avg {whole.value('delta_avg'):.3f}, PCK@4 {whole.value('pck@4'):.3f}" in text
    assert f"{visible} visible queries" in page.locator("figcaption", has_text="random-unet").last.inner_text()


def test_channels_show_the_segments_of_their_codes(page: Page, address: str, tiny: Path) -> None:
    opened(page, address, "channels")
    figures = page.locator(".channels figure")
    model: Any = load_model("baseline:random-unet")
    image = Dataset(tiny).scene(0).read("rgb")
    with torch.inference_mode():
        dense = [model.dense(image_batch(each))[0].numpy().transpose(1, 2, 0) for each in image]
    levels = quantised(dense)[0][0]
    assert figures.count() == levels.shape[2]
    while page.locator(".channels figure[aria-pressed=true]").count():
        page.locator(".channels figure[aria-pressed=true]").first.click()
    for channel in (0, 3):
        figures.nth(channel).click()
    planes = levels[..., [0, 3]].reshape(-1, 2)
    ordered = np.sort(planes, axis=0)
    at = [math.floor(share * (len(planes) - 1) + 0.5) for share in (0.05, 0.95)]
    middle = ordered[at].mean(axis=0)
    segments = len(np.unique(planes > middle, axis=0))
    assert page.locator("#code-readout").get_attribute("data-segments") == str(segments)
    assert "channels 0, 3" in page.locator("#code-readout").inner_text()


def test_the_table_sorts_and_opens_records(page: Page, address: str, records: Path) -> None:
    opened(page, address, "table")
    names = page.locator("tbody td.name > button")
    by_score = names.all_inner_texts()
    values = {name: read_record(records / f"{name}.json").metrics["delta_avg"].value for name in ("random-unet", "rgb-patch")}
    assert by_score == sorted(values, key=lambda name: -values[name])  # type: ignore[operator]
    cell = page.locator("tbody tr", has_text="rgb-patch").locator("td[data-metric=delta_avg]")
    assert cell.inner_text() == f"{values['rgb-patch']:.3f}"
    assert "TAP-Vid" in (cell.get_attribute("title") or "")
    page.get_by_role("columnheader", name="model").click()
    assert names.all_inner_texts() == sorted(values)
    page.get_by_role("columnheader", name="model").click()
    assert names.all_inner_texts() == sorted(values, reverse=True)
    names.filter(has_text="rgb-patch").click()
    shown = json.loads(page.locator("dialog pre").inner_text())
    assert shown["metrics"]["delta_avg"]["value"] == values["rgb-patch"]
    page.get_by_role("button", name="Close").click()


def test_experiment_1_shows_every_run(page: Page, address: str) -> None:
    opened(page, address, "experiment1")
    cells = [json.loads(path.read_text()) for path in sorted((RESULTS / "experiment1-cpu" / "cells").glob("*.json"))]
    assert page.locator("circle.run").count() == 2 * len(cells)
    cell = cells[-1]
    page.locator(f"circle.run[data-cell='{len(cells) - 1}']").first.click()
    page.wait_for_selector(f"#run[data-cell='{len(cells) - 1}']")
    words = page.locator("#run h2").inner_text()
    assert f"ID {cell['id']:.3f}, OOD {cell['ood']:.3f}, {cell['class']}" in words
    points = page.locator("#run polyline").get_attribute("points") or ""
    assert len(points.split()) == len(cell["losses"])
    assert page.locator("#run .maps canvas").count() == sum(map(len, cell["channels"]))


def test_written_page_opens_from_disk(page: Page, tiny: Path, records: Path, tmp_path: Path) -> None:
    sources = [str(tiny), str(records / "random-unet.json"), str(RESULTS / "experiment1-cpu")]
    build_site(sources, Opening(records), limit=2).write(tmp_path / "page")
    for tab in TABS:
        opened(page, (tmp_path / "page" / "index.html").as_uri(), tab)
        assert page.locator(".error").count() == 0
    assert "2 of 3 scenes" in _main_text(page, (tmp_path / "page" / "index.html").as_uri(), "scenes")


def _main_text(page: Page, address: str, tab: str) -> str:
    opened(page, address, tab)
    return page.locator("main").inner_text()


@pytest.mark.parametrize(("width", "height"), [(390, 760), (1600, 1000)])
def test_layout_fits_the_window_width(page: Page, address: str, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    for tab in TABS:
        opened(page, address, tab)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
@pytest.mark.parametrize("tab", ["scenes", "matches"])
def test_layout_is_stable_while_hovering(page: Page, address: str, tab: str, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    opened(page, address, tab)
    frame = page.locator(".pictures .picture").first
    frame.scroll_into_view_if_needed()
    parts = ".picture, .readout, .legend, .plots, .thumbs"
    layout = f"[...document.querySelectorAll('{parts}')].map((each) => JSON.stringify(each.getBoundingClientRect()))"
    words = "document.querySelector('.readout').innerText + [...document.querySelectorAll('.status')].map((each) => each.innerText)"
    first, seen = page.evaluate(layout), set()
    box = frame.bounding_box()
    assert box is not None
    for x, y in ((0.1, 0.2), (0.5, 0.5), (0.9, 0.3), (0.3, 0.9), (0.7, 0.75)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.wait_for_timeout(300)
        assert page.evaluate(layout) == first
        seen.add(page.evaluate(words))
    assert len(seen) > 1
    text = page.evaluate(words)
    page.wait_for_timeout(2000)
    assert page.evaluate(words) == text
    assert page.evaluate(layout) == first
    page.set_viewport_size({"width": 1280, "height": 900})
