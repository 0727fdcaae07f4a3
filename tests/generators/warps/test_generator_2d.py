"""The generator `2d`: ground truth follows from the homography, files verify like those of `3d`, splits share no image."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from pixbench.cli import app
from pixbench.dataset.reader import Dataset
from pixbench.dataset.verify import verify
from pixbench.errors import UserError
from pixbench.generation import generate
from pixbench.generators.warps.config import Config2D
from pixbench.generators.warps.generator import WARP, Generator2D
from pixbench.generators.warps.images import BadPictureError
from pixbench.generators.warps.plane_camera import picture_camera, picture_corners
from pixbench.geometry.correspondence import Status
from pixbench.image.homography import WARPS, apply_homography, correspondences, warped
from pixbench.image.photometric import photometric
from pixbench.training.data.pairs import PairDataset


@pytest.fixture
def digits(tmp_path: Path) -> str:
    """Spec of a digit file with blobs of random classes."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:28, 0:28]
    centres = rng.uniform(8, 20, (120, 2))
    images = [255 * np.exp(-((x - u) ** 2 + 2 * (y - v) ** 2) / 40) for u, v in centres]
    np.savez(tmp_path / "blobs.npz", images=np.array(images, np.uint8), classes=rng.integers(10, size=120).astype(np.uint8))
    return f"npz:{tmp_path}/blobs.npz"


@pytest.mark.parametrize("name", list(WARPS))
def test_picture_camera_projects_like_the_homography(name: str) -> None:
    rng = np.random.default_rng(1)
    for H in WARPS[name](rng, 40, 4):
        camera = picture_camera(H, 40, 48, 32)
        pixels = rng.uniform(0, 40, (50, 2))
        world = np.concatenate([pixels / 40 - 0.5, np.ones((50, 1))], axis=1)
        uv, depth_m = camera.project(world)
        assert uv == pytest.approx(apply_homography(H, pixels), abs=1e-9)
        assert (depth_m > 0).all()
        assert np.tril(camera.K, -1) == pytest.approx(np.zeros((3, 3)))
        assert camera.T_world_cam[:3, :3] @ camera.T_world_cam[:3, :3].T == pytest.approx(np.eye(3))


def test_mirroring_homography_is_rejected() -> None:
    with pytest.raises(ValueError, match="mirrors"):
        picture_camera(np.diag([-1.0, 1, 1]), 8, 8, 8)


def test_image_plane_faces_the_camera() -> None:
    a, b, c = picture_corners().transpose(1, 0, 2)
    assert (np.cross(b - a, c - a)[:, 2] < 0).all()


@pytest.mark.parametrize("name", list(WARPS))
def test_stored_ground_truth_matches_the_homography(name: str, digits: str, tmp_path: Path) -> None:
    config = Config2D(digits=digits, scenes=2, views=3, size=40, warps=name)
    generate("2d", config, tmp_path / "set")
    assert verify(tmp_path / "set").map_max_px < 1e-4
    data = Dataset(tmp_path / "set")
    for key in data.pair_keys():
        H = WARPS[name](config.rng(key.scene, WARP), 40, 3)
        uv, inside = correspondences(H[key.a], H[key.b], 40, 40)
        pair = data.pair(key)
        assert pair.truth.uv_b[pair.visible] == pytest.approx(uv[pair.visible], abs=1e-4)
        # Every pixel whose point is on the image and in view b is visible, except at the borders of the image.
        on = np.abs(apply_homography(np.linalg.inv(H[key.a]), _centres(40)) - 20).max(axis=-1) < 18.5
        assert (pair.truth.status[on & inside] == Status.VISIBLE).mean() > 0.97
        assert not pair.visible[~inside].any()
    data.close()


def _centres(size: int) -> np.ndarray:
    u, v = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)
    return np.stack([u, v], axis=-1)


