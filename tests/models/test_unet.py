import pytest
import torch
from pydantic import ValidationError

from pixbench.models.checkpoint import seeded_network
from pixbench.models.unet import UNetConfig

SMALL = {"widths": (8, 16), "blocks": (1, 1), "channels": 4}


def test_default_head_groups_are_not_stored() -> None:
    # Records of runs made before the setting existed are compared with new ones.
    assert "head_groups" not in UNetConfig(**SMALL).model_dump(mode="json")
    assert UNetConfig(**SMALL, head_groups=2).model_dump(mode="json")["head_groups"] == 2


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_head_norm_centres_and_scales_each_group(groups: int) -> None:
    network, seen = seeded_network(UNetConfig(**SMALL, head_groups=groups), 0).eval(), []
    network.head[0].register_forward_hook(lambda module, given, out: seen.append((given[0], out)))
    network(torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(1)))
    given, out = (value.double().reshape(2, groups, -1) for value in seen[0])
    expected = (given - given.mean(dim=2, keepdim=True)) / (given.var(dim=2, correction=0, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"widths": (8, 12), "head_groups": 3}, "must be a multiple of head_groups, 3"),
        ({"widths": (12, 8)}, "must be a multiple of head_groups, 8"),
        ({"widths": (8, 0), "heads": 0}, "must be at least 1 each"),
        ({"head_groups": 0}, "greater than or equal to 1"),
    ],
)
def test_impossible_networks_are_rejected(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        UNetConfig(**{**SMALL, **settings})
