"""Furnishing: objects are supported below their centre of mass, and meshes do not intersect."""

import numpy as np
import pytest
import trimesh
from shapes import asset_of, box, mesh_of

from pixbench.generators.casters.embree import EmbreeCaster
from pixbench.generators.rooms.collision import boxes_overlap, meets_object, meets_room
from pixbench.generators.rooms.config import Config3D
from pixbench.generators.rooms.furnishing import Furnishing, furnish, pose
from pixbench.generators.rooms.generator import Generator3D
from pixbench.generators.rooms.scene_cache import CachedAsset, CachedRoom, LRUCache
from pixbench.generators.scene import Placed, Room
from pixbench.geometry.cameras import transform_points


def room_of(*shapes: trimesh.Trimesh, size: tuple[float, float, float] = (5.0, 5.0, 2.6)) -> CachedRoom:
    """A room whose floor lies at z = 0.7, with fixed shapes in it."""
    low = np.array([0.0, 0.0, 0.7])
    shell = trimesh.creation.box(size)
    shell.apply_translation(low + np.array(size) / 2)
    shell.invert()
    whole = trimesh.util.concatenate([shell, *shapes])
    return CachedRoom(Room("test/room", mesh_of(whole), np.stack([low, low + size]), ("room",), ()), EmbreeCaster)


def furnishing_of(room: CachedRoom, seed: int = 0) -> Furnishing:
    return Furnishing(room, LRUCache(8), EmbreeCaster, stacked_share=1.0, rng=np.random.default_rng(seed))


def crossings(first: np.ndarray, second: np.ndarray) -> int:
    """Number of edges of the first triangles that cross the second ones: Moeller-Trumbore for every pair, in float64."""
    a, e1, e2 = second[:, 0], second[:, 1] - second[:, 0], second[:, 2] - second[:, 0]
    found = 0
    for k in range(3):
        start, along = first[:, k], first[:, (k + 1) % 3] - first[:, k]
        for s, d in zip(start, along, strict=True):
            p = np.cross(d, e2)
            det = np.einsum("ij,ij->i", e1, p)
            with np.errstate(all="ignore"):
                q = np.cross(s - a, e1)
                u, v, t = np.einsum("ij,ij->i", s - a, p) / det, (q @ d) / det, np.einsum("ij,ij->i", q, e2) / det
                found += int(((u >= 0) & (v >= 0) & (u + v <= 1) & (t >= 0) & (t <= 1)).sum())
    return found


def test_meets_object_detects_intersecting_meshes() -> None:
    top = box(1.2, 0.8, 0.04).apply_translation((0, 0, 0.7))
    legs = [box(0.05, 0.05, 0.7).apply_translation((x, y, 0)) for x in (-0.5, 0.5) for y in (-0.3, 0.3)]
    table = trimesh.util.concatenate([top, *legs])
    under, through = box(0.3, 0.3, 0.6), box(0.3, 0.3, 0.9)
    big, small, tall = (CachedAsset(asset_of(shape), EmbreeCaster) for shape in (table, under, through))
    here = np.eye(4)
    assert boxes_overlap(big.bounds, here, small.bounds, here)
    assert not meets_object(big, here, small, here)
    assert not meets_object(small, here, big, here)
    assert meets_object(big, here, tall, here)
    assert meets_object(tall, here, big, here)
    # A needle through the middle of a large face is detected in either argument order.
    needle = CachedAsset(asset_of(box(0.004, 0.004, 2.0)), EmbreeCaster)
    assert meets_object(needle, here, big, here)
    assert meets_object(big, here, needle, here)
    assert not meets_object(needle, pose(0.3, 0.6, 0, 0.4), big, here)


