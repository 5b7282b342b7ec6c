"""What a client has of its logs and what that means: each message once, in order, whatever comes in whichever order."""

from __future__ import annotations

import pytest

from udpchat.chat import events
from udpchat.chat.ids import message_id
from udpchat.client.followed import NAMES_MAX
from udpchat.client.own_messages import Said
from udpchat.client.profile import Profile
from udpchat.client.replica_start import REGENERATED_ENTRIES_MAX
from udpchat.client.stored import ClientState, EntriesStored, ReplicaReset
from udpchat.client.timeline import Timeline
from udpchat.session.noise import KeyPair
from udpchat.sync.uplink import Uplink
from udpchat.wire.content import Entry, Joined, Left, Message, Renamed, Tombstone, TopicSet
from udpchat.wire.frames import Ack, Cursor, Entries, Head, encode, pack, parse_up_untrusted, raw
from udpchat.wire.requests import LogEntry

ME, BOB, CAROL = b"m" * 8, b"b" * 8, b"c" * 8
ROOM, ROSTER, TALK = "#lobby", "%lobby", "@" + "7" * 20
NOW = 10.0
NICKS = {ME: "me", BOB: "bob", CAROL: "carol"}


def timeline(
    *,
    history: int = 0,
    saved: dict[str, tuple[int, int]] | None = None,
    shown_max: int | None = None,
    recent: dict[str, list[tuple[int, bytes]]] | None = None,
) -> Timeline:
    """Of who wants to be in the lobby."""
    profile = Profile(KeyPair(bytes(32)), "me", (), "server", lambda key: None, history, shown_max=shown_max)
    state = ClientState(bytes(16), replicas=saved or {}, recent=recent or {})
    made = Timeline(Uplink(bytes), profile=profile, saved=state)
    made.people.identify(ME)
    made.want("lobby")
    return made


def head(log: str = ROOM, *, last: int = 0, base: int = 0, entered: int | None = None, generation: int = 1) -> Head:
    return Head(log, generation, base, last, last if entered is None else entered)


def message(text: str, author: bytes = BOB, *, nick: str = "", identity: bytes = b"", to: str | None = None) -> Message:
    return Message(5, author, nick or NICKS[author], identity or text.encode().ljust(8)[:8], 0, text, to)


def entries(first: int, *told: Entry, log: str = ROOM, generation: int = 1) -> Entries:
    return Entries(log, generation, first, 0, [raw(encode(entry)) for entry in told])


def shown(view: Timeline) -> list[tuple[int, str, bool | None]]:
    """(sequence, text, history) of what is told; None for one's own."""
    told: list[tuple[int, str, bool | None]] = []
    for event in view.drain_events():
        if isinstance(event, events.MessageReceived):
            told.append((event.seq, event.text, event.history))
        elif isinstance(event, events.MessageSent):
            told.append((event.seq, event.text, None))
    return told


def receive(view: Timeline, frame: Entries) -> bool:
    """Entries come; False if they were not taken."""
    is_taken = view.uplink.receive_entries(0.0, frame)
    view.take_in()
    return is_taken


def cursors(view: Timeline) -> list[Cursor]:
    """What the next ack says is held."""
    view.uplink.on_heads(0.0, 0.0)
    acks = [parse_up_untrusted(pack([ack])) for ack in view.uplink.drain_acks(1e9, is_sending=True)]
    return [cursor for [ack] in acks if isinstance(ack, Ack) for cursor in ack.cursors]


def say(view: Timeline, text: str, counter: int = 1) -> bytes:
    identity = message_id(b"i" * 16, counter)
    view.own.add(Said("lobby", text, 0, identity))
    return identity


# --- Where it begins ----------


def test_so_much_of_the_past_is_history_as_was_asked_for() -> None:
    view = timeline(history=2)
    assert view.on_head(head(last=5)) and view.uplink.has_gap
    receive(view, entries(4, message("four"), message("five"), message("six")))
    assert shown(view) == [(4, "four", True), (5, "five", True), (6, "six", False)] and not view.uplink.has_gap


