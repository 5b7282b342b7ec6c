"""A server that lies in every frame, at any rate: its client goes on, starts again, and stays within its bounds."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attacks.meeting import Meeting
from tests.wire import shapes
from udpchat.chat import events
from udpchat.sync.packing import FRAME_BYTES_MAX
from udpchat.wire import content, frames, requests
from udpchat.wire.frames import Down, encode
from udpchat.wire.limits import LOG_ENTRIES_MAX, SEQUENCE_MAX, STRAY_PARTS_MAX

TALK = "@" + "7" * 20


def lied_to(meeting: Meeting) -> None:
    """A run in which somebody uses the client, and is lied to all the time; then the process is killed."""
    meeting.start(rooms=("lobby", "attic"))
    meeting.enter("#attic", "%attic")
    for number in range(5):
        if not meeting.core.is_over:
            meeting.core.say(meeting.now, "lobby", f"said {number}")
            meeting.core.tell(meeting.now, "bob", f"told {number}")
            meeting.core.ask(meeting.now, requests.ListRooms(""))
            meeting.core.ask(meeting.now, requests.GetHistory("#lobby", None, None, 200))
        meeting.run(0.2, packets=8)
    meeting.stop()


@pytest.mark.parametrize("seed", range(8))
def test_lies_of_every_kind_raise_nothing_and_the_next_start_works(seed: int, tmp_path: Path) -> None:
    meeting = Meeting(seed, path=tmp_path / "store", ends=seed % 4 == 0, answers=seed % 2 == 0)
    for _ in range(3):
        lied_to(meeting)


@pytest.mark.fresh
def test_lies_that_were_never_tried_before(fresh: Random) -> None:
    for _ in range(5):
        meeting = Meeting(fresh.getrandbits(64), answers=fresh.random() < 0.5)
        for _ in range(3):
            lied_to(meeting)


@given(st.lists(st.one_of([shapes.example(shape) for shape in shapes.DOWN]), min_size=1, max_size=12))
def test_any_frames_within_their_limits_are_survived_and_so_is_the_next_start(told: list[Down]) -> None:
    meeting = Meeting()
    for _ in range(2):
        meeting.start()
        meeting.enter()
        meeting.core.say(meeting.now, "lobby", "hello")
        for frame in told:
            if len(encode(frame)) <= FRAME_BYTES_MAX:
                meeting.send(frame)
        meeting.run(0.2)


# --- Names, sequences and results ----------


def test_heads_of_logs_that_are_none_are_neither_opened_nor_parted_from(tmp_path: Path) -> None:
    """As found: one `Heads` of `#` made a Part of the room with the empty name, which no later start could read."""
    meeting = Meeting(path=tmp_path / "store")
    meeting.start()
    meeting.enter()
    names = [
        "#",
        "#a b",
        "#\x1b[2J",
        "#" + "x" * 128,
        "@",
        "@7",
        "@" + "F" * 20,
        "~" + "0" * 20,
        "%",
        "!directory",
        "x",
    ]
    for name in names:
        meeting.send(frames.Heads(0, [frames.Head(name, 7, 0, 3, 3)]))
    assert sorted(replica.log for replica in meeting.core.timeline.uplink) == ["#lobby", "%lobby"]
    assert [body for _, body in meeting.store.unanswered() if b"x" in body] == []
    meeting.stop()
    meeting.start()


def test_rooms_that_nobody_wants_are_parted_from_so_often_in_a_session_and_no_more() -> None:
    """As found: each Part that was answered let the next head cause another, as fast as the server answered."""
    meeting = Meeting(answers=True)
    meeting.start()
    meeting.enter()
    for number in range(2 * STRAY_PARTS_MAX):
        meeting.send(frames.Heads(0, [frames.Head(f"#room{number}", 7, 0, 3, 3)]))
        meeting.send(frames.Heads(0, [frames.Head("#room1", 7, 0, 3, 3)]))
        meeting.run(0.02)
    parts = {counter for counter, body in meeting.requested.items() if isinstance(body, requests.Part)}
    assert len(parts) == STRAY_PARTS_MAX


def test_a_page_with_an_overlong_name_is_no_page(tmp_path: Path) -> None:
    """As found: the request for the next page could be written, but never read again: each later start failed."""
    meeting = Meeting(path=tmp_path / "store")
    meeting.start()
    meeting.enter()
    meeting.core.ask(meeting.now, requests.ListRooms(""))
    meeting.exchange()
    (counter,) = [counter for counter, body in meeting.requested.items() if isinstance(body, requests.ListRooms)]
    meeting.send(frames.Result(counter, requests.Page(["x" * 128], True)))
    meeting.stop()
    meeting.start()


def test_sequences_that_no_log_can_have_are_not_stored(tmp_path: Path) -> None:
    """As found: entries from 2^40 on were written into the rows of another log."""
    meeting = Meeting(path=tmp_path / "store")
    meeting.start()
    meeting.enter(TALK)
    entry = frames.raw(encode(content.Tombstone(1)))
    for last in (LOG_ENTRIES_MAX + 1, SEQUENCE_MAX):
        meeting.send(frames.Heads(0, [frames.Head("@" + "8" * 20, 7, last - 1, last, last)]))
        meeting.send(frames.Entries("#lobby", 7, last, 0, [entry]))
        meeting.send(frames.EntryFragment("#lobby", 7, last, 0, 0, 2, b"x"))
        meeting.send(frames.Heads(0, [frames.Head("#lobby", 7, last - 1, last, last)]))
    assert meeting.store.extent("#lobby").head < 2**10 and meeting.store.extent("@" + "8" * 20).head == 0
    assert all(replica.head <= LOG_ENTRIES_MAX for replica in meeting.core.timeline.uplink)


def test_heads_that_contradict_themselves_change_nothing() -> None:
    meeting = Meeting()
    meeting.start()
    meeting.enter()
    before = [(replica.sequence, replica.head) for replica in meeting.core.timeline.uplink]
    for base, head, entered in ((9, 8, 8), (0, 8, 9), (SEQUENCE_MAX, 0, 0)):
        meeting.send(frames.Heads(0, [frames.Head("#lobby", 7, base, head, entered)]))
    assert [(replica.sequence, replica.head) for replica in meeting.core.timeline.uplink] == before


@pytest.mark.parametrize(
    ("request_", "lie"),
    [
        (requests.Say("lobby", 0, "hello"), requests.Done()),
        (requests.Say("lobby", 0, "hello"), requests.Stored("#attic", 1)),
        (requests.Say("lobby", 0, "hello"), requests.Stored("#lobby", SEQUENCE_MAX)),
        (requests.Tell("bob", 0, "hello"), requests.Stored("#lobby", 1)),
        (requests.Tell("bob", 0, "hello"), requests.Stored("@bob", 1)),
        (requests.ListRooms(""), requests.Stored("#lobby", 1)),
        (requests.ListRooms("m"), requests.Page(["a"], True)),
        (requests.ListMembers("lobby", "m"), requests.MemberPage(0, [requests.Member("m", bytes(8), None)], True)),
        (requests.GetHistory("#lobby", 5, None, 9), requests.EntryList([requests.LogEntry("#lobby", 5, b"")])),
        (requests.GetHistory("#lobby", None, None, 9), requests.EntryList([requests.LogEntry("#attic", 1, b"")])),
        (requests.GetHistory("#lobby", None, None, 1), requests.EntryList([requests.LogEntry("#lobby", 1, b"")] * 2)),
        (requests.Search("x", None, None, 0), requests.EntryList([requests.LogEntry("!directory", 1, b"")])),
        (requests.Rename("bob"), requests.Stored("#lobby", 1)),
        (requests.Whois("bob"), requests.Holders(["bob"], [])),
        (requests.ListHolders("#lobby", 1, bytes(8)), requests.Page(["bob"], False)),
    ],
)
def test_a_result_that_its_request_cannot_have_answers_nothing(
    request_: requests.RequestBody, lie: requests.ResultBody
) -> None:
    meeting = Meeting()
    meeting.start(rooms=())
    meeting.send(meeting.guest.liar.welcome())
    meeting.core.ask(meeting.now, request_)
    meeting.exchange()
    meeting.happened.clear()
    meeting.send(frames.Result(max(meeting.requested), lie))
    assert meeting.happened == [] and not meeting.core.is_idle


def test_a_list_that_was_refused_halfway_can_be_requested_again() -> None:
    """As found: nothing of any later list was ever shown."""
    meeting = Meeting()
    meeting.start()
    meeting.enter()
    for answers in ([requests.Page(["a"], True), requests.Failed("refused")], [requests.Page(["b"], False)]):
        meeting.core.ask(meeting.now, requests.ListRooms(""))
        for answer in answers:
            meeting.exchange()
            meeting.send(frames.Result(max(meeting.requested), answer))
    assert meeting.of(events.RoomList) == [events.RoomList(("b",))]


def test_a_refusal_of_a_room_that_nobody_follows_is_not_shown() -> None:
    """As found: each was an error of the person's, as many as the server sent."""
    meeting = Meeting()
    meeting.start()
    meeting.enter()
    for log in ("#attic", "#lobby", "lobby", TALK):
        meeting.send(frames.FollowRefused(log, "too_many_rooms"))
    assert meeting.of(events.Error) == [] and meeting.core.model.rooms == ("lobby",)


