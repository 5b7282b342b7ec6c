"""What handlers share: pages that fit a datagram."""

from __future__ import annotations

from udpchat.server.request_context import PAGE_BYTES_MAX, PAGE_ITEMS_MAX, page_of
from udpchat.wire.frames import encode


def test_a_page_holds_as_many_items_as_fit_and_no_more_than_so_many() -> None:
    assert page_of(["x"] * 1_000) == ["x"] * PAGE_ITEMS_MAX
    page = page_of(["y" * 98] * 1_000)
    assert PAGE_BYTES_MAX - 100 < sum(len(encode(item)) for item in page) <= PAGE_BYTES_MAX
    assert page_of([]) == []