def test_a_roster_that_is_followed_again_goes_on_where_it_stood_and_not_before() -> None:
    """The server may not have noticed that it was dropped, and does not send again what it knows to be here."""
    view = timeline()
    view.on_head(head(ROSTER, last=0))
    receive(view, entries(1, Joined("bob", BOB), Joined("carol", CAROL), log=ROSTER))
    view.drop("lobby")
    view.want("lobby")
    view.on_head(head(ROSTER, last=2, entered=0))
    assert cursors(view) == [Cursor(ROSTER, 1, 2, [])] and not view.uplink.has_gap
    view.drop("lobby")
    view.want("lobby")
    view.on_head(head(ROSTER, last=9, entered=8))
    assert cursors(view) == [Cursor(ROSTER, 1, 8, [])]


def test_history_begins_where_the_log_does() -> None:
    view = timeline(history=9)
    view.on_head(head(last=5, base=3))
    assert cursors(view) == [Cursor(ROOM, 1, 3, [])]
    assert view.writes.drain() == [ReplicaReset(ROOM, 1, 3)] and view.drain_events() == []


def test_a_saved_replica_goes_on_where_it_stood_and_what_was_missed_is_history() -> None:
    view = timeline(saved={ROOM: (1, 3)})
    view.on_head(head(last=5))
    assert view.writes.drain() == [] and cursors(view) == [Cursor(ROOM, 1, 3, [])]
    assert view.drain_events() == [events.notice("new", count=2, log="lobby")]
    receive(view, entries(4, message("four"), message("five"), message("six")))
    assert [told[2] for told in shown(view)] == [True, True, False]


def test_who_returns_is_shown_the_latest_of_what_was_missed_and_told_how_many_more_there_are() -> None:
    view = timeline(history=2, shown_max=2, saved={ROOM: (1, 3)}, recent={ROOM: [(1, b""), (2, b""), (3, b"")]})
    view.on_head(head(last=3_003))
    assert cursors(view) == [Cursor(ROOM, 1, 3, [])] and view.drain_events() == []
    receive(view, entries(4, *(message(str(number)) for number in range(4, 3_005))))
    counted, *told = view.drain_events()
    assert counted == events.notice("history", count=2_998, room="lobby")
    assert [(each.seq, each.history) for each in told if isinstance(each, events.MessageReceived)] == [
        (3_002, True), (3_003, True), (3_004, False)
    ]  # fmt: skip
    (held,) = [write for write in view.writes.drain() if isinstance(write, EntriesStored)]
    assert (held.first, len(held.entries)) == (4, 3_001)  # kept all the same


def test_what_was_seen_before_fills_up_what_was_missed_to_what_is_shown() -> None:
    recent = [(number, encode(message(str(number)))) for number in (1, 2, 3, 4)]
    view = timeline(history=3, shown_max=3, saved={ROOM: (1, 4)}, recent={ROOM: recent})
    view.on_head(head(last=5))
    receive(view, entries(5, message("5")))
    told = view.drain_events()
    assert [event.text for event in told if isinstance(event, events.MessageReceived)] == ["3", "4", "5"]
    assert [event.code for event in told if isinstance(event, events.Notice)] == ["new"]


def test_without_history_what_was_missed_is_not_shown_nor_waited_for_and_what_comes_is_whole() -> None:
    view = timeline(shown_max=0, saved={ROOM: (1, 3)})
    identity = say(view, "mine")
    view.on_head(head(last=5))
    assert view.uplink.has_gap and not view.awaits_shown()
    assert view.drain_events() == [events.notice("history", count=2, room="lobby")]
    receive(view, entries(6, message("six")))
    assert view.awaits_shown()
    receive(view, entries(4, message("mine", ME, identity=identity), message("five")))
    receive(view, entries(7, message("seven")))
    assert shown(view) == [(4, "mine", None), (6, "six", False), (7, "seven", False)]


