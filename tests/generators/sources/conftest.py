import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """Give each test a mesh cache of its own."""
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path / "cache"))
