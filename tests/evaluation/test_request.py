from dataclasses import replace
from pathlib import Path

import pytest
from records import Colour

from pixbench.errors import UserError
from pixbench.evaluation.matching.evaluate import evaluate
from pixbench.evaluation.matching.pairs import DatasetPairs
from pixbench.evaluation.record import write_record
from pixbench.evaluation.record_place import check_replaced, file_stem, model_sha256
from pixbench.evaluation.request import EvaluationRequest
from pixbench.evaluation.suite import SUITES, Opening


def test_results_folder_is_named_after_the_suite_or_data_set(tmp_path: Path) -> None:
    opening = Opening(tmp_path)
    assert EvaluationRequest(SUITES.get("mini"), Path("out"), opening).folder == Path("out/mini")
    assert EvaluationRequest(None, Path("out"), opening, data=Path("data/../data/test")).folder == Path("out/test")
    with pytest.raises(UserError, match=r"data/my set v2: 'my set v2' reads as version 2 of a suite; rename the folder"):
        _ = EvaluationRequest(None, Path("out"), opening, data=Path("data/my set v2")).folder
    with pytest.raises(UserError, match="nothing to evaluate on: give a suite or the folder of a data set"):
        _ = EvaluationRequest(None, Path("out"), opening).folder


@pytest.mark.parametrize(
    ("option", "value", "name"),
    [
        ("radius_px", 4.0, "radius"),
        ("query_stride", 2, "query-stride"),
        ("long_side", 640, "long-side"),
        ("trained_on", Path("data"), "trained-on"),
        ("subpixel", True, "subpixel"),
    ],
)
def test_pair_options_are_rejected_without_pairs(option: str, value: object, name: str, tmp_path: Path) -> None:
    suite = SUITES.get("colored-mnist-irm")
    EvaluationRequest(suite, tmp_path, Opening(tmp_path)).refuse_pair_options()
    with pytest.raises(UserError, match=f"--{name}: suite colored-mnist-irm has no pairs; leave it out"):
        EvaluationRequest(suite, tmp_path, Opening(tmp_path), **{option: value}).refuse_pair_options()  # type: ignore[arg-type]


def test_model_names_become_file_names() -> None:
    assert file_stem("hf:facebook/dinov2-small:9") == "hf-facebook-dinov2-small-9"
    assert file_stem("mine_v1.2") == "mine_v1.2"


def test_other_records_are_not_overwritten(source: DatasetPairs, tmp_path: Path) -> None:
    path, record = evaluate(Colour(), source, tmp_path)
    assert record.model_sha256 == model_sha256(Colour())
    suite, recipe = record.data.suite, record.data.recipe_sha256
    check_replaced(path, Colour(), suite, recipe, record.protocol, force=False)
    other = Colour()
    other.p = 1.0
    for model, name, sha256, what in ((other, suite, recipe, "model"), (Colour(), "mini", recipe, "suite"), (Colour(), suite, "0", "data")):
        with pytest.raises(UserError, match=f"is the record of another {what}: "):
            check_replaced(path, model, name, sha256, None, force=False)
        check_replaced(path, model, name, sha256, None, force=True)
    with pytest.raises(UserError, match="another protocol"):
        check_replaced(path, Colour(), suite, recipe, record.protocol.model_copy(update={"query_stride": 9}), force=False)
    # The batch size does not matter.
    check_replaced(path, Colour(), suite, recipe, record.protocol.model_copy(update={"batch": 99}), force=False)


def test_request_checks_the_record_it_would_overwrite(source: DatasetPairs, tmp_path: Path) -> None:
    suite = SUITES.get("mini")
    request = EvaluationRequest(suite, tmp_path, Opening(tmp_path))
    request.check_replaced(Colour())
    path, record = evaluate(Colour(), source, request.folder)
    with pytest.raises(UserError, match=r"mini/colour\.json is the record of another suite"):
        request.check_replaced(Colour())
    replace(request, force=True).check_replaced(Colour())
    # A user's data set is compared once it is opened.
    replace(request, suite=None, data=tmp_path / "mini").check_replaced(Colour())
    same = record.model_copy(update={"data": record.data.model_copy(update={"suite": suite.full_name})})
    write_record(path, same)
    request.check_replaced(Colour())


def test_source_options_are_rejected_without_pairs(tmp_path: Path) -> None:
    opening = Opening(tmp_path, sources={"rooms": "scenenn:x"})
    with pytest.raises(UserError, match="--rooms: suite colored-mnist-irm has no pairs"):
        EvaluationRequest(SUITES.get("colored-mnist-irm"), tmp_path, opening).refuse_pair_options()


def test_model_hash_ignores_the_order_of_info() -> None:
    class InfoModel(Colour):
        def __init__(self, *names: str):
            self._names = names

        @property
        def info(self) -> dict[str, object]:
            return dict.fromkeys(self._names, 1)

    assert model_sha256(InfoModel("a", "b")) == model_sha256(InfoModel("b", "a")) != model_sha256(InfoModel("a", "c"))
