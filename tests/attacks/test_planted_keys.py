"""A server that lets its client in under other nicks: the client's key is kept for those that its user asked for."""

from __future__ import annotations

from pathlib import Path

from tests.attacks.meeting import Meeting
from udpchat.shell.client_state import ClientFolder
from udpchat.wire import frames, requests


def keys_of(folder: Path) -> list[str]:
    """The key files of a data folder."""
    return sorted(path.name for path in (folder / "keys").iterdir())


def watched(meeting: Meeting, folder: Path) -> None:
    """What the shell does after each drain of the core."""
    watch = ClientFolder(folder, "alice", report=print).watch_nick(meeting.core)
    exchange = meeting.exchange

    def exchanging() -> None:
        exchange()
        watch([])

    meeting.exchange = exchanging  # type: ignore[method-assign]


def test_a_welcome_under_another_nick_plants_no_key(tmp_path: Path) -> None:
    """As found: each Welcome of another session copied the key to its nick: 4,312 files in 11 s."""
    meeting = Meeting()
    meeting.start()
    watched(meeting, tmp_path)
    for number in range(20):
        meeting.send(frames.Welcome(f"nick{number}", bytes(8), "", 10_000, 30_000))
        meeting.send(frames.Goodbye("again"))
        meeting.run(3.0)
    assert meeting.core.model.nick != "alice" and len(meeting.server.guests) > 5
    assert keys_of(tmp_path) == ["nick-alice.key"]


def test_the_key_is_kept_for_each_nick_that_the_user_asked_for_and_for_no_other(tmp_path: Path) -> None:
    meeting = Meeting()
    meeting.start()
    meeting.enter()
    watched(meeting, tmp_path)
    for nick in ("queen", "king"):
        meeting.core.ask(meeting.now, requests.Rename(nick))
        meeting.exchange()
        counter = max(meeting.requested)
        for answered in (counter, counter, counter + 1):
            meeting.send(frames.Result(answered, requests.Done()))
    meeting.core.ask(meeting.now, requests.Rename("jack"))
    meeting.exchange()
    meeting.send(frames.Result(max(meeting.requested), requests.Failed("nick_taken", ("jack",))))
    meeting.send(frames.Welcome("ace", bytes(8), "", 10_000, 30_000))
    assert keys_of(tmp_path) == ["nick-alice.key", "nick-king.key", "nick-queen.key"]