def test_views_are_the_warped_image_with_its_label(digits: str) -> None:
    config = Config2D(digits=digits, scenes=6, size=32, warps="affine")
    generator = Generator2D(config)
    for index in range(6):
        made = generator.scene(index)
        assert made.recipe["colour"] in ("red", "green")
        zeroed = 1 if made.recipe["colour"] == "red" else 0
        assert made.arrays["rgb"][..., zeroed].max() == 0
        assert made.arrays["rgb"][..., 1 - zeroed].max() > 0
        assert isinstance(made.recipe["label"], bool)
        picture = generator._pictures[index].rgb
        H = WARPS["affine"](config.rng(index, WARP), 32, 2)[1] @ np.diag([32 / 28, 32 / 28, 1])
        expected_rgb = warped(torch.from_numpy(picture.transpose(2, 0, 1).copy()).float(), H, 32, 32).numpy().transpose(1, 2, 0)
        assert np.abs(made.arrays["rgb"][1] - expected_rgb).max() <= 0.51


def test_jitter_changes_only_colours(digits: str) -> None:
    plain, jittered = (Generator2D(Config2D(digits=digits, scenes=2, size=32, jitter=jitter)) for jitter in (0.0, 1.0))
    first, second, again = plain.scene(0).arrays, jittered.scene(0).arrays, jittered.scene(0).arrays
    assert all((first[name] == second[name]).all() for name in ("status", "track_status", "K"))
    assert np.array_equal(first["depth_m"], second["depth_m"], equal_nan=True)
    assert not (first["rgb"] == second["rgb"]).all()
    assert (second["rgb"] == again["rgb"]).all()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["2d", "3d"])
