"""Where a replica begins: behind what is held, or so much of the past as is wanted, and what of it is shown."""

from __future__ import annotations

from udpchat.chat.events import notice
from udpchat.client.profile import Profile
from udpchat.client.replica_start import REGENERATED_ENTRIES_MAX, ReplicaStarts, Start
from udpchat.client.shown_on_entry import looked_through
from udpchat.client.stored import ClientState
from udpchat.session.noise import KeyPair
from udpchat.sync.replica import Replica
from udpchat.wire.frames import Head

ROOM, ROSTER, TALK = "#lobby", "%lobby", "@" + "7" * 20


def starts(
    *, history: int = 0, shown_max: int | None = None, saved: dict[str, tuple[int, int]] | None = None,
    recent: dict[str, list[tuple[int, bytes]]] | None = None,
) -> ReplicaStarts:  # fmt: skip
    profile = Profile(KeyPair(bytes(32)), "me", (), "server", lambda key: None, history, shown_max=shown_max)
    return ReplicaStarts(profile, ClientState(bytes(16), replicas=saved or {}, recent=recent or {}))


def head(log: str = ROOM, *, entered: int, base: int = 0, generation: int = 1) -> Head:
    return Head(log, generation, base, entered, entered)


def test_a_room_that_is_new_here_begins_so_far_back_as_is_wanted_and_a_conversation_at_its_first_entry() -> None:
    assert starts(history=3).start(head(entered=10), None) == Start(7)
    assert starts(history=30).start(head(entered=10, base=4), None) == Start(4)
    assert starts().start(head(TALK, entered=10, base=2), None) == Start(2)
    assert starts(history=3).start(head(ROSTER, entered=10), None) == Start(10)


def test_a_log_that_is_held_goes_on_and_says_how_many_are_new() -> None:
    assert starts(saved={ROOM: (1, 6)}).start(head(entered=10), None) == Start(6, new=4)
    recent = {ROOM: [(5, b"e"), (6, b"f")]}
    again = starts(history=2, saved={ROOM: (1, 6)}, recent=recent)
    assert again.start(head(entered=10), None) == Start(6, recent=((5, b"e"), (6, b"f")), new=4)
    assert starts(history=9, saved={ROOM: (1, 6)}, recent=recent).start(head(entered=10), None).sequence == 1


def test_a_log_of_another_generation_is_read_again_from_a_bounded_way_back() -> None:
    start = starts(saved={ROOM: (2, 6)}).start(head(entered=5_000), None)
    assert start == Start(5_000 - REGENERATED_ENTRIES_MAX, is_regenerated=True)
    former = Replica(ROOM, generation=7, sequence=6)
    assert starts().start(head(entered=5), former).is_regenerated


def test_what_was_left_in_this_run_goes_on_where_it_was_left() -> None:
    made = starts()
    made.leave(Replica(ROOM, generation=1, sequence=8))
    assert made.start(head(entered=9), None) == Start(8, new=1)
    assert made.is_held(ROOM, (1, 8), None) and not made.is_held(ROOM, (1, 9), None)


def test_of_the_past_the_latest_are_shown_and_the_rest_is_counted() -> None:
    made = starts(history=5, shown_max=5, saved={ROOM: (1, 10)})
    assert made.hide_earlier(head(entered=3_010)) == [] and made.past.hidden(ROOM) == 3_010 - looked_through(5)
    assert made.past.release(ROOM) == [notice("history", count=3_000 - looked_through(5), room="lobby")]
    assert made.hide_earlier(head(TALK, entered=99)) == []
    assert starts(shown_max=None).hide_earlier(head(entered=99)) == []
    newcomer = starts(shown_max=0)
    assert newcomer.hide_earlier(head(entered=99)) == [] and newcomer.past.hidden(ROOM) == 99