def test_meets_room_detects_thin_geometry_inside_an_object() -> None:
    needle = box(0.004, 0.004, 1.0).apply_translation((2.5, 2.5, 0.7))
    room, shape = room_of(needle), CachedAsset(asset_of(box(1.0, 1.0, 0.5)), EmbreeCaster)
    assert meets_room(shape, pose(2.5, 2.5, 0.75, 0.3), room)
    assert not meets_room(shape, pose(1.0, 1.0, 0.75, 0.3), room)


def test_objects_are_dropped_onto_the_detected_floor() -> None:
    furnishing = furnishing_of(room_of())
    assert furnishing.floor_m == pytest.approx(0.7, abs=1e-6)
    assert furnishing.place(asset_of(box(0.5, 0.4, 0.3)))
    assert furnishing.objects[0].T_world_obj[2, 3] == pytest.approx(0.7, abs=1e-5)
    assert furnishing.objects[0].support == -1


def test_small_objects_are_placed_on_tables_of_the_room() -> None:
    table = trimesh.util.concatenate(
        [box(2.4, 2.4, 0.05).apply_translation((2.5, 2.5, 1.4)), box(0.1, 0.1, 0.7).apply_translation((2.5, 2.5, 0.7))]
    )
    heights = []
    for seed in range(6):
        furnishing = furnishing_of(room_of(table), seed)
        assert furnishing.floor_m == pytest.approx(0.7, abs=1e-6)
        assert furnishing.place(asset_of(box(0.1, 0.1, 0.2), "mug", "surface"))
        heights.append(furnishing.objects[0].T_world_obj[2, 3])
    assert np.allclose(heights, 1.45, atol=1e-5)


def test_unstable_and_sloped_placements_are_rejected() -> None:
    # A plank 0.2 m wide is too narrow for a slab 1 m wide.
    plank = box(0.2, 4.0, 0.6).apply_translation((2.5, 2.5, 0.7))
    furnishing = furnishing_of(room_of(plank))
    slab = asset_of(box(1.0, 1.0, 0.1), "slab")
    shape = CachedAsset(slab, EmbreeCaster)
    assert furnishing._dropped(slab, shape, 2.5, 2.5, 1.3, 0.0) is None  # the slab's corners are not supported
    brick = asset_of(box(0.18, 0.3, 0.1), "brick")
    assert furnishing._dropped(brick, CachedAsset(brick, EmbreeCaster), 2.5, 2.5, 1.3, 0.0) is not None
    assert furnishing._dropped(brick, CachedAsset(brick, EmbreeCaster), 2.63, 2.5, 1.3, 0.0) is None
    ramp = trimesh.creation.box((3.0, 3.0, 0.1))
    ramp.apply_transform(trimesh.transformations.rotation_matrix(np.radians(25), [1, 0, 0], [0, 0, 0]))
    ramp.apply_translation((2.5, 2.5, 1.5))
    tilted = furnishing_of(room_of(ramp))
    assert tilted._dropped(brick, CachedAsset(brick, EmbreeCaster), 2.5, 2.5, 1.55, 0.0) is None


def test_wall_furniture_is_placed_with_its_back_to_a_wall() -> None:
    for seed in range(4):
        furnishing = furnishing_of(room_of(), seed)
        cabinet = asset_of(box(0.8, 0.4, 1.6), "cabinet", "wall")
        assert furnishing.place(cabinet)
        T = furnishing.objects[0].T_world_obj
        back = transform_points(T, np.array([0.0, 0.2, 0.5]))[:2]
        gaps = [back[0], 5 - back[0], back[1], 5 - back[1]]
        assert min(gaps) == pytest.approx(0.03, abs=1e-4)
        # The front faces away from that wall, to the middle of the room.
        front = -T[:2, 1]
        assert front @ (np.array([2.5, 2.5]) - back) > 0


