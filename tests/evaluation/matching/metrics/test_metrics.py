import math
from typing import Any

import numpy as np
import pytest
import torch

from pixbench.evaluation.matching import metrics as matching
from pixbench.evaluation.matching.metrics import matching_metrics
from pixbench.evaluation.matching.metrics.pair_result import PairResult, joined
from pixbench.evaluation.matching.metrics.pose import ESTIMATORS, area_under_recall, corner_error_px, opencv_homography, pose_error_deg
from pixbench.evaluation.metric import Metric
from pixbench.evaluation.probing.classification import calibration_error
from pixbench.evaluation.probing.pixel_classes import PixelClasses, mean_iou, pixel_accuracy, pixel_calibration_error
from pixbench.evaluation.probing.read_out import Classified, accuracy
from pixbench.evaluation.task import METRICS
from pixbench.geometry.cameras import Camera, inverse_rigid, look_at
from pixbench.image.homography import apply_homography


def make_result(error: Any = (), **given: Any) -> PairResult:
    """A result of visible queries with these errors; other fields are empty unless given."""
    error = np.asarray(error, float)
    matches = len(given.get("match_error_px", ()))
    values: dict[str, Any] = {
        "error_px": error,
        "closer": np.full(len(error), math.nan),
        "visible": np.ones(len(error), bool),
        "cycle_error_px": np.full(len(error), math.nan),
        "uv_a": np.zeros((matches, 2)),
        "uv_b": np.zeros((matches, 2)),
        "ratio": np.zeros(matches),
        "match_error_px": np.empty(0),
        "width": 128,
        "height": 96,
        "side_b_px": np.full(len(error), 128.0),
    }
    return PairResult(**{**values, **given})


def per_pair(result: PairResult) -> dict[str, float]:
    return matching.per_pair(result, matching_metrics())


def summarise(pairs: list[dict[str, float]]) -> dict[str, float]:
    return matching.summarise(pairs, matching_metrics())


def pooled(results: list[PairResult]) -> dict[str, float]:
    return matching.pooled(results, matching_metrics())


def test_pck_and_epe_match_hand_computed_values() -> None:
    # Two pairs: errors 0, 1, 3 and 20 px; and one of 5 px. A third without points counts nowhere.
    results = [make_result([0.0, 1.0, 3.0, 20.0]), make_result([5.0]), make_result()]
    means, everything = summarise([per_pair(each) for each in results]), pooled(results)
    assert (means["pck@1"], everything["pck@1"]) == (pytest.approx((0.5 + 0) / 2), pytest.approx(2 / 5))
    assert (means["pck@4"], everything["pck@4"]) == (pytest.approx((0.75 + 0) / 2), pytest.approx(3 / 5))
    assert (means["pck@8"], everything["pck@8"]) == (pytest.approx((0.75 + 1) / 2), pytest.approx(4 / 5))
    assert (means["epe_mean"], everything["epe_mean"]) == (pytest.approx((6 + 5) / 2), pytest.approx(29 / 5))
    assert (means["epe_median"], everything["epe_median"]) == (pytest.approx((2 + 5) / 2), pytest.approx(3))


def test_metrics_of_empty_results_are_nan() -> None:
    values = {**summarise([per_pair(make_result())]), **pooled([make_result()])}
    assert all(math.isnan(value) for value in values.values())
    assert pooled([]).keys() == {metric.id for metric in matching_metrics()}


def test_tap_vid_delta_matches_hand_computed_values() -> None:
    # Thresholds are exclusive, and errors are scaled to an image of 256 px: this one is half as large.
    error = [1.0, 2.0, 4.0, 8.0, 16.0]
    assert METRICS.get("delta_avg")(make_result(error)) == pytest.approx((0 + 1 + 2 + 3 + 4) / 25)
    # Scaled: 2, 4, 8, 16, 32.
    assert METRICS.get("delta_avg_256")(make_result(error)) == pytest.approx((0 + 0 + 1 + 2 + 3) / 25)
    assert METRICS.get("pck@1")(make_result(error)) == pytest.approx(1 / 5)


def test_d2_net_mma_matches_hand_computed_values() -> None:
    # Three matches at 0.5, 3 and 7.5 px, and one of a point that the target does not see.
    matches = make_result([1.0], match_error_px=np.array([0.5, 3.0, 7.5, math.inf]))
    assert [METRICS.get(f"mma@{px}")(matches) for px in (1, 2, 3, 7, 8, 10)] == [0.25, 0.25, 0.5, 0.5, 0.75, 0.75]
    # A pair without matches scores 0, and counts in the mean.
    assert METRICS.get("mma@3")(make_result([1.0])) == 0.0
    assert summarise([per_pair(matches), per_pair(make_result([1.0]))])["mma@3"] == 0.25


