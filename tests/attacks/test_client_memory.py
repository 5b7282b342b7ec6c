"""What a server can make its client hold: each kind within its budget, and all together within what `limits` adds up.

Bytes are measured from outside, over everything that the core leads to.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.meeting import Meeting
from tests.sizes import size_of
from udpchat.chat import events
from udpchat.client.followed import NAMES_MAX
from udpchat.client.roster import CHANGES_MAX
from udpchat.storage.database_file import CACHE_KIB
from udpchat.wire import content, frames, limits, requests
from udpchat.wire.frames import Down, encode
from udpchat.wire.limits import FRAGMENT_BYTES, FRAGMENTS_MAX, REPLICA_HELD_MAX

SENT_FACTOR = 3  # times the budget that is sent: enough to find that there is none


def begun(*, enters: bool = True) -> Meeting:
    meeting = Meeting()
    meeting.start()
    if enters:
        meeting.enter()
    return meeting


def sent(meeting: Meeting, told: Iterator[Down], bytes_max: int) -> int:
    """The bytes by which the core grew, when frames of so many bytes were sent."""
    before, count, batch = size_of(meeting.core), 0, []
    for frame in told:
        batch.append(frame)
        count += len(encode(frame))
        if len(batch) == 64:
            meeting.send(*batch)
            batch.clear()
        if count > bytes_max:
            break
    meeting.happened.clear()
    return size_of(meeting.core) - before


def talks(meeting: Meeting, count: int) -> list[str]:
    """Conversations that the server has opened."""
    logs = [f"@{number:020x}" for number in range(count)]
    for at in range(0, count, 16):
        meeting.send(frames.Heads(0, [frames.Head(log, 7, 0, 0, 0) for log in logs[at : at + 16]]))
        meeting.send(frames.Heads(0, [frames.Head(log, 7, 0, 9, 9) for log in logs[at : at + 16]]))
    return logs


def message(number: int, text: str, nick: str = "bob") -> bytes:
    return encode(content.Message(1_000, bytes(8), nick, number.to_bytes(8, "big"), content.TEXT, text))


@pytest.mark.parametrize("size", [1, 900])
def test_entries_ahead_of_gaps_share_a_budget(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As found: 4,096 entries in each of 640 logs, 20 MB/s, and no bound in bytes."""
    monkeypatch.setattr("udpchat.sync.replica.HELD_BYTES_MAX", 2**20)
    meeting = begun()
    logs = talks(meeting, 40)
    entry = (
        frames.raw(b"\xc4" + bytes((size % 256,)) + bytes(size % 256))
        if size < 256
        else frames.raw(message(1, "x" * size))
    )

    def ahead() -> Iterator[Down]:
        for sequence in range(3, REPLICA_HELD_MAX):
            for log in logs:
                yield frames.Entries(log, 7, sequence, 0, [entry])

    grown = sent(meeting, ahead(), SENT_FACTOR * 2**20)
    assert meeting.core.timeline.uplink.budgets.held.used <= 2**20
    assert grown < 1.5 * 2**20
    for log in logs:  # the gaps are closed: what was held is shown, and its room is free again
        for sequence in (1, 2):
            meeting.send(frames.Entries(log, 7, sequence, 0, [entry]))
    assert meeting.core.timeline.uplink.budgets.held.used == 0