def test_who_is_new_is_told_how_many_more_there_are_if_any_history_was_asked_for() -> None:
    for shown_max, notices in ((0, []), (2, [events.notice("history", count=3, room="lobby")]), (5, [])):
        view = timeline(history=shown_max, shown_max=shown_max)
        view.on_head(head(last=5))
        receive(view, entries(1, *map(message, "12345")))
        assert [event for event in view.drain_events() if isinstance(event, events.Notice)] == notices


def test_a_conversation_is_shown_whole_to_who_returns() -> None:
    view = timeline(shown_max=0, saved={TALK: (1, 1)})
    view.on_head(head(TALK, last=3))
    assert view.awaits_shown()
    receive(view, entries(2, message("two", to="me"), message("three", to="me"), log=TALK))
    assert shown(view) == [(2, "two", True), (3, "three", True)]


def test_a_room_that_is_joined_again_in_one_run_has_no_hole_whatever_history_was_asked_for() -> None:
    view = timeline(shown_max=0)
    view.on_head(head(last=1))
    view.drop("lobby")
    view.want("lobby")
    view.on_head(head(last=3))
    receive(view, entries(2, message("two"), message("three")))
    assert shown(view) == [(2, "two", True), (3, "three", True)]


def test_what_is_not_shown_of_a_log_says_nothing_of_the_log_that_takes_its_place() -> None:
    view = timeline(shown_max=0, saved={ROOM: (1, 500)})
    view.on_head(head(last=900))
    view.on_head(head(last=2, generation=2))
    receive(view, entries(1, message("one"), message("two"), generation=2))
    assert [text for _, text, _ in shown(view)] == ["one", "two"]


def test_a_log_of_another_generation_is_said_to_be_another_and_read_again() -> None:
    view = timeline(saved={ROOM: (1, 9_000)})
    view.on_head(head(last=5_000, generation=2))
    notice, replaced = view.drain_events()
    assert isinstance(notice, events.Notice) and notice.code == "generation"
    assert replaced == events.HistoryReplaced("lobby")
    assert view.writes.drain() == [ReplicaReset(ROOM, 2, 5_000 - REGENERATED_ENTRIES_MAX)]


def test_a_log_that_becomes_another_while_it_is_followed_is_read_again_too() -> None:
    view = timeline()
    view.on_head(head())
    receive(view, entries(1, message("old")))
    assert [text for _, text, _ in shown(view)] == ["old"]
    assert receive(view, entries(1, message("x"), generation=2)) is False  # not before its head is known
    view.on_head(head(last=1, generation=2))
    receive(view, entries(1, message("new"), generation=2))
    assert [text for _, text, _ in shown(view)] == ["new"]
    assert view.writes.drain()[-2:] == [ReplicaReset(ROOM, 2, 0), EntriesStored(ROOM, 2, 1, (encode(message("new")),))]


@pytest.mark.parametrize("log", [ROOM, TALK])
def test_what_was_not_shown_yet_of_a_log_that_becomes_another_is_shown_once(log: str) -> None:
    """Before the first Welcome nothing is shown, and meanwhile the server may be another."""
    view = timeline()
    view.on_head(head(log, last=2, entered=0))
    kept, lost = message("kept", to="me"), message("lost", to="me")
    receive(view, entries(1, kept, lost, log=log))
    view.on_head(head(log, last=1, generation=2))
    receive(view, entries(1, kept, log=log, generation=2))
    assert [text for _, text, _ in shown(view)] == ["kept"]


def test_logs_that_nobody_wants_are_not_taken() -> None:
    view = timeline()
    assert not view.on_head(head("#other", last=3)) and cursors(view) == []
    assert not receive(view, entries(1, message("x"), log="#other")) and view.drain_events() == []
    assert receive(view, entries(1, message("x"))) is False  # wanted, and its head will come


def test_a_conversation_is_welcome_from_whoever_begins_it() -> None:
    view = timeline()
    view.on_head(head(TALK, last=2))
    told = [message("hi", to="me"), message("yes?", ME, to="bob")]
    receive(view, entries(1, *told, log=TALK))
    rooms = [event.room for event in view.drain_events() if isinstance(event, events.MessageReceived)]
    assert rooms == ["@bob", "@bob"] and view.log_of("@BOB") == TALK and view.log_of("@carol") is None


