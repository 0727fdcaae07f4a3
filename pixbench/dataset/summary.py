"""A summary of a data set as lines of text."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..geometry.selftest_result import CYCLE_LIMIT_PX
from ..io.untrusted import parsing
from .contents import Contents
from .manifest import MANIFEST, Manifest, read_manifest
from .reader import Dataset


def dataset_lines(data: Path) -> Iterator[str]:
    """Recipe, size, pixels by status, objects by category, self-test, and pairs by angle and visible share."""
    dataset = Dataset(data)  # refuses what is not finished, and what is not all there
    dataset.close()
    # The statistics in a manifest may lack fields that are shown.
    with parsing(data / MANIFEST, "generate the data set again"):
        yield from _lines(data, dataset.manifest)


def _lines(data: Path, manifest: Manifest) -> Iterator[str]:
    recipe = manifest.recipe
    yield f"{data}: generator {recipe.generator} v{recipe.generator_version}, split {manifest.split}, seed {manifest.seed}"
    yield f"  recipe {manifest.recipe_sha256}"
    yield f"  content {manifest.content_sha256()}"
    held = manifest.contents or _from_scenes(data)
    yield f"  {manifest.scenes} scenes of {held['views']} views, {held['width']} x {held['height']} px, {held['pairs']} ordered pairs"
    total = max(sum(held["pixels"].values()), 1)
    yield "  pixels: " + ", ".join(f"{name.replace('_', ' ')} {count / total:.1%}" for name, count in held["pixels"].items())
    if held["objects"]:
        yield "  objects: " + ", ".join(f"{name} {count}" for name, count in held["objects"].items())
    if manifest.replaced:
        yield "  replaced: " + ", ".join(f"{kind} {count}" for kind, count in manifest.replaced.items())
    yield from (f"  {line}" for line in self_test_lines("self-test at generation", manifest.self_test))
    yield from _histogram_lines(manifest)


def one_line(data: Path) -> str:
    """One line about a data set, from its manifest alone."""
    manifest = read_manifest(data)
    unfinished = "" if manifest.complete else ", not finished"
    size_mb = sum(shard.bytes for shard in manifest.shards) / 1e6
    return f"{data}: generator {manifest.recipe.generator}, split {manifest.split}, {manifest.scenes} scenes, {size_mb:.1f} MB{unfinished}"


def _from_scenes(data: Path) -> dict[str, Any]:
    """The contents of a set whose manifest does not sum them up, from its scenes."""
    dataset, contents = Dataset(data), Contents()
    for scene in dataset.scenes():
        contents.add(scene)
    dataset.close()
    held: dict[str, Any] = contents.fields()["contents"]
    return held


def self_test_lines(when: str, test: Mapping[str, Any]) -> list[str]:
    """A self-test in words. Its `visible` pixels are those that were followed: at generation a sample."""
    visible = max(test["visible"], 1)
    lines = [
        f"{when}: map off by {test['map_max_px']:.1e} px at most (median {test['map_median_px']:.1e}, {test['map_pixels']} pixels); "
        f"cycle a-b-a over {CYCLE_LIMIT_PX} px for {test['cycle_over']} of {test['cycle_pixels']} pixels, "
        f"{test['cycle_over_grazing']} of them grazing (most {test['cycle_max_px']:.1e} px)",
        f"  a depth test with 1 % tolerance disagrees on {test['depth_disagree'] / visible:.2%} of {test['visible']} visible pixels "
        "that were followed; "
        f"luminance of matched pixels correlates by {test['photometric_correlation']:.3f}, "
        f"moved by 2 px by {test['photometric_shifted']:.3f}",
    ]
    if test["flat_points"]:
        lines.append(f"  under flat light {test['flat_differ']} of {test['flat_points']} matches differ in colour")
    return lines


def _histogram_lines(manifest: Manifest) -> Iterator[str]:
    """Ordered pairs by visible share (rows) and baseline angle (columns)."""
    found = manifest.pair_histogram
    angles, overlaps = found["angle_edges_deg"], found["overlap_edges"]
    spans = [f"{low:.0f}-{high:.0f}" for low, high in zip(angles, angles[1:], strict=False)]
    yield "  pairs by baseline angle, degrees (across), and visible share (down):"
    yield "    " + " " * 8 + "".join(f"{span:>8}" for span in spans)
    for low, high, row in zip(overlaps, overlaps[1:], found["counts"], strict=False):
        if any(row):
            yield f"    {low:.0%}-{high:.0%}".ljust(12) + "".join(f"{count or '.':>8}" for count in row)
    if found["blind"]:
        yield f"    {found['blind']} pairs share nothing"
