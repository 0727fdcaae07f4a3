import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from records import evaluated

from pixbench.evaluation.suite import Opening
from pixbench.page.collect import build_site
from pixbench.page.serve import make_server
from pixbench.page.site import Site

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture(scope="module")
def records(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return evaluated(tiny, tmp_path_factory.mktemp("records"), "rgb-patch", "random-unet")


@pytest.fixture(scope="module")
def site(tiny: Path, records: Path) -> Site:
    sources = [str(tiny), str(records / "random-unet.json"), str(records / "rgb-patch.json"), str(RESULTS / "experiment1-cpu")]
    return build_site(sources, Opening(records))


@pytest.fixture(scope="module")
def address(site: Site) -> Iterator[str]:
    with make_server(site, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(scope="module")
def page() -> Iterator[object]:
    """A browser page; playwright is imported only when a test uses it."""
    from browser import browser_page

    with browser_page() as page:
        yield page