def test_metrics_of_keypoint_matchers_match_hand_computed_values() -> None:
    # Two of three queries lie near a match, of which one is wrong; one of its two matches is within 3 px.
    found = make_result([0.5, math.inf, 20.0], covered=np.array([True, False, True]), match_error_px=np.array([3.0, 20.0]), level="easy")
    values = per_pair(found)
    assert values["coverage"] == pytest.approx(2 / 3)
    assert (values["mma@3@easy"], math.isnan(values["mma@3@hard"])) == (0.5, True)
    # A pair without a match counts.
    assert per_pair(make_result([math.inf], covered=np.array([False]), level="easy"))["mma@3@easy"] == 0.0
    # After joining, all queries have equal weight: three of four.
    assert METRICS.get("coverage")(joined([found, make_result([1.0], covered=np.array([True]))])) == 0.75
    dense = per_pair(make_result([0.5, 20.0], match_error_px=np.array([3.0]), level="easy"))
    assert all(math.isnan(dense[name]) for name in ("coverage", "mma@3@easy"))


def test_loftr_auc_matches_hand_computed_values() -> None:
    # Errors 2, 4, 8 and a failure, up to 10: recall rises by a quarter at each, with straight lines between, then stays.
    errors = np.array([8.0, 2.0, math.inf, 4.0])
    expected = (0.5 * 2 * 0.25 + 2 * (0.25 + 0.5) / 2 + 4 * (0.5 + 0.75) / 2 + 2 * 0.75) / 10
    assert area_under_recall(errors, 10) == pytest.approx(expected)
    assert area_under_recall(np.array([math.inf]), 5) == 0.0
    assert area_under_recall(np.zeros(3), 5) == 1.0
    assert math.isnan(area_under_recall(np.empty(0), 5))


def test_endpoint_error_matches_kornia() -> None:
    from kornia.metrics import aepe

    rng = np.random.default_rng(0)
    predicted, truth = rng.normal(0, 5, (2, 8, 9, 2))
    flow = [torch.from_numpy(each)[None] for each in (predicted, truth)]
    error = np.linalg.norm(predicted - truth, axis=-1).ravel()
    assert METRICS.get("epe_mean")(make_result(error)) == pytest.approx(float(aepe(*flow, reduction="mean")), abs=1e-6)


def test_occlusion_score_is_chance_corrected_average_precision() -> None:
    from torchmetrics.functional.classification import binary_average_precision

    rng = np.random.default_rng(1)
    visible, error = rng.random(400) < 0.7, rng.random(400)
    found = METRICS.get("occlusion_ap")(make_result(np.zeros(visible.sum()), visible=visible, cycle_error_px=error))
    precision, chance = float(binary_average_precision(torch.from_numpy(error), torch.from_numpy(~visible).long())), (~visible).mean()
    assert found == pytest.approx((precision - chance) / (1 - chance), abs=1e-6)
    # One occluded query of four, the second farthest off: precision 1/2 where it is found, 1/4 by chance.
    hand = make_result(np.zeros(3), visible=np.array([True, True, False, True]), cycle_error_px=np.array([9.0, 1.0, math.inf, math.inf]))
    assert METRICS.get("occlusion_ap")(hand) == pytest.approx((1 / 2 - 1 / 4) / (3 / 4))
    # A constant score is no better than chance.
    same = make_result(np.zeros(3), visible=np.array([True, True, False, True]), cycle_error_px=np.full(4, math.inf))
    assert METRICS.get("occlusion_ap")(same) == pytest.approx(0.0)


def _cameras() -> tuple[Camera, Camera]:
    K = np.array([[300.0, 0, 160], [0, 310.0, 120], [0, 0, 1]])
    target = np.array([0.0, 0.0, 1.0])
    a, b = (look_at(np.array(eye), target, roll_rad=roll) for eye, roll in (([3.0, -1, 1.2], 0.1), ([2.2, 1.5, 1.6], -0.2)))
    return Camera(K, a, 320, 240), Camera(K, b, 320, 240)


@pytest.mark.parametrize("estimator", sorted(ESTIMATORS))
def test_pose_is_recovered_from_exact_matches_with_outliers(estimator: str) -> None:
    a, b = _cameras()
    rng = np.random.default_rng(2)
    points = rng.uniform([-0.8, -0.8, 0.4], [0.8, 0.8, 1.7], (200, 3))
    uv_a, uv_b = a.project(points)[0], b.project(points)[0]
    uv_b[:60] = rng.uniform(0, [320, 240], (60, 2))
    assert pose_error_deg(ESTIMATORS[estimator](uv_a, uv_b, a, b), a, b) < 0.05
    assert ESTIMATORS[estimator](uv_a[:4], uv_b[:4], a, b) is None
    assert pose_error_deg(ESTIMATORS[estimator](uv_a[:60], uv_b[:60], a, b), a, b) > 1


