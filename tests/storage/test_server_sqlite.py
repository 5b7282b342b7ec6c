"""The server's log on SQLite: what is left after a crash, a kill and a power failure, and who may open it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.entries import ATTIC, CLIENT_ID, LOBBY, alter, batch, said, trace
from udpchat.storage import server_sqlite as sqlite
from udpchat.storage import tables
from udpchat.storage.backup import check
from udpchat.storage.database_file import connect
from udpchat.storage.server_sqlite import ANSWERS_SURPLUS_MAX, SqliteLog
from udpchat.storage.store_interfaces import ANSWERED_MAX, Durability, Log, StoreFailed, StoreUnusable
from udpchat.sync.log import Append, RequestId, SearchQuery

KILLED = """
import sys
from pathlib import Path
from tests.storage.entries import LOBBY, batch, said
from udpchat.storage.database_file import connect
from udpchat.storage.store_interfaces import Durability
from udpchat.storage.server_sqlite import SqliteLog
log = SqliteLog(Path(sys.argv[1]), durability=Durability(sys.argv[2]))
head = log.extent(LOBBY).head
while True:
    log.append(batch(LOBBY, head + 1, *[said(f"text {head + n}") for n in range(1, 8)], counter=head + 1))
    head += 7
    print(head, flush=True)
"""

LIMITED = """
import resource, signal, sys
from pathlib import Path
from tests.storage.entries import LOBBY, batch, said
from udpchat.storage.store_interfaces import StoreError
from udpchat.storage.server_sqlite import SqliteLog
log = SqliteLog(Path(sys.argv[1]))
log.append(batch(LOBBY, 1, said("one")))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
try:
    log.append(batch(LOBBY, 2, *[said("z" * 9_000)] * 60))
except StoreError as error:
    print(type(error).__name__)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(len(log.read(LOBBY, 1, 9)))
