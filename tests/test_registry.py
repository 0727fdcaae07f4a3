import pytest

from pixbench.errors import UserError
from pixbench.registry import Registry


def test_three_behaviours_of_a_registry() -> None:
    registry: Registry[int] = Registry("thing")
    registry.add("b")(1)
    registry.add("alpha")(2)
    assert registry.names() == ["alpha", "b"]
    assert registry.get("alpha") == 2
    with pytest.raises(UserError, match="thing 'b' is registered twice"):
        registry.add("b")(3)
    with pytest.raises(UserError, match="unknown thing 'alhpa': did you mean 'alpha'"):
        registry.get("alhpa")
