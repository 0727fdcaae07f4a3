"""Placing: what stands stands on something, below its centre of mass, and no two meshes share space."""

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
    """A room, open above, whose floor lies at z = 0.7, with fixed things in it."""
    low = np.array([0.0, 0.0, 0.7])
    shell = trimesh.creation.box(size)
    shell.apply_translation(low + np.array(size) / 2)
    shell.invert()
    whole = trimesh.util.concatenate([shell, *shapes])
    return CachedRoom(Room("test/room", mesh_of(whole), np.stack([low, low + size]), ("room",), ()), EmbreeCaster)


def furnishing_of(room: CachedRoom, seed: int = 0) -> Furnishing:
    return Furnishing(room, LRUCache(8), EmbreeCaster, stacked_share=1.0, rng=np.random.default_rng(seed))


def crossings(first: np.ndarray, second: np.ndarray) -> int:
    """Edges of the first triangles that cross the second ones: Moller and Trumbore for every pair, in float64."""
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


def test_meshes_that_cross_are_found_and_others_are_not() -> None:
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
    # A needle through the middle of a large face, and a large face over a needle: found from either side.
    needle = CachedAsset(asset_of(box(0.004, 0.004, 2.0)), EmbreeCaster)
    assert meets_object(needle, here, big, here)
    assert meets_object(big, here, needle, here)
    assert not meets_object(needle, pose(0.3, 0.6, 0, 0.4), big, here)


def test_a_needle_of_the_room_is_found_inside_a_large_object() -> None:
    needle = box(0.004, 0.004, 1.0).apply_translation((2.5, 2.5, 0.7))
    room, shape = room_of(needle), CachedAsset(asset_of(box(1.0, 1.0, 0.5)), EmbreeCaster)
    assert meets_room(shape, pose(2.5, 2.5, 0.75, 0.3), room)
    assert not meets_room(shape, pose(1.0, 1.0, 0.75, 0.3), room)


def test_the_floor_is_found_at_its_height_and_objects_drop_onto_it() -> None:
    furnishing = furnishing_of(room_of())
    assert furnishing.floor_m == pytest.approx(0.7, abs=1e-6)
    assert furnishing.place(asset_of(box(0.5, 0.4, 0.3)))
    assert furnishing.objects[0].T_world_obj[2, 3] == pytest.approx(0.7, abs=1e-5)
    assert furnishing.objects[0].support == -1


def test_small_things_stand_on_a_table_of_the_room_itself() -> None:
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


def test_nothing_balances_on_its_edge_and_nothing_is_put_on_a_slope() -> None:
    # A plank 0.2 m wide on which a slab 1 m wide stands only where its middle is over the plank.
    plank = box(0.2, 4.0, 0.6).apply_translation((2.5, 2.5, 0.7))
    furnishing = furnishing_of(room_of(plank))
    slab = asset_of(box(1.0, 1.0, 0.1), "slab")
    shape = CachedAsset(slab, EmbreeCaster)
    assert furnishing._dropped(slab, shape, 2.5, 2.5, 1.3, 0.0) is None  # its corners hang in the air: no contact point is carried
    brick = asset_of(box(0.18, 0.3, 0.1), "brick")
    assert furnishing._dropped(brick, CachedAsset(brick, EmbreeCaster), 2.5, 2.5, 1.3, 0.0) is not None
    assert furnishing._dropped(brick, CachedAsset(brick, EmbreeCaster), 2.63, 2.5, 1.3, 0.0) is None
    ramp = trimesh.creation.box((3.0, 3.0, 0.1))
    ramp.apply_transform(trimesh.transformations.rotation_matrix(np.radians(25), [1, 0, 0], [0, 0, 0]))
    ramp.apply_translation((2.5, 2.5, 1.5))
    tilted = furnishing_of(room_of(ramp))
    assert tilted._dropped(brick, CachedAsset(brick, EmbreeCaster), 2.5, 2.5, 1.55, 0.0) is None


def test_wall_pieces_stand_with_their_back_to_a_wall() -> None:
    for seed in range(4):
        furnishing = furnishing_of(room_of(), seed)
        cabinet = asset_of(box(0.8, 0.4, 1.6), "cabinet", "wall")
        assert furnishing.place(cabinet)
        T = furnishing.objects[0].T_world_obj
        back = transform_points(T, np.array([0.0, 0.2, 0.5]))[:2]
        gaps = [back[0], 5 - back[0], back[1], 5 - back[1]]
        assert min(gaps) == pytest.approx(0.03, abs=1e-4)
        # The front looks away from that wall: to the middle of the room.
        front = -T[:2, 1]
        assert front @ (np.array([2.5, 2.5]) - back) > 0