log.append(batch(LOBBY, 2, said("two")))
log.close()
print(len(SqliteLog(Path(sys.argv[1])).read(LOBBY, 1, 9)))
"""


def crashed(path: Path, into: Path) -> Path:
    """A copy of the files of an open log, as they would be found after a crash now."""
    into.mkdir()
    for part in path.parent.glob(path.name + "*"):
        shutil.copyfile(part, into / part.name)
    return into / path.name


@pytest.mark.parametrize("durability", Durability)
def test_what_was_appended_is_there_after_a_crash_at_any_moment(tmp_path: Path, durability: Durability) -> None:
    path = tmp_path / "log.db"
    with closing(SqliteLog(path, durability=durability)) as log:
        for head in range(0, 60, 3):
            log.append(batch(LOBBY, head + 1, *[said(f"text {head + n}") for n in (1, 2, 3)], counter=head + 1))
            with closing(SqliteLog(crashed(path, tmp_path / f"{head}"))) as found:
                assert found.extent(LOBBY) == log.extent(LOBBY)
                assert found.read(LOBBY, 1, 99) == log.read(LOBBY, 1, 99)
                assert found.answered(CLIENT_ID) == log.answered(CLIENT_ID)
                assert len(found.search(SearchQuery("text", limit=99))) == head + 3


def test_a_torn_tail_is_cut_to_the_last_whole_transaction(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(SqliteLog(path)) as log:
        log.append(batch(LOBBY, 1, said("whole")))
        whole = path.with_name("log.db-wal").stat().st_size
        log.append(batch(LOBBY, 2, said("torn")))
        for number, cut in enumerate((1, 100, 4_000)):
            copy = crashed(path, tmp_path / f"{number}")
            wal = copy.with_name("log.db-wal")
            content = wal.read_bytes()
            wal.write_bytes(content[:-cut] + b"\xaa" * (cut // 2))
            assert whole < len(content)
            with closing(SqliteLog(copy)) as found:
                assert found.read(LOBBY, 1, 9) == [said("whole")]
                found.append(batch(LOBBY, 2, said("again")))


@pytest.mark.parametrize("durability", Durability)
def test_everything_for_which_append_returned_survives_kill_9(tmp_path: Path, durability: Durability) -> None:
    path, head = tmp_path / "log.db", 0
    for lines in (1, 5, 23):
        command = [sys.executable, "-c", KILLED, str(path), durability.value]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            for _ in range(lines):
                head = int(server.stdout.readline())
            server.kill()
            head = max([head, *map(int, server.stdout.read().split("\n")[:-1])])
        with closing(SqliteLog(path, durability=durability)) as log:
            found = log.extent(LOBBY).head
            assert found >= head
            assert found % 7 == 0
            assert log.read(LOBBY, 1, found) == [said(f"text {number}") for number in range(1, found + 1)]
            assert log.answered(CLIENT_ID)[-1] == (found, LOBBY, found)
    assert check(path) == []


def generations_after(path: Path, monkeypatch: pytest.MonkeyPatch, boots: tuple[str, str]) -> tuple[bool, bool]:
    """Whether the generations of a written and an unwritten log changed, when what is at `path` is opened again."""
    crashes = path.parent / f"crash{len(list(path.parent.iterdir()))}"
    monkeypatch.setattr(sqlite, "boot", lambda: boots[0])
    durability = Durability(path.stem)
    with closing(SqliteLog(path, durability=durability)) as log:
        if not log.logs():
            log.append(batch(LOBBY, 1, said("one")))
        before = log.extent(LOBBY).generation, log.extent(ATTIC).generation
        copy = crashed(path, crashes)
    monkeypatch.setattr(sqlite, "boot", lambda: boots[1])
    with closing(SqliteLog(copy)) as log:
        assert log.extent(LOBBY).head == 1
        return log.extent(LOBBY).generation != before[0], log.extent(ATTIC).generation != before[1]


def test_generations_change_when_a_tail_may_have_been_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for durability in (Durability.OS, Durability.MEMORY):
        path = tmp_path / durability.value
        assert generations_after(path, monkeypatch, ("monday", "monday")) == (False, False)
        assert generations_after(path, monkeypatch, ("monday", "tuesday")) == (True, True)
        assert generations_after(path, monkeypatch, ("", "")) == (True, True)
    assert generations_after(tmp_path / "fsync", monkeypatch, ("monday", "tuesday")) == (False, False)


def test_generations_stay_when_the_log_was_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for number, durability in enumerate([Durability.MEMORY, Durability.OS, Durability.FSYNC] * 2):
        monkeypatch.setattr(sqlite, "boot", lambda number=number: f"boot {number}")
        with closing(SqliteLog(tmp_path / "log.db", durability=durability)) as log:
            log.append(batch(LOBBY, number + 1, said("more")))
            seen.add((log.extent(LOBBY).generation, log.extent(ATTIC).generation))
    assert len(seen) == 1


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM run", "UPDATE run SET seed = 'x'", "UPDATE run SET boot = x'00'", "UPDATE run SET closed = 'x'",
        "UPDATE logs SET head = x'00'", "UPDATE logs SET base = 'x'", "UPDATE logs SET generation = 1.5",
        "UPDATE logs SET base = head + 1", "UPDATE logs SET name = x'00'", f"UPDATE logs SET head = {2**50}",
        "UPDATE logs SET id = -1", "UPDATE logs SET name = ''",
    ],
)  # fmt: skip
def test_a_file_whose_list_of_logs_is_damaged_is_not_served(tmp_path: Path, damage: str) -> None:
    """Rather than to fail in the middle of a chat, or to write one log into another."""
    path = tmp_path / "log.db"
    with closing(SqliteLog(path)) as log:
        log.append(batch(LOBBY, 1, said("hello")))
    alter(path, damage)
    with pytest.raises(StoreUnusable, match=r"log\.db is damaged .*; restore a backup"):
        SqliteLog(path)


def test_an_entry_that_is_no_bytes_can_be_replaced_and_pruned(tmp_path: Path) -> None:
    with closing(SqliteLog(tmp_path / "log.db")) as log:
        log.append(batch(LOBBY, 1, said("one"), said("two")))
        alter(tmp_path / "log.db", "UPDATE entries SET entry = 7, moment = iif(id % 2, 'x', moment)")
        log.redact(LOBBY, 1, b"\x92\x02\x00")
        assert log.read(LOBBY, 1, 1) == [b"\x92\x02\x00"]
        log.prune(LOBBY, 2)
        assert log.extent(LOBBY).base == 2


def test_a_file_that_a_power_failure_spoilt_is_not_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.db"
    with closing(SqliteLog(path, durability=Durability.MEMORY)) as log:
        log.append(batch(LOBBY, 1, *[said("z" * 3_000) for _ in range(900)]))
        alter(path, "PRAGMA wal_checkpoint(TRUNCATE)")
        copy = crashed(path, tmp_path / "after")
    with copy.open("r+b") as file:
        file.seek(copy.stat().st_size // 2)
        file.write(b"\0" * 8_192)
    monkeypatch.setattr(sqlite, "boot", lambda: "tuesday")
    with pytest.raises(StoreUnusable, match=r"spoilt by a power failure|is damaged"):
        SqliteLog(copy)


def test_a_log_is_opened_by_one_at_a_time(tmp_path: Path) -> None:
    with closing(SqliteLog(tmp_path / "log.db")), pytest.raises(StoreUnusable, match="is in use by process"):
        SqliteLog(tmp_path / "log.db")
    SqliteLog(tmp_path / "log.db").close()


def test_after_a_disk_fault_nothing_is_written_and_reading_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[str] = []

    class Failing:
        """A connection whose sync fails."""

        def __init__(self, connection: sqlite3.Connection) -> None:
            self._connection = connection

        def __getattr__(self, name: str) -> object:
            return getattr(self._connection, name)

        def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
            if sql == "COMMIT" and faults:
                error = sqlite3.OperationalError(faults[0])
                error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
                raise error
            return self._connection.execute(sql, *parameters)  # type: ignore[arg-type]

    monkeypatch.setattr(tables, "connect", lambda path: Failing(connect(path)))
    with closing(SqliteLog(tmp_path / "log.db")) as log:
        log.append(batch(LOBBY, 1, said("one")))
        faults.append("disk I/O error")
        with pytest.raises(StoreFailed, match="disk I/O error"):
            log.append(batch(LOBBY, 2, said("two")))
        faults.clear()
        for refused in (lambda: log.append(batch(LOBBY, 2, said("two"))), lambda: log.prune(LOBBY, 1)):
            with pytest.raises(StoreFailed, match="nothing is written since"):
                refused()
        assert log.read(LOBBY, 1, 9) == [said("one")]
    with closing(SqliteLog(tmp_path / "log.db")) as log:
        log.append(batch(LOBBY, 2, said("two")))


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of file size")
def test_a_write_that_the_system_refuses_may_succeed_later(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path / "log.db")], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["StoreFailed", "1", "2"], done.stderr


def test_one_thread_reads_while_another_writes(tmp_path: Path) -> None:
    with closing(SqliteLog(tmp_path / "log.db", durability=Durability.OS)) as log:

        def write(log: Log = log) -> None:
            for head in range(0, 2_000, 20):
                log.append(batch(LOBBY, head + 1, *[said(f"text {head + n}") for n in range(1, 21)]))

        writer = threading.Thread(target=write)
        writer.start()
        while writer.is_alive():
            head = log.extent(LOBBY).head
            assert head % 20 == 0
            assert len(log.read(LOBBY, 1, head)) == head
            assert len(log.search(SearchQuery("text", limit=3_000))) >= head
        writer.join()
        assert log.extent(LOBBY).head == 2_000


def test_a_batch_takes_as_few_statements_for_many_logs_as_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each gives up the interpreter, and under attack it took 0.1 ms to get it back."""
    statements = trace(monkeypatch)
    counts = []
    with closing(SqliteLog(tmp_path / "log.db", durability=Durability.OS)) as log:
        for first, logs in ((1, 1), (2, 30)):
            statements.clear()
            log.append([item for at in range(logs) for item in batch(f"#room{first}x{at}", 1, said("x"))])
            counts.append(sum(not statement.startswith("--") for statement in statements))  # but those within FTS5
    assert counts[0] == counts[1] <= 8