# --- Order, and what is one's own ----------


def test_entries_are_told_once_and_in_order_however_they_come() -> None:
    view = timeline()
    view.on_head(head())
    for first in (3, 2, 3, 1, 2):
        receive(view, entries(first, message(str(first))))
    assert [sequence for sequence, _, _ in shown(view)] == [1, 2, 3]
    held = [write for write in view.writes.drain() if isinstance(write, EntriesStored)]
    assert [(write.first, len(write.entries)) for write in held] == [(1, 3)]


def test_ones_own_message_is_sent_where_it_stands_whichever_comes_first() -> None:
    for is_result_first in (True, False):
        view = timeline()
        view.on_head(head())
        identity = say(view, "mine")
        if is_result_first:
            view.on_stored(NOW, identity, ROOM, 2)
        assert shown(view) == []
        receive(view, entries(1, message("theirs"), message("mine", ME, identity=identity)))
        if not is_result_first:
            view.on_stored(NOW, identity, ROOM, 2)
        assert shown(view) == [(1, "theirs", False), (2, "mine", None)] and view.own.unconfirmed() == []


def test_a_result_that_comes_before_the_head_of_its_log_waits_for_it() -> None:
    """Else what is one's own would be told as sent, and once more as a message."""
    view = timeline()
    identity = say(view, "mine")
    view.on_stored(NOW, identity, ROOM, 5)
    assert shown(view) == []
    view.on_head(head(last=4))
    receive(view, entries(5, message("mine", ME, identity=identity)))
    assert shown(view) == [(5, "mine", None)]


def test_a_message_that_stands_before_the_replica_begins_is_confirmed_when_it_does() -> None:
    view = timeline()
    identity = say(view, "mine")
    view.on_stored(NOW, identity, ROOM, 5)
    view.on_head(head(last=7))
    assert shown(view) == [(5, "mine", None)] and view.own.unconfirmed() == []


def test_after_a_lost_tail_ones_own_is_sent_where_it_stands_and_last_what_is_lost() -> None:
    """Three were stored and had not come when the server lost the third, and what another said came to stand there."""
    view = timeline()
    view.on_head(head())
    for sequence, text in enumerate(("one", "two", "lost"), 1):
        view.on_stored(NOW, say(view, text, sequence), ROOM, sequence)
    view.on_head(head(last=3, generation=2))
    notice, *others = view.drain_events()
    assert isinstance(notice, events.Notice) and notice.code == "generation"
    assert others == [events.HistoryReplaced("lobby")]
    one, two = (message_id(b"i" * 16, counter) for counter in (1, 2))
    kept = [message("one", ME, identity=one), message("two", ME, identity=two)]
    receive(view, entries(1, *kept, generation=2))
    assert shown(view) == [(1, "one", None), (2, "two", None)]
    receive(view, entries(3, message("theirs"), generation=2))
    assert shown(view) == [(3, "theirs", False), (3, "lost", None)] and view.own.unconfirmed() == []


def test_ones_own_message_that_cannot_be_read_or_was_removed_is_sent_all_the_same() -> None:
    view = timeline()
    view.on_head(head())
    view.on_stored(NOW, say(view, "mine"), ROOM, 1)
    receive(view, entries(1, Tombstone(5)))
    assert shown(view) == [(1, "mine", None)] and view.own.unconfirmed() == []


def test_nobody_else_can_confirm_ones_message() -> None:
    view = timeline()
    view.on_head(head())
    identity = say(view, "mine")
    receive(view, entries(1, message("not mine", BOB, identity=identity)))
    assert shown(view) == [(1, "not mine", False)] and len(view.own.unconfirmed()) == 1


def test_another_device_of_ones_own_is_told_as_a_message() -> None:
    view = timeline()
    view.on_head(head())
    receive(view, entries(1, message("from the other one", ME)))
    assert shown(view) == [(1, "from the other one", False)]


