"""What the server carries out later is reported once, and waits."""

from __future__ import annotations

from udpchat.chat import events
from udpchat.client.postponed import UNWRITABLE_RETRY_S, Delays
from udpchat.sync.exactly_once import Outbox
from udpchat.wire.limits import HOLD_S_MAX

NOW = 5.0


def test_a_server_that_cannot_store_is_reported_until_it_has_stored() -> None:
    delays = Delays(Outbox())
    told = events.error("unwritable", retry_s=UNWRITABLE_RETRY_S, reason="full")
    assert list(delays.on_unwritable(NOW, "full")) == [told] and delays.on_unwritable(NOW, "full") == ()
    assert list(delays.on_stored()) == [events.notice("writable")] and delays.on_stored() == ()


def test_who_is_held_back_is_told_once_and_repeats_nothing_meanwhile() -> None:
    outbox = Outbox()
    counter = outbox.add(b"body")
    outbox.release(NOW, counter)
    assert outbox.drain_frames(NOW)
    delays = Delays(outbox)
    assert list(delays.on_held(NOW, 4.0)) == [events.error("too_fast.held", retry_s=4.0)]
    assert delays.on_held(NOW + 0.5, 4.0) == ()
    assert outbox.drain_frames(NOW + 4.4) == [] and outbox.drain_frames(NOW + 4.5)


def test_a_server_cannot_hold_a_client_back_for_good() -> None:
    (told,) = Delays(Outbox()).on_held(NOW, 10 * HOLD_S_MAX)
    assert isinstance(told, events.Error) and told.retry_s == HOLD_S_MAX
