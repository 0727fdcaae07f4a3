"""Stored arrays of a scene other than its images, against the cameras, poses and triangles from which they follow."""

from pathlib import Path

import numpy as np
import pytest
from shapes import asset_of, box

from pixbench.dataset.pair_histogram import pair_histogram
from pixbench.dataset.reader import Dataset
from pixbench.generators.boxes import amodal_boxes, visible_boxes
from pixbench.generators.rooms.appearance import black_body
from pixbench.generators.scene import Placed
from pixbench.geometry.cameras import Camera, look_at, transform_points
from pixbench.geometry.correspondence import Status
from pixbench.geometry.pixels import in_image, nearest_pixel_index

K = np.array([[100.0, 0, 50], [0, 100, 50], [0, 0, 1]])


def test_visible_boxes_enclose_instance_pixels() -> None:
    instance = np.zeros((1, 6, 8), np.uint16)
    instance[0, 2:4, 3:7] = 2
    instance[0, 0, 0] = 4
    boxes = visible_boxes(instance, 3)
    assert boxes[0, 0].tolist() == [3, 2, 7, 4]
    assert np.isnan(boxes[1, 0]).all()
    assert boxes[2, 0].tolist() == [0, 0, 1, 1]


def test_amodal_boxes_enclose_projected_corners() -> None:
    # A cube of 1 m whose front face is 3 m before the camera: 100 / 3 px wide, centred, and it reaches out of a smaller image.
    cube = Placed(asset_of(box(1, 1, 1)), np.eye(4))
    ahead = Camera(K, look_at(np.array([0, -3.5, 0.5]), np.array([0, 0, 0.5])), 100, 100)
    away = Camera(K, look_at(np.array([0, -3.5, 0.5]), np.array([0, -9, 0.5])), 100, 100)
    boxes = amodal_boxes((cube,), (ahead, away))
    assert np.allclose(boxes[0, 0], [50 - 50 / 3, 50 - 50 / 3, 50 + 50 / 3, 50 + 50 / 3], atol=1e-4)
    assert np.isnan(boxes[0, 1]).all()


def test_tracks_agree_with_dense_ground_truth(tiny: Path) -> None:
    dataset = Dataset(tiny)
    tracked = visible = 0
    for scene in dataset.scenes():
        point, uv, status, instance = (scene.read(f"track_{name}") for name in ("point", "uv", "status", "instance"))
        assert len(point) == 256
        assert (status == Status.VISIBLE).any(axis=1).all()
        assert 0.2 < (instance >= 2).mean() < 0.8
        for view in range(3):
            camera = scene.camera(view)
            expected, depth = camera.project(point)
            front = depth > 0
            assert np.allclose(uv[front, view], expected[front], atol=1e-9)
            seen = status[:, view] == Status.VISIBLE
            assert in_image(uv[seen, view], 48, 48).all()
            column, row = nearest_pixel_index(uv[seen, view], 48, 48).T
            # Where a point is visible, its pixel shows the same instance and depth, up to the surface's slope within the pixel.
            assert (scene.read("instance", view)[row, column] == instance[seen]).mean() > 0.99
            assert np.median(np.abs(scene.read("depth_m", view)[row, column] / depth[seen] - 1)) < 0.01
            tracked, visible = tracked + len(point), visible + int(seen.sum())
    assert visible > 0.4 * tracked
    dataset.close()


def test_object_coordinates_and_distance_agree_with_pose_and_depth(tiny: Path) -> None:
    dataset = Dataset(tiny)
    scene = dataset.scene(0)
    coordinates, instance, points = scene.object_coordinates(1), scene.read("instance", 1), scene.points(1)
    assert np.isnan(coordinates[instance < 2]).all()
    on = coordinates[instance >= 2]
    assert ((on > -1e-3) & (on < 1 + 1e-3)).all()
    for index, (T, (low, high)) in enumerate(zip(scene.read("object_T_world_obj"), scene.read("object_bounds_m"), strict=True)):
        here = instance == 2 + index
        assert np.allclose(transform_points(T, low + coordinates[here] * (high - low)), points[here], atol=1e-9)
    distance, depth = scene.distance_m(1), scene.read("depth_m", 1)
    assert (distance[np.isfinite(depth)] >= depth[np.isfinite(depth)]).all()
    assert distance[24, 24] == pytest.approx(depth[24, 24], rel=1e-3)
    dataset.close()


def test_pair_keys_filter_by_overlap_and_angle(tiny: Path) -> None:
    dataset = Dataset(tiny)
    keys = dataset.pair_keys()
    shares = {key: dataset.pair(key).visible.mean() for key in keys}
    middle = float(np.median(list(shares.values())))
    hard = dataset.pair_keys(overlap=(0.0, middle - 1e-6))
    assert {key for key in keys if shares[key] < middle - 1e-6} == set(hard)
    scene = dataset.scene(0)
    angles = scene.read("pair_angle_deg")
    chosen = dataset.pair_keys(angle_deg=(0.0, float(np.median(angles))))
    assert sum(key.scene == 0 for key in chosen) == (angles <= np.median(angles)).sum()
    # The angle at points visible in both views, recomputed from stored depth.
    key = keys[0]
    seen = dataset.pair(key).visible
    rays = [scene.camera(view).centre - scene.points(key.a)[seen] for view in (key.a, key.b)]
    cosine = np.einsum("ij,ij->i", *rays) / np.prod([np.linalg.norm(ray, axis=1) for ray in rays], axis=0)
    assert np.median(np.degrees(np.arccos(cosine))) == pytest.approx(angles[key.row], abs=1.5)
    counted = dataset.manifest.pair_histogram
    assert np.sum(counted["counts"]) + counted["blind"] == len(keys)
    dataset.close()


def test_pair_histogram_matches_hand_computed_counts() -> None:
    found = pair_histogram([(np.array([0.05, 0.55, 0.0]), np.array([3.0, 50.0, np.nan])), (np.array([0.55]), np.array([52.0]))])
    assert found["blind"] == 1
    assert found["counts"][0][0] == 1
    assert found["counts"][5][5] == 2
    assert np.sum(found["counts"]) == 3


def test_black_body_is_red_at_low_and_blue_at_high_temperature() -> None:
    assert np.allclose(black_body(6500.0), 1.0)
    warm, cold = black_body(3000.0), black_body(10000.0)
    assert warm[0] > 1.3 > 1.0 > 0.5 > warm[2]
    assert cold[2] > 1.1
    assert cold[0] < 0.95
