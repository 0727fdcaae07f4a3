from dataclasses import replace

import pytest

from pixbench.evaluation.probing.domains import Bounds, DomainSuite

BOUNDS = Bounds(encode_id=(0.75, 0.875), encode_ood=(0.125, 0.25), suppress=(0.5, 0.75), suppress_gap=0.125)


@pytest.mark.parametrize(
    ("id_", "ood", "said"),
    [
        (0.8, 0.2, "encode"),
        # Bounds are inclusive.
        (0.75, 0.125, "encode"),
        (0.875, 0.25, "encode"),
        (0.74, 0.2, "ambiguous"),
        (0.88, 0.2, "ambiguous"),
        (0.8, 0.12, "ambiguous"),
        (0.8, 0.26, "ambiguous"),
        (0.6, 0.65, "suppress"),
        (0.5, 0.625, "suppress"),
        (0.75, 0.625, "suppress"),
        (0.49, 0.55, "ambiguous"),
        (0.55, 0.49, "ambiguous"),
        (0.7, 0.76, "ambiguous"),
        (0.76, 0.7, "ambiguous"),
        (0.5, 0.63, "ambiguous"),
        (0.63, 0.5, "ambiguous"),
    ],
)
def test_accuracies_are_classified_by_bounds(id_: float, ood: float, said: str) -> None:
    assert BOUNDS.classify(id_, ood) == said


def test_recipe_hash_covers_settings_and_contents() -> None:
    suite = DomainSuite("digits", "title", 1, "colored-mnist", "mine", "irm", 0, 32, 8)
    assert suite.recipe_sha256("a") == suite.recipe_sha256("a")
    changed = [replace(suite, **change) for change in ({"cut": "iid"}, {"seed": 1}, {"size": 64}, {"stride": 4}, {"bounds": BOUNDS})]
    assert len({each.recipe_sha256("a") for each in (suite, *changed)} | {suite.recipe_sha256("b")}) == 7