def test_augmentation_moves_nothing(kind: Literal["2d", "3d"]) -> None:
    torch.manual_seed(0)
    offsets = torch.arange(61.0) - 30
    blob = torch.exp(-(offsets[:, None] ** 2 + offsets**2) / 18)
    seen = photometric(2.0, kind)((0.2 + 0.3 * blob).expand(300, 3, 61, 61)).mean(1)
    # Blurs darken the border, and the background has any brightness.
    mass, offsets = seen[:, 8:-8, 8:-8] - seen[:, 8:9, 8:9], offsets[8:-8]
    mass = mass[mass.sum((1, 2)) > 1]  # others are white
    assert len(mass) > 200
    for axis in (1, 2):
        centre = (mass.sum(axis) * offsets).sum(1) / mass.sum((1, 2))
        assert float(centre.abs().max()) < 0.01


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("digits=npz:/nope", "digits npz: only pictures colored-mnist have it, not folder/photos"),
        ("cut=irm", "cut irm: only pictures colored-mnist have it"),
        ("domain=ood", "domain ood: only pictures colored-mnist have it"),
        ("locations=5 digits=idx:/x", "locations: expected settings inside, as --set locations.NAME=VALUE, got 5"),
        ("locations=5 pictures=folder:/x", "locations: expected settings inside, as --set locations.NAME=VALUE, got 5"),
        ("locations.foo=bar", "unknown name in locations 'foo': known are folder/photos"),
        ("pictures=folder:photos?splits=one", r"pictures folder/photos\?splits=one: pictures have no options"),
        ("pictures=folder:photos@3", "pictures folder/photos@3: pictures have no options"),
        ("pictures=colored-mnist:/nope", "pictures colored-mnist have no path"),
        ("pictures=colored-mnist digits=mnist-5000:/nope", "mnist-5000 has no path"),
        ("pictures=colored-mnist locations.foo=bar", "unknown name in locations 'foo': known are digits"),
    ],
)
def test_settings_without_effect_are_rejected(
    settings: str, message: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    given = [word for setting in ("pictures=folder:photos", *settings.split()) for word in ("--set", setting)]
    with pytest.raises(UserError, match=message):
        CliRunner().invoke(app, ["generate", "2d", "--out", "out", "--scenes", "2", "--size", "16", *given], catch_exceptions=False)
    assert not Path("out").exists()


def test_splits_and_domains_share_no_images(digits: str) -> None:
    indices: dict[tuple[str, str], set[int]] = {}
    for domain in ("id", "ood"):
        for split, count in (("train", 32 * (2 if domain == "id" else 1)), ("test", 4)):
            pictures = Generator2D(Config2D(digits=digits, split=split, domain=domain, scenes=count, size=16))._pictures
            indices[domain, split] = {int(pictures[k].facts["index"]) for k in range(len(pictures))}
            wrong = {pictures[k].facts["wrong_colours"] for k in range(len(pictures))}
            assert wrong == ({0.9} if domain == "ood" else {0.1, 0.2})
    keys = list(indices)
    assert all(not indices[a] & indices[b] for k, a in enumerate(keys) for b in keys[:k])


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Thirty smooth images, wider than high."""
    rng = np.random.default_rng(3)
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    for k in range(30):
        coarse = Image.fromarray(rng.integers(256, size=(6, 9, 3), dtype=np.uint8))
        coarse.resize((120, 80), Image.Resampling.BICUBIC).save(folder / ("below" if k % 2 else ".") / f"{k}.png")
    return folder


@pytest.mark.slow
def test_user_images_are_generated_and_reproduced_from_a_recipe(photos: Path, tmp_path: Path) -> None:
    result: Result = CliRunner().invoke(
        app, ["generate", "2d", "--out", str(tmp_path / "set"), "--scenes", "5", "--set", f"pictures=folder:{photos}", "--set", "jitter=1"]
    )
    assert result.exit_code == 0, result.output
    verify(tmp_path / "set")
    data = Dataset(tmp_path / "set")
    assert str(tmp_path) not in (tmp_path / "set/dataset.json").read_text()
    assert len(data.manifest.assets) == 5
    assert all(name.startswith("pictures/") for name in data.manifest.assets)
    assert data.scene(0).read("object_id").shape == (0,)
    data.close()
    sample = PairDataset(tmp_path / "set")[0]
    assert sample.image_a.shape == (3, 64, 64)
    assert (sample.status == Status.VISIBLE).float().mean() > 0.3
    recipe = tmp_path / "recipe.json"
    again = ["--from-recipe", str(recipe), "--set", f"locations.folder/photos={photos}"]
    assert CliRunner().invoke(app, ["recipe", str(tmp_path / "set"), "--out", str(recipe)]).exit_code == 0
    repeated = CliRunner().invoke(app, ["generate", "2d", "--out", str(tmp_path / "again"), *again])
    assert repeated.exit_code == 0, repeated.output
    assert "the same to the byte" in repeated.output


def test_invalid_configurations_and_images_are_rejected(digits: str, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (photos / "broken.png").write_bytes(b"no picture")
    for settings, words in (
        ({"digits": digits, "scenes": 500}, "ask for fewer"),
        ({"pictures": f"folder:{tmp_path}/empty"}, "holds no PNG"),
        ({"pictures": f"folder:{tmp_path}/nowhere"}, "is not a folder"),
        ({"pictures": "photo"}, "kind of pictures"),
    ):
        with pytest.raises(UserError, match=words):
            Generator2D(Config2D(**settings))
    with pytest.raises(UserError, match="did you mean 'affine'"):
        Config2D(warps="afine")
    splits = [Generator2D(Config2D(pictures=f"folder:{photos}", split=split, scenes=1))._pictures for split in ("train", "val", "test")]
    with pytest.raises(BadPictureError, match=r"/broken\.png is not a picture that can be read: .*; repair or remove it$"):
        _ = [pictures[k] for pictures in splits for k in range(len(pictures))]


@pytest.fixture
def mixed(photos: Path) -> Path:
    """The photos, mixed with unusable images; each belongs to a split by its hash."""
    for k in range(6):
        Image.new("RGB", (40, 30), (k, 200, 30)).save(photos / f"blank{k}.png")
        (photos / f"broken{k}.jpg").write_bytes(b"no picture %d" % k)
        ramp = np.tile(np.arange(40, dtype=np.uint8) * (k + 1), (40, 1))
        Image.fromarray(ramp).save(photos / f"ramp{k}.png")
    (photos / "._0.png").write_bytes(b"hidden by a Mac")
    return photos


def test_unusable_images_are_counted_and_replaced(mixed: Path) -> None:
    pictures = Generator2D(Config2D(pictures=f"folder:{mixed}", scenes=1))._pictures
    generator = Generator2D(Config2D(pictures=f"folder:{mixed}", scenes=len(pictures), size=32))
    made = [generator.scene(index) for index in range(len(pictures))]
    assert all(not one.self_test.failures() for one in made)
    used = {name for one in made for name in one.recipe["assets"]}
    assert not any("blank" in name or "broken" in name or "._" in name for name in used)
    replaced = {kind for one in made for kind in one.recipe.get("replaced", {})}
    assert replaced >= {"picture that cannot be read", "picture of one colour"}
    # A shifted ramp looks the same, so a wrong map fits it as well as the true one.
    assert replaced <= {"picture that cannot be read", "picture of one colour", "picture without structure"}
    assert any("replaced" not in one.recipe for one in made)
    again = generator.scene(3)
    assert again.recipe == made[3].recipe


def test_folder_of_unusable_images_is_rejected_with_the_reason(tmp_path: Path) -> None:
    for k in range(12):
        Image.new("L", (20, 20), k).save(tmp_path / f"{k}.png")
    with pytest.raises(UserError, match=r"60 pictures of folder/.* in a row cannot be used \(picture of one colour 60\)"):
        Generator2D(Config2D(pictures=f"folder:{tmp_path}", scenes=1)).scene(0)


def _only_image(folder: Path) -> np.ndarray:
    """The only image in a folder, whatever its split."""
    for split in ("train", "val", "test"):
        try:
            return Generator2D(Config2D(pictures=f"folder:{folder}", split=split, scenes=1))._pictures[0].rgb
        except UserError:
            continue
    raise AssertionError("no split has the picture")


RAMP = np.stack([*np.meshgrid(np.arange(0, 256, 16), np.arange(0, 256, 16)), np.full((16, 16), 40)], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.TIFF", "a.ppm", "a.webp"])
def test_every_lossless_format_gives_the_same_pixels(name: str, tmp_path: Path) -> None:
    Image.fromarray(RAMP).save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
    assert np.array_equal(_only_image(tmp_path), RAMP)


def test_every_image_mode_is_converted_to_rgb(tmp_path: Path) -> None:
    grey = RAMP[..., 0]
    modes = {
        "grey": (Image.fromarray(grey), np.repeat(grey[..., None], 3, axis=2)),
        "sixteen bits": (Image.fromarray(grey.astype(np.uint16) * 257), np.repeat(grey[..., None], 3, axis=2)),
        "palette": (Image.fromarray(RAMP).quantize(256), None),
        "black and white": (Image.fromarray(grey).convert("1"), None),
        "half transparent": (Image.fromarray(np.dstack([RAMP, np.full((16, 16), 51, np.uint8)])), RAMP * 0.2 + 255 * 0.8),
    }
    for mode, (image, expected) in modes.items():
        folder = tmp_path / mode
        folder.mkdir()
        image.save(folder / "a.png")
        wanted = np.asarray(image.convert("RGB")) if expected is None else expected
        assert np.abs(_only_image(folder) - wanted.astype(float)).max() <= 1, mode
    (tmp_path / "cmyk").mkdir()
    Image.fromarray(RAMP).convert("CMYK").save(tmp_path / "cmyk/a.tif")
    assert np.abs(_only_image(tmp_path / "cmyk").astype(float) - RAMP).max() <= 1


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was rotated: turn the image by 90 degrees clockwise to show it upright
    Image.fromarray(RAMP).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(_only_image(tmp_path), np.rot90(RAMP, -1))