def test_a_nick_that_is_none_is_no_welcome_and_another_nick_is_one() -> None:
    """Another one is what an honest server sends that still has the peer of an earlier run, which was renamed."""
    meeting = Meeting()
    meeting.start()
    for nick in ("\x1b[2J", "a b", "admin", "x\n"):
        meeting.send(frames.Welcome(nick, bytes(8), "", 10_000, 30_000))
        assert not meeting.core.is_entered and meeting.core.model.nick == "alice"
    meeting.send(frames.Welcome("bob", bytes(8), "", 10_000, 30_000))
    assert meeting.core.is_entered and meeting.core.model.nick == "bob"


def test_who_the_client_is_is_not_for_the_server_to_tell() -> None:
    """As found: under the id of another, the client's own messages were shown as that person's."""
    meeting = Meeting()
    meeting.start()
    meeting.send(
        frames.Welcome("alice", bytes(8), "", 10_000, 30_000), meeting.guest.liar.heads("#lobby", "%lobby")
    )
    joined = content.Joined("mallory", bytes(8))
    head = meeting.core.timeline.head_of("%lobby")
    assert head is not None
    meeting.send(frames.Entries("%lobby", 7, head + 1, 0, [frames.raw(encode(joined))]))
    assert meeting.of(events.MemberJoined) == [events.MemberJoined("lobby", "mallory")]
