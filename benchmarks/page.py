"""How long the page takes from a moved probe to its answer: one and four models of 32 channels on 256 x 256 pixels, in Chromium.

Milliseconds between the page's handler being called and its return: distances to all 65,536 target pixels, the nearest, the map's colours.
What the browser then spends on showing the canvas is not in it.
"""

import argparse
import json
import re
import shutil
import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright

from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.generation import generate
from pixbench.generation.protocol import GENERATORS
from pixbench.models.loading import load_model
from pixbench.page.matches import MatchesPart, Shown
from pixbench.page.site import Site

SIZE, PROBES = 256, 60
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")


def measure(source: DatasetPairs, models: int, folder: Path) -> dict[str, float]:
    shown = [Shown(f"model {k}", None, load_model("baseline:random-unet")) for k in range(models)]
    Site([MatchesPart(source, shown, limit=1)], "benchmark").write(folder)
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto((folder / "index.html").as_uri() + "#matches")
        page.wait_for_selector("main[data-ready=matches]", timeout=120_000)
        box = page.get_by_role("img", name=re.compile("source")).bounding_box()
        readout = page.locator("#match-readout")
        for k in range(PROBES):
            page.mouse.move(box["x"] + box["width"] * (0.1 + 0.8 * k / PROBES), box["y"] + box["height"] * (0.2 + 0.01 * (k % 40)))
            page.wait_for_timeout(60)
            found.append(json.loads(readout.get_attribute("data-probe"))["ms"])
        browser.close()
    warm = sorted(found[10:])
    return {"median_ms": median(warm), "p95_ms": warm[int(0.95 * len(warm))], "first_ms": found[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        config = GENERATORS.get("3d").config_type(split="test", scenes=1, views=2, size=SIZE, seed=5)
        generate("3d", config, folder / "data")
        source = DatasetPairs(folder / "data", "data", 4)
        results = {f"{models}_models": measure(source, models, folder / f"page-{models}") for models in (1, 4)}
    for name, numbers in results.items():
        print(name.replace("_", " "), ", ".join(f"{key.removesuffix('_ms')} {value:.1f} ms" for key, value in numbers.items()))
    if arguments.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