def test_what_was_said_in_a_room_that_is_left_is_confirmed_then_or_when_its_result_comes() -> None:
    view = timeline()
    view.on_head(head())
    first, second = say(view, "one", 1), say(view, "two", 2)
    view.on_stored(NOW, first, ROOM, 1)
    view.drop("lobby")
    assert shown(view) == [(1, "one", None)]
    view.on_stored(NOW, second, ROOM, 2)
    assert shown(view) == [(2, "two", None)] and cursors(view) == []


def test_a_room_joined_again_goes_on_where_it_was_left_without_a_hole_or_a_double() -> None:
    view = timeline()
    view.on_head(head())
    identity = say(view, "two")
    receive(view, entries(1, message("one")))
    view.on_stored(NOW, identity, ROOM, 2)
    view.drop("lobby")
    view.want("lobby")
    view.on_head(head(last=3))
    receive(view, entries(2, message("two", ME, identity=identity), message("three")))
    assert shown(view) == [(1, "one", False), (2, "two", None), (3, "three", True)]


# --- What is no longer kept ----------


def test_a_conversation_is_called_by_whom_it_is_with() -> None:
    view = timeline(saved={TALK: (1, 1)})
    view.on_head(head(TALK, last=1))
    view.told.recall([LogEntry(TALK, 1, encode(message("psst", to="alice")))])
    view.on_head(head(TALK, last=9, generation=2))
    (notice,) = [event for event in view.drain_events() if isinstance(event, events.Notice)]
    assert notice == events.notice("generation", log="@bob")


def test_what_is_no_longer_kept_is_skipped_loudly_and_leaves_no_hole_on_the_disk() -> None:
    view = timeline()
    view.on_head(head())
    identity = say(view, "lost")
    receive(view, entries(1, message("one")))
    view.on_stored(NOW, identity, ROOM, 3)
    receive(view, entries(6, message("six")))
    view.on_head(head(last=6, base=4, entered=0))
    told = view.drain_events()
    assert [event for event in told if isinstance(event, events.Notice)] == [
        events.notice("history_gone", count=3, log="lobby")
    ]
    assert [event.seq for event in told if isinstance(event, events.MessageReceived | events.MessageSent)] == [1, 3]
    receive(view, entries(5, message("five")))
    assert [sequence for sequence, _, _ in shown(view)] == [5, 6]
    rebased, held = view.writes.drain()[-2:]
    assert rebased == ReplicaReset(ROOM, 1, 4) and isinstance(held, EntriesStored) and held.first == 5


def test_a_roster_that_begins_later_is_nothing_to_tell() -> None:
    view = timeline()
    view.on_head(head(ROSTER))
    receive(view, entries(1, Joined("bob", BOB), log=ROSTER))
    view.on_head(head(ROSTER, last=900, base=800, entered=0))
    assert view.drain_events() == [events.MemberJoined("lobby", "bob")] and view.writes.drain() == []


def test_a_log_whose_write_failed_stays_on_the_disk_as_it_was_until_it_starts_over() -> None:
    view = timeline()
    view.on_head(head())
    receive(view, entries(1, message("one")))
    view.writes.on_unwritten(view.writes.drain())
    receive(view, entries(2, message("two")))
    assert view.writes.drain() == [] and len(shown(view)) == 2
    view.on_head(head(last=9, base=5, entered=0))
    receive(view, entries(6, message("six")))
    assert [type(write) for write in view.writes.drain()] == [ReplicaReset, EntriesStored]


def test_a_gap_in_a_log_that_the_server_has_lost_is_not_waited_for_in_the_next_session() -> None:
    view = timeline()
    view.on_head(head())
    view.on_head(head(TALK, last=3))
    receive(view, entries(1, message("one"), log=TALK))
    receive(view, entries(3, message("three"), log=TALK))
    assert view.uplink.has_gap
    view.uplink.on_session(0.0)
    assert not view.uplink.has_gap and {cursor.log for cursor in cursors(view)} == {ROOM, TALK}
    view.on_head(head(TALK, last=3))
    assert view.uplink.has_gap
    receive(view, entries(2, message("two"), log=TALK))
    assert [text for _, text, _ in shown(view)] == ["one", "two", "three"]