def test_pose_error_matches_hand_computed_values() -> None:
    a, b = _cameras()
    truth = inverse_rigid(b.T_world_cam) @ a.T_world_cam
    R, t = truth[:3, :3], truth[:3, 3] / np.linalg.norm(truth[:3, 3])
    turn = np.array([[math.cos(0.1), -math.sin(0.1), 0], [math.sin(0.1), math.cos(0.1), 0], [0, 0, 1]])
    assert pose_error_deg((R, -t), a, b) == pytest.approx(0, abs=1e-5)
    assert pose_error_deg((R @ turn, t), a, b) == pytest.approx(math.degrees(0.1))
    side = np.cross(t, [0, 0, 1.0])
    side /= np.linalg.norm(side)
    assert pose_error_deg((R, math.cos(0.3) * t + math.sin(0.3) * side), a, b) == pytest.approx(math.degrees(0.3))
    assert pose_error_deg(None, a, b) == math.inf


def test_homography_is_recovered_from_matches_with_outliers() -> None:
    H = np.array([[1.1, 0.05, 4], [-0.03, 0.95, 7], [2e-4, -1e-4, 1]])
    rng = np.random.default_rng(3)
    uv_a = rng.uniform(0, [128, 96], (120, 2))
    uv_b = apply_homography(H, uv_a)
    uv_b[:30] += rng.uniform(20, 40, (30, 2))
    assert corner_error_px(opencv_homography(uv_a, uv_b), H, 128, 96) < 1e-3
    # A shift by (3, 4) is 5 px off at each corner.
    assert corner_error_px(np.array([[1, 0, 3], [0, 1, 4], [0, 0, 1.0]]), np.eye(3), 128, 96) == pytest.approx(5)
    result = make_result([1.0], uv_a=uv_a, uv_b=uv_b, match_error_px=np.zeros(120), homography=H)
    assert summarise([per_pair(result)])["homography_auc@3"] == pytest.approx(1, abs=1e-3)
    assert math.isnan(per_pair(result)["pose_error_deg/magsac"])


def test_joined_concatenates_results() -> None:
    both = joined([make_result([1.0, 2.0]), make_result([5.0], match_error_px=np.array([3.0]))])
    assert both.error_px.tolist() == [1.0, 2.0, 5.0]
    assert both.match_error_px.tolist() == [3.0]


def test_calibration_error_matches_torchmetrics() -> None:
    from torchmetrics.functional.classification import multiclass_calibration_error

    rng = np.random.default_rng(4)
    probability, label = rng.random(500), rng.random(500) < 0.6
    both = torch.from_numpy(np.stack([1 - probability, probability], axis=1))
    expected = float(multiclass_calibration_error(both, torch.from_numpy(label).long(), num_classes=2, n_bins=15, norm="l1"))
    assert calibration_error(Classified(probability, label)) == pytest.approx(expected, abs=1e-6)
    # Confidence 1, correct three times out of four.
    assert calibration_error(Classified(np.ones(4), np.array([True, True, True, False]))) == 0.25
    assert accuracy(Classified(np.array([0.9, 0.5, 0.2]), np.array([True, False, True]))) == pytest.approx(2 / 3)


def test_segmentation_metrics_match_torchmetrics() -> None:
    from torchmetrics.functional.classification import multiclass_accuracy, multiclass_calibration_error, multiclass_jaccard_index

    rng = np.random.default_rng(5)
    probability = rng.dirichlet(np.ones(5), 800)
    truth, predicted = rng.integers(0, 5, 800), probability.argmax(axis=1)
    found = PixelClasses(probability.max(axis=1), predicted, truth)
    predicted_t, truth_t = torch.from_numpy(predicted), torch.from_numpy(truth)
    assert mean_iou(found) == pytest.approx(float(multiclass_jaccard_index(predicted_t, truth_t, num_classes=5)), abs=1e-6)
    assert pixel_accuracy(found) == pytest.approx(
        float(multiclass_accuracy(predicted_t, truth_t, num_classes=5, average="micro")), abs=1e-6
    )
    expected = float(multiclass_calibration_error(torch.from_numpy(probability), truth_t, num_classes=5, n_bins=15, norm="l1"))
    assert pixel_calibration_error(found) == pytest.approx(expected, abs=1e-6)


def test_hash_changes_with_the_definition() -> None:
    def metric(**given: Any) -> Metric:
        return Metric(**{"id": "m", "version": 1, "definition": "d", "value": lambda o: 0.0, "parameters": {"px": 1}, **given})

    first = metric().sha256()
    assert first == metric(value=lambda o: 1.0).sha256()
    assert len({first, metric(version=2).sha256(), metric(definition="e").sha256(), metric(parameters={"px": 2}).sha256()}) == 4
