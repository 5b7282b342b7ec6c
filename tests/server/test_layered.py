"""A mapping over another: what was set in it hides what the other has."""

from __future__ import annotations

from udpchat.server.layered import Layered


def test_what_was_set_hides_what_is_below_also_that_it_was_removed() -> None:
    below: Layered[str, int] = Layered()
    below.put("a", 1)
    below.put("b", 2)
    above = Layered(below)
    above.put("a", 3)
    above.put("b", None)
    above.put("c", 4)
    assert [above.get(key) for key in "abcd"] == [3, None, 4, None]
    assert list(above.items()) == [("a", 3), ("c", 4)] and len(above) == 2
    assert "a" in above and "b" not in above and "b" in below
    above.clear()
    assert list(above.items()) == [("a", 1), ("b", 2)] and len(above) == 2


def test_one_over_nothing_keeps_nothing_of_what_was_removed() -> None:
    alone: Layered[str, int] = Layered()
    alone.put("a", 1)
    alone.put("a", None)
    alone.put("b", None)
    assert not len(alone) and list(alone.items()) == [] and alone.get("a") is None