def test_a_start_reads_no_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(SqliteLog(tmp_path / "log.db", durability=Durability.OS)) as log:
        log.append(batch(LOBBY, 1, *[said("x")] * 5_000))
    statements = trace(monkeypatch)
    with closing(SqliteLog(tmp_path / "log.db")) as log:
        assert log.extent(LOBBY).head == 5_000
        assert statements and not any("entries" in statement for statement in statements)


def test_old_answers_of_a_client_are_deleted_now_and_then(tmp_path: Path) -> None:
    with closing(SqliteLog(tmp_path / "log.sqlite")) as log, closing(connect(tmp_path / "log.sqlite")) as looking:
        counts = []
        for number in range(1, 201):
            log.append(batch(LOBBY, number, said("x"), counter=number))
            counts += looking.execute("SELECT count(*) FROM answers").fetchone()
        assert max(counts) <= ANSWERED_MAX + ANSWERS_SURPLUS_MAX
        assert [sequence for _, _, sequence in log.answered(CLIENT_ID)] == list(range(137, 201))


def test_old_answers_are_deleted_also_if_many_clients_write_a_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "CLIENTS_COUNTED_MAX", 4)
    with closing(SqliteLog(tmp_path / "log.sqlite")) as log, closing(connect(tmp_path / "log.sqlite")) as looking:
        for number in range(1, 1001):
            log.append([Append(LOBBY, number, said("x"), RequestId(b"client %d" % (number % 10), number))])
        (kept,) = looking.execute("SELECT count(*) FROM answers").fetchone()
        assert kept <= 10 * (ANSWERED_MAX + ANSWERS_SURPLUS_MAX)


def test_old_answers_are_deleted_also_of_who_writes_little_in_each_run(tmp_path: Path) -> None:
    for run in range(40):
        with closing(SqliteLog(tmp_path / "log.sqlite")) as log:
            log.append(batch(LOBBY, 1 + 5 * run, *[said("x")] * 5, counter=1 + 5 * run))
    with closing(connect(tmp_path / "log.sqlite")) as looking:
        assert looking.execute("SELECT count(*) FROM answers").fetchone() <= (ANSWERED_MAX + ANSWERS_SURPLUS_MAX,)


def test_a_checkpoint_copies_what_was_written_into_the_file_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(SqliteLog(path)) as log:
        assert not log.is_checkpoint_due
        log.append(batch(LOBBY, 1, *[said(f"{number} " + "x" * 11_000) for number in range(10)]))
        assert log.is_checkpoint_due
        thread = threading.Thread(target=log.checkpoint)
        thread.start()
        thread.join()
        assert not log.is_checkpoint_due
        assert said("9 " + "x" * 11_000)[-3_000:] in path.read_bytes()
        log.append(batch(LOBBY, 11, said("more")))
        assert len(log.read(LOBBY, 1, 99)) == 11
