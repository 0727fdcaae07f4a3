from importlib.metadata import EntryPoint

import pytest

from pixbench.errors import UserError, unknown_name
from pixbench.registry import Registry


def test_registry_lists_names_and_rejects_duplicates_and_unknown_names() -> None:
    registry: Registry[int] = Registry("thing")
    registry.add("b")(1)
    registry.add("alpha")(2)
    assert registry.names() == ["alpha", "b"]
    assert registry.get("alpha") == 2
    with pytest.raises(UserError, match="thing 'b' is registered twice"):
        registry.add("b")(3)
    with pytest.raises(UserError, match="unknown thing 'alhpa': did you mean 'alpha'"):
        registry.get("alhpa")


def test_errors_list_few_names_and_count_many() -> None:
    many = [f"name-{number}" for number in range(40)]
    assert str(unknown_name("thing", "name-7x", many[:9])).endswith("known are " + ", ".join(many[:9]))
    assert str(unknown_name("thing", "name-7x", many)) == "unknown thing 'name-7x': did you mean 'name-7'? 40 are known"
    # Without a suggestion the list is all that helps.
    assert str(unknown_name("thing", "zzz", many)).endswith("known are " + ", ".join(sorted(many)))


def test_broken_entry_points_raise_a_one_line_error(monkeypatch: pytest.MonkeyPatch) -> None:
    registry: Registry[int] = Registry("thing", "things")
    dangling = EntryPoint("gone", "no_such_package.module:thing", "things")
    monkeypatch.setattr(registry, "_entries", (dangling,))
    assert registry.names() == ["gone"]
    for ask in (lambda: registry.get("gone"), registry.values):
        with pytest.raises(UserError, match=r"thing 'gone' of a package cannot be loaded from no_such_package\.module:thing .*uninstall"):
            ask()
