import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """Conversions of one test are not seen by another."""
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path / "cache"))