# --- Who comes, goes and is called what ----------


def test_who_comes_and_goes_is_told_except_oneself() -> None:
    view = timeline()
    view.on_head(head(ROSTER, last=4))
    told: list[Entry] = [
        Joined("me", ME), Joined("bob", BOB), TopicSet("tea", "bob"), Left("bob", BOB, "timed out"), Left("me", ME, "x")
    ]  # fmt: skip
    receive(view, entries(5, *told, log=ROSTER))
    assert view.drain_events() == [
        events.MemberJoined("lobby", "bob"), events.TopicChanged("lobby", "tea", "bob"),
        events.MemberLeft("lobby", "bob", "timed out")
    ]  # fmt: skip
    assert view.writes.drain() == []  # presence is not kept


def test_a_rename_is_told_once_though_many_rooms_are_shared() -> None:
    view = timeline()
    view.want("den")
    for log in (ROSTER, "%den"):
        view.on_head(head(log))
        receive(view, entries(1, Renamed("bob", "robert", BOB), log=log))
    assert view.drain_events() == [events.MemberRenamed("bob", "robert")]
    receive(view, entries(2, Left("robert", BOB, "quit"), Joined("robert", BOB), log=ROSTER))
    receive(view, entries(3 + 1, Renamed("robert", "bob", BOB), log=ROSTER))
    assert view.drain_events()[-1] == events.MemberRenamed("robert", "bob")


def test_who_is_ignored_is_not_heard_under_a_new_nick_whether_spoken_before_or_not() -> None:
    for tells in ("speaks", "comes", "is here already", "is renamed"):
        view = timeline()
        view.on_head(head())
        view.on_head(head(ROSTER))
        came = entries(1, Joined("bob", BOB), log=ROSTER)
        if tells == "is here already":
            receive(view, came)
        assert view.people.ignore("BOB") and not view.people.ignore("bob")
        if tells == "comes":
            receive(view, came)
        if tells == "is renamed":
            receive(view, entries(1, Renamed("bob", "robert", BOB), log=ROSTER))
        if tells == "speaks":
            receive(view, entries(1, message("hello")))
        first = 2 if tells == "speaks" else 1
        receive(view, entries(first, message("again", nick="robert"), message("hi", CAROL)))
        assert [text for _, text, _ in shown(view)] == ["hi"], tells


def test_what_is_removed_or_cannot_be_read_keeps_its_number() -> None:
    view = timeline()
    view.on_head(head())
    receive(view, entries(1, message("one"), Tombstone(5)))
    receive(view, Entries(ROOM, 1, 3, 0, [raw(encode(["no entry"]))]))
    receive(view, entries(4, message("four")))
    told = view.drain_events()
    assert [event.code for event in told if isinstance(event, events.Notice)] == ["unreadable"]
    assert [event.seq for event in told if isinstance(event, events.MessageReceived)] == [1, 4]


def test_an_entry_of_an_optional_kind_is_kept_and_passed_over() -> None:
    view = timeline()
    view.on_head(head(entered=0))
    frame = entries(1, message("one"), message("three"))
    frame = Entries(ROOM, 1, 1, 0, [frame.entries[0], raw(encode([200, "later"])), frame.entries[1]])
    assert receive(view, frame)
    assert [text for _, text, _ in shown(view)] == ["one", "three"]
    [stored] = [write for write in view.writes.drain() if isinstance(write, EntriesStored)]
    assert len(stored.entries) == 3


def test_of_the_names_of_others_in_conversations_the_latest_are_known() -> None:
    view = timeline()
    for number in range(NAMES_MAX + 1):
        view.told.recall([LogEntry(TALK, 1, encode(message("psst", nick=f"nick{number}", to="me")))])
    assert view.log_of("@nick0") is None and view.log_of("@nick1") == view.log_of(f"@nick{NAMES_MAX}") == TALK
