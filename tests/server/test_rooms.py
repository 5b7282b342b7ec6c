"""Rooms: opened and closed by their members, followed by their subscribers, and bounded."""

from __future__ import annotations

from tests.server.rig import Rig, device_counts
from udpchat.chat.ids import message_id
from udpchat.server.quotas import Who
from udpchat.sync.log_stream import LogStream
from udpchat.wire.content import EDIT, REDACTION, TEXT, Entry, Extra, Message, Reason, Tombstone
from udpchat.wire.frames import Entries, parse_down_untrusted, parse_entry_untrusted
from udpchat.wire.requests import GetHistory, Say

ALICE = Who(b"a" * 32, "10.0.0.1")


def test_a_room_without_members_is_forgotten_and_what_was_said_in_it_is_not() -> None:
    rig = Rig()
    alice = rig.device("alice", "den")
    generation = rig.chat.rooms["den"].roster.stream.generation
    rig.ask(alice, Say("den", 0, "hello"))
    rig.write()
    rig.chat.rooms.part(rig.now, alice, "den", Reason.PARTED)
    assert "den" not in rig.chat.rooms and rig.chat.rooms.names("", 99) == ["den"] and not alice.downlink.subscriptions
    room = rig.chat.rooms.open(rig.now, "den", ALICE)
    assert room is not None and room.stream.head == 1 and room.roster.stream.generation != generation


def test_rooms_are_listed_in_order_a_page_at_a_time_whether_open_or_written() -> None:
    rig = Rig()
    alice = rig.device("alice", "b", "d")
    for room in ("c", "a", "b"):
        rig.ask(alice, Say(room, 0, "hello"))
    rig.write()
    rooms = rig.chat.rooms
    assert (
        rooms.names("", 9) == ["a", "b", "c", "d"] and rooms.names("a", 2) == ["b", "c"] and rooms.names("d", 9) == []
    )
    rig.leave(alice)
    assert rooms.names("", 9) == ["a", "b", "c"] == Rig(rig.log).chat.rooms.names("", 9)


def test_joining_and_parting_twice_is_joining_and_parting_once() -> None:
    rig = Rig()
    watcher, alice = rig.device("watcher", "den"), rig.device("alice", "den")
    room = rig.chat.rooms["den"]
    rig.chat.rooms.join(rig.now, alice, room)
    assert device_counts(room.roster) == {"watcher": 1, "alice": 1}
    for _ in range(2):
        rig.chat.rooms.part(rig.now, alice, "den", Reason.PARTED)
    assert device_counts(room.roster) == {"watcher": 1} and set(watcher.downlink.subscriptions) == {"#den", "%den"}


def test_what_was_edited_or_removed_is_not_sent_from_memory_any_more() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    rig.ask(alice, Say("lobby", TEXT, "the secret"))
    rig.write()
    stream = rig.chat.rooms["lobby"].stream
    message = sent(stream, 1)
    assert isinstance(message, Message) and message.text == "the secret"
    about = Extra(message.id, b"", 1)
    rig.ask(alice, Say("lobby", EDIT, "a word", about))
    rig.write()
    edited = sent(stream, 1)
    assert isinstance(edited, Message) and edited.text == "a word"
    rig.ask(alice, Say("lobby", REDACTION, "", about))
    rig.write()
    assert sent(stream, 1) == Tombstone(message.time_ms, message.author, "alice", message.id)
    assert b"a word" not in b"".join(frame.body for frame in stream.frames(1, 3))


def sent(stream: LogStream, sequence: int) -> Entry:
    """The entry that followers are sent for this sequence."""
    (encoded,) = stream.frames(sequence, sequence)
    (frame,) = parse_down_untrusted(encoded.body)
    assert isinstance(frame, Entries)
    (entry,) = frame.entries
    return parse_entry_untrusted(bytes(entry))


def test_what_was_edited_before_it_was_written_is_not_sent_as_it_was_said_for_long() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    identity = message_id(alice.author.instance, rig.ask(alice, Say("lobby", TEXT, "the secret")))
    rig.ask(alice, Say("lobby", EDIT, "a word", Extra(identity, b"", 1)))
    rig.write()
    assert b"secret" not in b"".join(frame.body for frame in rig.chat.rooms["lobby"].stream.frames(1, 2))


def test_who_has_not_got_what_is_no_longer_kept_is_told_where_the_log_begins() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    for number in range(8):
        rig.ask(alice, Say("lobby", 0, str(number)))
    rig.write()
    alice.downlink.subscriptions["#lobby"].is_known = True
    rig.settle()
    rig.log.prune("#lobby", 5)
    rig.chat.rooms.on_pruned("#lobby")
    rig.chat.rooms.on_pruned("#nobody uses this one")
    stream = rig.chat.rooms["lobby"].stream
    assert (stream.base, stream.head) == (5, 8) and alice in rig.chat.fanout.to_flush
    alice.downlink.subscriptions["#lobby"].sequence = 8
    rig.settle()
    rig.chat.rooms.on_pruned("#lobby")
    assert not rig.chat.fanout.to_flush
    assert rig.sequences(alice, GetHistory("#lobby", None, None, 99)) == [6, 7, 8]
