from pathlib import Path
from typing import Any

from records import changed, copied

from pixbench.errors import UserError
from pixbench.evaluation.record import StoredRecord, find_records
from pixbench.evaluation.reproduction import Comparison
from pixbench.leaderboard.submit import check


def test_submission_requirements(results: Path, tmp_path: Path) -> None:
    first = find_records([results])[0]
    stored = copied(first, tmp_path)

    def missing(each: StoredRecord, others: Any = (), rescored: Any = ()) -> dict[str, str]:
        return {one.what: one.missing for one in check(each, others, rescored) if one.missing}

    found = missing(stored, [first])
    assert set(found) == {"it is of a published suite", "its name is its own", "it says what was trained on"}
    data = stored.record.model_dump()["data"]
    good = changed(stored, data={**data, "suite": "mini v1", "trained_on": "0" * 64})
    assert missing(good) == {}
    apart = [Comparison("pck@1", 0.5, 0.4)]
    assert missing(good, rescored=apart) == {"its predictions give its numbers": "pck@1 differ: evaluate again"}
    assert missing(good, rescored=UserError("not here")) == {"its predictions give its numbers": "not here"}
    failed = changed(good, data={**good.record.model_dump()["data"], "failed": {"ValueError: no": 3}})
    assert missing(failed) == {"every pair was answered": "3 pairs failed: ValueError: no"}
    info = {**good.record.model_info, "note": "/home/me/weights.pt"}
    assert "'/home/me/weights.pt' stands in it" in missing(changed(good, model_info=info))["no path of your machine is in it"]
    (tmp_path / stored.record.predictions.file).write_bytes(b"another" * 200_000)
    found = missing(good)
    assert "is not the file" in found["the files that it names lie beside it"]
    assert "has 1400000 bytes" in found["each file is under 1 MB"]
