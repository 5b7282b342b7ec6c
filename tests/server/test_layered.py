"""A mapping over another behaves as one that was changed in place, until it is cleared."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from udpchat.server.layered import Layered

CHANGES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.none() | st.integers(0, 9)), max_size=30)


def change(mapping: dict[int, int], key: int, value: int | None) -> None:
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value


def assert_same(layered: Layered[int, int], mapping: dict[int, int]) -> None:
    assert dict(layered.items()) == mapping and len(layered) == len(mapping)
    assert [layered.get(key) for key in range(6)] == [mapping.get(key) for key in range(6)]
    assert [key in layered for key in range(6)] == [key in mapping for key in range(6)]


@given(CHANGES)
def test_each_of_three_layers_has_what_those_below_have_unless_it_says_otherwise(
    changes: list[tuple[int, int, int | None]],
) -> None:
    durable: Layered[int, int] = Layered()
    settled = Layered(durable)
    proposed = Layered(settled)
    layers = [durable, settled, proposed]
    own: list[dict[int, int | None]] = [{}, {}, {}]
    for depth, key, value in changes:
        layers[depth].put(key, value)
        own[depth][key] = value
    expected: dict[int, int] = {}
    for layer, changed in zip(layers, own, strict=True):
        for key, value in changed.items():
            change(expected, key, value)
        assert_same(layer, expected)


@given(CHANGES)
def test_to_clear_it_forgets_what_was_set_in_it_and_nothing_below(changes: list[tuple[int, int, int | None]]) -> None:
    lower: Layered[int, int] = Layered()
    upper = Layered(lower)
    expected: dict[int, int] = {}
    for depth, key, value in changes:
        (lower, upper, upper)[depth].put(key, value)
        if not depth:
            change(expected, key, value)
    upper.clear()
    assert_same(upper, expected)
    assert_same(lower, expected)


def test_what_was_set_first_comes_first_also_if_it_was_changed_since() -> None:
    lower: Layered[str, int] = Layered()
    for key in "abc":
        lower.put(key, 1)
    lower.put("a", 2)
    assert [key for key, _ in lower.items()] == ["a", "b", "c"]
    upper = Layered(lower)
    upper.put("d", 1)
    upper.put("b", None)
    assert [key for key, _ in upper.items()] == ["a", "c", "d"]


def test_one_over_nothing_keeps_nothing_of_what_was_removed() -> None:
    alone: Layered[str, int] = Layered()
    alone.put("a", 1)
    alone.put("a", None)
    alone.put("b", None)
    assert not len(alone) and list(alone.items()) == [] and alone.get("a") is None
