"""Every reason for dropping a datagram has a name of its own."""

import pytest

from udpchat.wire.errors import BadDatagram, Drop


def test_every_reason_is_a_different_counter_and_says_what_it_is() -> None:
    assert len({str(drop) for drop in Drop}) == len(Drop)
    for drop in Drop:
        assert drop.value == drop.name.lower().replace("_", " ")


@pytest.mark.parametrize("drop", Drop)
def test_the_error_carries_its_reason(drop: Drop) -> None:
    error = BadDatagram(drop)
    assert error.reason is drop
    assert str(error) == drop.value