@pytest.mark.slow
def test_furnished_scenes_stand_firmly_and_share_no_space() -> None:
    generator = Generator3D(Config3D(size=32, views=2, seed=5, object_count=(6, 10)))
    carried = checked = 0
    for index in range(6):
        scene, geometry, _, _ = generator.composer.compose(index)
        parts = [geometry.corners[geometry.instance == 2 + k].astype(np.float64) for k in range(len(scene.objects))]
        for k, placed in enumerate(scene.objects):
            carried += placed.support >= 0
            for other in range(k):
                if _near(parts[k], parts[other]):
                    checked += 1
                    near_k, near_other = _within(parts[k], parts[other]), _within(parts[other], parts[k])
                    # What stands on something touches it: there only what reaches into it counts.
                    lift = 0.003 if other == placed.support else 0.0
                    assert crossings(near_k + np.array([0, 0, lift]), near_other) == 0, (
                        index,
                        placed.asset.id,
                        scene.objects[other].asset.id,
                    )
            _stands(placed, scene.objects, geometry, k)
    assert carried >= 5
    assert checked >= 5


def _near(first: np.ndarray, second: np.ndarray) -> bool:
    return bool((first.min(axis=(0, 1)) < second.max(axis=(0, 1))).all() and (second.min(axis=(0, 1)) < first.max(axis=(0, 1))).all())


def _within(triangles: np.ndarray, others: np.ndarray) -> np.ndarray:
    low, high = others.min(axis=(0, 1)), others.max(axis=(0, 1))
    return triangles[((triangles.min(axis=1) < high) & (triangles.max(axis=1) > low)).all(axis=1)]


def _stands(placed: Placed, objects: tuple[Placed, ...], geometry: object, k: int) -> None:
    """Below some of its lowest points, within a millimetre or two, lies what is said to carry it."""
    corners, instance = geometry.corners, geometry.instance  # type: ignore[attr-defined]
    rest = instance != 2 + k
    caster, owner = EmbreeCaster(corners[rest]), instance[rest]
    vertices = transform_points(placed.T_world_obj, placed.asset.mesh.vertices.astype(float))
    lowest = vertices[vertices[:, 2] < vertices[:, 2].min() + 0.003] + [0, 0, 0.01]
    triangle, t = caster.first_hit(lowest, np.tile([0.0, 0.0, -1.0], (len(lowest), 1)))
    resting = np.abs(t - 0.01) < 0.004
    assert resting.any()
    assert (owner[triangle[resting]] == (1 if placed.support < 0 else 2 + placed.support)).mean() > 0.4


def test_at_most_as_many_objects_as_asked_for() -> None:
    furnishing = furnishing_of(room_of())
    assets = [asset_of(box(0.2, 0.2, 0.2), f"box{k}") for k in range(9)]
    assert len(furnish(furnishing, assets, most=4)) == 4


def test_nothing_is_put_inside_a_closed_body() -> None:
    chest = box(1.2, 0.7, 0.7).apply_translation((2.5, 2.5, 0.701))
    furnishing = furnishing_of(room_of(chest))
    crate = asset_of(box(0.3, 0.3, 0.4), "crate")
    shape = CachedAsset(crate, EmbreeCaster)
    assert furnishing._dropped(crate, shape, 2.5, 2.5, 0.7, 0.0) is None
    assert furnishing._dropped(crate, shape, 1.0, 1.0, 0.7, 0.0) is not None


def test_borrowed_geometry_is_overwritten_and_owned_geometry_stays() -> None:
    room, asset = room_of(), asset_of(box(0.5, 0.4, 0.3))
    shapes = (CachedAsset(asset, EmbreeCaster),)
    here, there = (Placed(asset, pose(x, 2.5, 0.7, 0.0)) for x in (1.0, 4.0))
    borrowed, _ = room.furnished((here,), shapes)
    owned = borrowed.owned()
    before = borrowed.corners.copy()
    room.furnished((there,), shapes)
    assert np.array_equal(owned.corners, before)
    assert borrowed.corners[-1, 0, 0] == pytest.approx(before[-1, 0, 0] + 3.0)
