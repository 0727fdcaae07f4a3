import threading
import time
from collections.abc import Iterator

import pytest
import torch

from pixbench.training.data.prefetch import Pace, fetched_ahead


def test_batches_are_in_order_and_made_by_one_thread() -> None:
    made: list[tuple[str, int]] = []

    def batches() -> Iterator[int]:
        for number in range(7):
            made.append((threading.current_thread().name, torch.get_num_threads()))
            yield number

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert list(fetched_ahead(batches())) == list(range(7))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(made) == {("batches_0", 1)}


def test_batches_are_prefetched_up_to_the_limit() -> None:
    made: list[int] = []

    def batches() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            yield number

    ahead = fetched_ahead(batches(), 3)
    assert next(ahead) == 0
    limit = time.monotonic() + 10
    while len(made) < 4 and time.monotonic() < limit:
        time.sleep(0.001)
    time.sleep(0.05)
    # Three batches are queued, and no more are made before one of them is consumed.
    assert made == [0, 1, 2, 3]
    ahead.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batches")]


def test_errors_are_raised_in_order() -> None:
    def batches() -> Iterator[int]:
        yield 0
        raise OSError("a damaged shard")

    ahead = fetched_ahead(batches())
    assert next(ahead) == 0
    with pytest.raises(OSError, match="a damaged shard"):
        next(ahead)


def test_pace_reports_throughput_and_share_of_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def batches() -> Iterator[int]:
        for number in range(4):
            now[0] += 0.5
            yield number

    pace = Pace()
    for _ in pace.timed(batches()):
        now[0] += 1.5
    # 4 steps of 12 images in 8 seconds, of which 2 were spent on waiting.
    assert pace.report(12) == {"images_per_second": 6.0, "data_share": 0.25}
    now[0] += 50
    pace.restart()
    now[0] += 1
    assert pace.report(12) == {"images_per_second": 0.0, "data_share": 0.0}