def test_unfinished_large_entries_share_a_budget_and_the_next_of_a_log_is_taken_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As found: 1.2 MB in each of 640 logs."""
    monkeypatch.setattr("udpchat.sync.replica.FRAGMENTS_BYTES_MAX", 2**20)
    meeting = begun()
    logs = talks(meeting, 40)

    def begun_only() -> Iterator[Down]:
        for sequence in range(2, 400):
            for log in logs:
                for index in range(FRAGMENTS_MAX - 1):
                    yield frames.EntryFragment(log, 7, sequence, 0, index, FRAGMENTS_MAX, bytes(FRAGMENT_BYTES))

    grown = sent(meeting, begun_only(), SENT_FACTOR * 2**20)
    budget = meeting.core.timeline.uplink.budgets.fragments
    assert budget.used <= 2**20 and grown < 1.5 * 2**20
    large = message(1, "x" * 1_500)
    for index, data in enumerate((large[:1_000], large[1_000:])):
        meeting.send(frames.EntryFragment(logs[-1], 7, 1, 0, index, 2, data))
    assert [event.text for event in meeting.of(events.MessageReceived)] == ["x" * 1_500]


def test_what_a_log_that_is_replaced_or_closed_used_is_free_again() -> None:
    meeting = begun()
    (log,) = talks(meeting, 1)
    budgets = meeting.core.timeline.uplink.budgets
    for generation in (7, 8):
        meeting.send(frames.Heads(0, [frames.Head(log, generation, 0, 9, 9)]))
        meeting.send(frames.Entries(log, generation, 5, 0, [frames.raw(message(1, "x"))]))
        meeting.send(frames.EntryFragment(log, generation, 6, 0, 0, 2, b"x"))
        assert budgets.held.used < 400 and budgets.fragments.used == 2 * FRAGMENT_BYTES
    meeting.send(frames.Heads(0, [frames.Head(log, 7, 0, 0, 0)]))
    assert budgets.held.used == budgets.fragments.used == 0


def entries_in_order(log: str, text: str, first: int = 1) -> Iterator[Down]:
    for number in range(first, 10**6):
        yield frames.Entries(log, 7, number, 0, [frames.raw(message(number, text))])


def test_what_comes_before_the_server_has_let_the_client_in_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As found: events and writes were kept, all of them, until the server answered each Follow."""
    monkeypatch.setattr("udpchat.client.timeline.QUEUED_BYTES_MAX", 2**20)
    meeting = begun(enters=False)
    meeting.send(frames.Heads(0, [frames.Head("#lobby", 7, 0, 0, 0)]))
    grown = sent(meeting, entries_in_order("#lobby", "hello"), SENT_FACTOR * 2**20)
    assert grown < 1.5 * 2**20 and meeting.happened == []
    held = meeting.core.timeline.uplink.get("#lobby")
    assert held is not None
    stood = held.sequence
    meeting.enter()
    assert len(meeting.of(events.MessageReceived)) == stood
    meeting.send(frames.Entries("#lobby", 7, stood + 1, 0, [frames.raw(message(1, "more"))]))
    assert meeting.of(events.MessageReceived)[-1].text == "more"


def test_what_a_slow_disk_has_not_written_yet_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As found: whatever the server sent faster than the disk wrote stayed in memory."""
    monkeypatch.setattr("udpchat.client.timeline.QUEUED_BYTES_MAX", 2**20)
    meeting = begun()
    meeting.send(frames.Heads(0, [frames.Head("@" + "7" * 20, 7, 0, 9, 9)]))
    meeting.is_disk_slow = True
    sent(meeting, entries_in_order("@" + "7" * 20, "hello"), SENT_FACTOR * 2**20)
    waiting = meeting.core.drain_writes()
    assert (
        sum(len(write.entries) for write in waiting if hasattr(write, "entries"))
        <= 2**20 / limits.QUEUED_ENTRY_BYTES + 1
    )
    held = meeting.core.timeline.uplink.get("@" + "7" * 20)
    assert held is not None and held.sequence < 2**20 / limits.QUEUED_ENTRY_BYTES
    meeting.core.persisted(meeting.now, len(waiting))
    stood = held.sequence
    assert sent(meeting, entries_in_order(held.log, "hello", stood + 1), 2**16) and held.sequence > stood


def test_the_messages_that_a_screen_can_show_share_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As found: 128 Ki characters, of up to four bytes, in each of 576 conversations: 288 MB."""
    monkeypatch.setattr("udpchat.client.model.MODEL_BYTES_MAX", 2**20)
    meeting = begun()
    logs = talks(meeting, 60)

    def private() -> Iterator[Down]:
        for number in range(1, 10**6):
            for index, log in enumerate(logs):
                entry = message(number, "x" * 600 + "\U0001f600", f"nick{index}")
                yield frames.Entries(log, 7, number, 0, [frames.raw(entry)])

    assert sent(meeting, private(), SENT_FACTOR * 2**20) < 2 * 2**20
    shown = meeting.core.model.conversations()
    assert len(shown) == 61 and sum(len(known.items) for known in shown) <= 2**20 / (4 * 600)
    assert shown[-1].items, "each conversation still shows its latest messages"


