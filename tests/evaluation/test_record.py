import json
from pathlib import Path

import pytest
from records import Colour

from pixbench.errors import UserError
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.record import find_records, read_record


def test_unknown_fields_of_a_record_are_refused(source: DatasetPairs, tmp_path: Path) -> None:
    path, _ = evaluate(Colour(), source, tmp_path)
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, "surprise": 1}))
    with pytest.raises(UserError, match="surprise"):
        read_record(path)


def test_records_are_validated(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"format": "pixbench-record", "surprise": 1}')
    with pytest.raises(UserError, match=r"bad\.json is not a record"):
        find_records([tmp_path])
    (tmp_path / "bad.json").write_text('{"format": "something else"}')
    assert find_records([tmp_path]) == []