@pytest.mark.slow
def test_objects_in_furnished_scenes_are_supported_and_do_not_intersect() -> None:
    generator = Generator3D(Config3D(size=32, views=2, seed=5, object_count=(6, 10)))
    supported = checked = 0
    for index in range(6):
        scene, geometry, _, _ = generator.composer.compose(index)
        parts = [geometry.corners[geometry.instance == 2 + k].astype(np.float64) for k in range(len(scene.objects))]
        for k, placed in enumerate(scene.objects):
            supported += placed.support >= 0
            for other in range(k):
                if _near(parts[k], parts[other]):
                    checked += 1
                    near_k, near_other = _within(parts[k], parts[other]), _within(parts[other], parts[k])
                    # An object touches its support: only intersections deeper than 3 mm count there.
                    lift = 0.003 if other == placed.support else 0.0
                    assert crossings(near_k + np.array([0, 0, lift]), near_other) == 0, (
                        index,
                        placed.asset.id,
                        scene.objects[other].asset.id,
                    )
            _assert_supported(placed, scene.objects, geometry, k)
    assert supported >= 5
    assert checked >= 5


def _near(first: np.ndarray, second: np.ndarray) -> bool:
    return bool((first.min(axis=(0, 1)) < second.max(axis=(0, 1))).all() and (second.min(axis=(0, 1)) < first.max(axis=(0, 1))).all())


def _within(triangles: np.ndarray, others: np.ndarray) -> np.ndarray:
    low, high = others.min(axis=(0, 1)), others.max(axis=(0, 1))
    return triangles[((triangles.min(axis=1) < high) & (triangles.max(axis=1) > low)).all(axis=1)]


def _assert_supported(placed: Placed, objects: tuple[Placed, ...], geometry: object, k: int) -> None:
    """Assert that some of its lowest points lie within a few millimetres of the recorded support."""
    corners, instance = geometry.corners, geometry.instance  # type: ignore[attr-defined]
    rest = instance != 2 + k
    caster, owner = EmbreeCaster(corners[rest]), instance[rest]
    vertices = transform_points(placed.T_world_obj, placed.asset.mesh.vertices.astype(float))
    lowest = vertices[vertices[:, 2] < vertices[:, 2].min() + 0.003] + [0, 0, 0.01]
    triangle, t = caster.first_hit(lowest, np.tile([0.0, 0.0, -1.0], (len(lowest), 1)))
    resting = np.abs(t - 0.01) < 0.004
    assert resting.any()
    assert (owner[triangle[resting]] == (1 if placed.support < 0 else 2 + placed.support)).mean() > 0.4


def test_furnish_places_at_most_the_requested_number_of_objects() -> None:
    furnishing = furnishing_of(room_of())
    assets = [asset_of(box(0.2, 0.2, 0.2), f"box{k}") for k in range(9)]
    assert len(furnish(furnishing, assets, most=4)) == 4


def test_objects_are_not_placed_inside_closed_bodies() -> None:
    chest = box(1.2, 0.7, 0.7).apply_translation((2.5, 2.5, 0.701))
    furnishing = furnishing_of(room_of(chest))
    crate = asset_of(box(0.3, 0.3, 0.4), "crate")
    shape = CachedAsset(crate, EmbreeCaster)
    assert furnishing._dropped(crate, shape, 2.5, 2.5, 0.7, 0.0) is None
    assert furnishing._dropped(crate, shape, 1.0, 1.0, 0.7, 0.0) is not None


def test_owned_geometry_is_a_copy() -> None:
    room, asset = room_of(), asset_of(box(0.5, 0.4, 0.3))
    shapes = (CachedAsset(asset, EmbreeCaster),)
    here, there = (Placed(asset, pose(x, 2.5, 0.7, 0.0)) for x in (1.0, 4.0))
    borrowed, _ = room.furnished((here,), shapes)
    owned = borrowed.owned()
    before = borrowed.corners.copy()
    room.furnished((there,), shapes)
    assert np.array_equal(owned.corners, before)
    assert borrowed.corners[-1, 0, 0] == pytest.approx(before[-1, 0, 0] + 3.0)