def test_reactions_edits_and_quotes_are_within_the_budget_of_the_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udpchat.client.model.MODEL_BYTES_MAX", 2**18)
    meeting = begun()
    face = chr(0x1F600) + "\u200d\u2764\ufe0f" * 4

    def entry(number: int, kind: int, text: str, target: int, user: int = 0) -> Down:
        nick, extra = "\U0001d400" * 28 + f"{user:04}", content.Extra(target.to_bytes(8, "big"), b"", target)
        name = (user.to_bytes(8, "big"), nick, number.to_bytes(8, "big"))
        said = content.Message(1_000, *name, kind, text, None, extra if target else None)
        return frames.Entries("#lobby", 8, number, 0, [frames.raw(encode(said))])

    def amended() -> Iterator[Down]:
        """A message, an edit that makes it long, two replies that quote it, 68 reactions; and so on."""
        for target in range(1, 10**6, 72):
            yield entry(target, content.TEXT, "short", 0)
            yield entry(target + 1, content.EDIT, "\U0001f600" * 200, target)
            for user in range(2, 72):
                kind, text = (content.TEXT, "reply") if user < 4 else (content.REACTION, face)
                yield entry(target + user, kind, text, target, user)

    meeting.send(frames.Heads(0, [frames.Head("#lobby", 8, 0, 0, 0)]))
    assert sent(meeting, amended(), SENT_FACTOR * 2**18) < 1.5 * 2**18
    items = meeting.core.model.conversation("lobby").items
    assert any(item.is_edited for item in items) and any(item.reply and item.reply.text for item in items)
    reacted = [sum(len(each.users) for each in item.reactions) for item in items if item.reactions]
    assert len(reacted) > 2 and max(reacted) == 68


def test_members_share_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As found: 20,000 members in each of 64 rooms, each with an away text: 1.4 GB."""
    monkeypatch.setattr("udpchat.client.people.MEMBERS_BYTES_MAX", 2**20)
    meeting = begun()
    head = meeting.core.timeline.head_of("%lobby") or 0

    def joining() -> Iterator[Down]:
        for number in range(1, 10**6):
            away = content.AwaySet(f"nick{number}", bytes(8), "\U0001f600" * 200)
            yield frames.Entries("%lobby", 7, head + number, 0, [frames.raw(encode(away))])

    assert sent(meeting, joining(), SENT_FACTOR * 2**20) < 2 * 2**20
    assert len(meeting.core.model.members("lobby")) <= 2**20 / 1_100


def test_pages_that_are_ahead_of_their_roster_are_within_the_budget_of_the_members(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("udpchat.client.people.MEMBERS_BYTES_MAX", 2**16)
    meeting = begun()
    before = size_of(meeting.core)
    for _ in range(100):
        meeting.core.ask(meeting.now, requests.ListMembers("lobby", ""))
        meeting.exchange()
        members = [requests.Member(f"nick{number}", bytes(8), None) for number in range(10, 40)]
        meeting.send(frames.Result(max(meeting.requested), requests.MemberPage(10**9, members, False)))
    assert size_of(meeting.core) - before < 2 * 2**16


def test_the_budgets_of_a_client_add_up_to_what_is_named() -> None:
    named = (
        limits.HELD_BYTES_MAX, limits.FRAGMENTS_BYTES_MAX, limits.QUEUED_BYTES_MAX, limits.MODEL_BYTES_MAX,
        limits.MEMBERS_BYTES_MAX, limits.TABLES_BYTES_MAX, limits.CACHES_BYTES_MAX, limits.NEXT_ENTRIES_BYTES_MAX,
    )  # fmt: skip
    assert sum(named) == limits.CLIENT_BYTES_MAX <= 160 * 2**20
    changes = CHANGES_MAX * limits.ROOMS_PER_PEER_MAX * 256
    logs = 2 * limits.ROOMS_PER_PEER_MAX + 2 * limits.CONVERSATIONS_PER_KEY_MAX + 1
    replicas = logs * 2_048
    names = (NAMES_MAX + limits.INBOX_ENTRIES_MAX) * 1_024 + limits.PEERS_MAX * 200
    assert changes + replicas + names <= limits.TABLES_BYTES_MAX
    assert logs * FRAGMENTS_MAX * FRAGMENT_BYTES <= limits.NEXT_ENTRIES_BYTES_MAX
    assert 2 * CACHE_KIB * 1_024 <= limits.CACHES_BYTES_MAX
