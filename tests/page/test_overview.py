import json
import threading
from pathlib import Path

import numpy as np
import pytest
from browser import PATIENCE_MS, opened
from playwright.sync_api import Page, expect

from pixbench.evaluation.record import read_record
from pixbench.evaluation.suite import Opening
from pixbench.page.collect import build_site
from pixbench.page.serve import make_server

pytestmark = pytest.mark.slow

RESULTS = Path(__file__).parents[2] / "results"


def test_overview_links_to_scenes_matches_and_table(page: Page, address: str, records: Path) -> None:
    opened(page, address, "overview")
    assert page.locator(".sheet button").count() == 3
    page.get_by_role("button", name="scene 2").click()
    page.wait_for_selector("main[data-ready=scenes]", timeout=PATIENCE_MS)
    expect(page.get_by_label("scene", exact=True)).to_have_value("2", timeout=PATIENCE_MS)
    for tab, words in (("matches", "18 pairs of views"), ("table", "2 methods")):
        opened(page, address, "overview")
        page.locator(".cards button", has_text=words).click()
        page.wait_for_selector(f"main[data-ready={tab}]", timeout=PATIENCE_MS)
    # A row links to its matches, sorted by its scores.
    page.locator("tbody tr", has_text="rgb-patch").get_by_role("button", name="matches").click()
    page.wait_for_selector("main[data-ready=matches]", timeout=PATIENCE_MS)
    expect(page.get_by_label("sort by")).to_have_value("[1,true]")


def test_chart_shows_the_groups_of_the_records(page: Page, address: str, records: Path) -> None:
    opened(page, address, "overview")
    found = {name: read_record(records / f"{name}.json") for name in ("random-unet", "rgb-patch")}
    lines = page.get_by_role("img", name="Matching by difficulty").locator("polyline")
    assert lines.count() == 2
    best = max(found.values(), key=lambda record: record.value("delta_avg") or 0)
    values = [group.metrics["delta_avg"] for name, group in best.groups.items() if name.startswith("angle: ")]
    points = [tuple(map(float, point.split(","))) for point in (lines.first.get_attribute("points") or "").split()]
    known = [value for value in values if value is not None]
    # One scale for all points: heights are proportional to the values.
    heights = [210 - y for _, y in points]
    assert np.array(heights) * max(known) == pytest.approx(np.array(known) * max(heights), abs=1e-6)


def test_references_have_no_rank_and_seeds_are_named(page: Page, tmp_path: Path) -> None:
    site = build_site([str(RESULTS / "mini-v1")], Opening(tmp_path))
    table = json.loads(site.read("data/index.js").decode().split(", ", 1)[1].rstrip(");\n"))["parts"]["table"]["tables"][0]
    rows = {row["name"]: row for row in table["rows"]}
    assert rows["oracle"]["rank"] is rows["chance"]["rank"] is None
    ranks = [row["rank"] for row in table["rows"] if not row["reference"]]
    assert ranks[0] == 1
    assert ranks == sorted(ranks)
    with make_server(site, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opened(page, f"http://127.0.0.1:{server.server_address[1]}/", "table")
        assert "reference, not ranked" in page.locator("tbody tr", has_text="oracle").first.inner_text()
        seeded = next(row for row in table["rows"] if len(row["records"]) == 2)
        assert "mean of 2 seeds: " in page.locator("tbody tr", has_text=seeded["name"]).first.inner_text()
        server.shutdown()


def test_table_splits_scores_by_level_and_stratum(page: Page, tmp_path: Path) -> None:
    site = build_site([str(RESULTS / "mini" / f"{name}.json") for name in ("daisy", "hog")], Opening(tmp_path))
    with make_server(site, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opened(page, f"http://127.0.0.1:{server.server_address[1]}/", "table")
        easy = page.locator("tbody tr", has_text="daisy").first.locator("td[data-metric='delta_avg@easy']")
        expect(easy).to_have_text("0.609 (1)")
        page.get_by_text("δ_avg by level, scale, anisotropy, texture").click()
        shown = page.locator("details tbody tr", has_text="daisy").locator("td").all_inner_texts()
        heads = page.locator("details thead tr").nth(1).locator("th").all_inner_texts()
        groups = read_record(RESULTS / "mini" / "daisy.json").groups
        ranges = {name.split(": ")[1].replace(" to ", "–"): group for name, group in groups.items() if name.startswith("texture")}
        assert [words.lower() for words in heads[:5]] == ["model", "easy", "medium", "hard", "0–0.5"]
        assert [words.lower() for words in heads[-5:]] == ["0–2", "2–4", "4–8", "8–16", "16–inf"]
        assert shown[-5:] == [f"{ranges[words.lower()].metrics['delta_avg']:.3f}" for words in heads[-5:]]
        assert (shown[0], len(shown)) == ("daisy", 1 + 3 + 5 + 4 + 5)
        server.shutdown()
