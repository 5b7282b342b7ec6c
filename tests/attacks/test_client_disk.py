"""What a server can make its client write: so much for each server, within its own store, and nowhere else."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.attacks.meeting import Meeting
from udpchat.chat.phrase import Phrase
from udpchat.client.stored import EntriesStored
from udpchat.shell.addresses import parse_server
from udpchat.shell.client_state import NICKS_LOOKED_AT, ClientFolder, restore, store_path
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.ui.phrases import text_of
from udpchat.wire import content, frames
from udpchat.wire.frames import encode
from udpchat.wire.requests import LogEntry

BYTES_MAX = 2**20


def flooded(meeting: Meeting, messages: int) -> None:
    """The server has so many long messages in the lobby."""
    entries = [
        frames.raw(encode(content.Message(number, bytes(8), "bob", number.to_bytes(8, "big"), 0, f"{number} " * 150)))
        for number in range(1, messages + 1)
    ]
    for first, entry in enumerate(entries, 1):
        meeting.server.send(meeting.guest, frames.Entries("#lobby", 7, first, 0, [entry]))
        if first % 50 == 0:
            meeting.exchange()


def test_a_start_reads_no_more_of_the_store_than_a_screen_can_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As found: 500 messages of up to 16 KiB of each of 512 conversations, 4 GB, at each start."""
    monkeypatch.setattr("udpchat.shell.client_state.MODEL_BYTES_MAX", 2**17)
    entry = encode(content.Message(1, bytes(8), "bob", bytes(8), content.TEXT, "x" * 4_000))
    with closing(SqliteClientStore(tmp_path / "store")) as store:
        for number in range(40):
            store.write([EntriesStored(f"@{number:020x}", 7, 1, (entry,) * 50)])
    meeting = Meeting(path=tmp_path / "store")
    meeting.start()
    restored: list[LogEntry] = []
    meeting.core.restore = restored.extend  # type: ignore[method-assign]
    restore(meeting.core, meeting.store)
    assert len(restored) <= 50 + 39 * NICKS_LOOKED_AT
    assert {item.log for item in restored} == {f"@{number:020x}" for number in range(40)}
    meeting.stop()


def test_the_store_of_a_server_takes_so_much_of_the_disk_and_the_next_start_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As found: whatever the server sent, for ever."""
    monkeypatch.setattr("udpchat.storage.client_sqlite.STORE_BYTES_MAX", BYTES_MAX)
    folder = tmp_path / "data"
    server = parse_server("udpchat://10.0.0.1:1")
    path = store_path(folder, "alice", server)
    folder.mkdir(mode=0o700)
    path.parent.mkdir(parents=True)
    told: list[Phrase] = []
    meeting = Meeting(path=path)
    meeting.start()
    meeting.enter()
    watch = ClientFolder(folder, "alice", report=told.append).watch_store(meeting.store)
    flooded(meeting, 3_000)
    for _ in range(2):
        watch([])
    assert [phrase.key for phrase in told] == ["store.full"] and "make room" in text_of(told[0])
    assert sum(file.stat().st_size for file in path.parent.iterdir()) < 3 * BYTES_MAX + 8 * 2**20  # and the WAL
    assert sorted(file.parent.name for file in folder.rglob("*") if file.is_file()) == ["keys", *["nick-alice"] * 4]
    meeting.stop()
    assert path.stat().st_size < 1.5 * BYTES_MAX
    meeting.start()
    assert meeting.store.extent("#lobby").head == 3_000 and meeting.store.last("#lobby", 1)
    meeting.stop()
