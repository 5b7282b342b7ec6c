from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from udpchat.shell.logging_setup import (
    ACTIVITY,
    ActivityFile,
    JsonFormatter,
    LogOptions,
    LogUnusable,
    TextFormatter,
    change_lines,
    configure,
    reopen_files,
    without_addresses,
)

CHOSEN = LogOptions("info", "text", file=None, file_bytes=65_536, files_kept=2, addresses=True)
EVIL = "evil \x1b[2J\u202ename\nsecond line"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, ours, activity = logging.getLogger(), logging.getLogger("udpchat"), logging.getLogger(ACTIVITY)
    before = list(root.handlers), root.level, ours.level, activity.level, logging.raiseExceptions
    yield
    for handler in set(root.handlers) - set(before[0]):
        handler.close()
    root.handlers[:], logging.raiseExceptions = before[0], before[4]
    for logger, level in zip((root, ours, activity), before[1:4], strict=True):
        logger.setLevel(level)


def record(message: str, exception: BaseException | None = None) -> logging.LogRecord:
    info = (type(exception), exception, exception.__traceback__) if exception else None
    return logging.LogRecord("udpchat.server", logging.WARNING, __file__, 1, message, (), info)


def test_a_line_says_when_how_bad_and_where_and_is_safe_to_print() -> None:
    line = TextFormatter().format(record(EVIL))
    assert line.endswith(" warning server: evil \N{REPLACEMENT CHARACTER}[2Jname\N{RETURN SYMBOL}second line")
    assert line[:1].isdecimal() and line.split()[0].endswith("Z")


def test_an_object_has_the_same_and_is_one_line() -> None:
    line = JsonFormatter().format(record(EVIL))
    assert "\n" not in line and "\x1b" not in line
    found = json.loads(line)
    assert (found["level"], found["subsystem"]) == ("warning", "server")
    assert found["message"].startswith("evil")


@pytest.mark.parametrize("formatter", [TextFormatter, JsonFormatter])
def test_a_traceback_is_shown_only_where_it_is_asked_for(formatter: type[TextFormatter | JsonFormatter]) -> None:
    try:
        raise ValueError("inside")
    except ValueError as error:
        made = record("failed", error)
    assert "Traceback" not in formatter().format(made)
    assert "Traceback" in formatter(shows_traces=True).format(made)


def test_the_level_bounds_what_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    configure(CHOSEN.changed(level="warning"))
    logging.getLogger("udpchat.server").info("quiet")
    logging.getLogger(ACTIVITY).info("alice entered")
    logging.getLogger("udpchat.server").warning("loud")
    assert [line.split(": ")[1] for line in capsys.readouterr().err.splitlines()] == ["loud"]


def test_the_activity_file_has_who_came_and_went_whatever_the_level(tmp_path: Path) -> None:
    configure(CHOSEN.changed(level="error", format="json"))
    activity = ActivityFile(tmp_path)
    logging.getLogger(ACTIVITY).info("%s entered", EVIL)
    logging.getLogger("udpchat.server").error("not activity")
    activity.close()
    (line,) = (tmp_path / "activity.log").read_text(encoding="utf-8").splitlines()
    assert line.endswith("entered") and "\x1b" not in line
    if sys.platform != "win32":
        assert (tmp_path / "activity.log").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be moved there")
def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    configure(CHOSEN.changed(level="error"))
    activity = ActivityFile(tmp_path)
    reopen_files()  # before anything was written
    logging.getLogger(ACTIVITY).info("one")
    (tmp_path / "activity.log").rename(tmp_path / "old.log")
    reopen_files()
    logging.getLogger(ACTIVITY).info("two")
    activity.close()
    assert (tmp_path / "old.log").read_text().endswith("one\n")
    assert (tmp_path / "activity.log").read_text().endswith("two\n")


def test_a_log_that_cannot_be_written_harms_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(CHOSEN.changed(level="error"))
    activity = ActivityFile(tmp_path / "nowhere")
    logging.getLogger(ACTIVITY).info("one")
    activity.close()
    assert capsys.readouterr().err == ""


# --- The file of the log ----------


def test_the_file_has_what_stderr_has_and_only_its_owner_reads_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "server.log"
    configure(CHOSEN.changed(format="json", file=file))
    logging.getLogger("udpchat.server").debug("below the level")
    logging.getLogger("udpchat.server").info("serving")
    logging.getLogger(ACTIVITY).info("alice entered", extra={"fields": {"event": "entered", "nick": "alice"}})
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines == capsys.readouterr().err.splitlines()
    serving, entered = map(json.loads, lines)
    assert serving["message"] == "serving"
    assert (entered["subsystem"], entered["event"], entered["nick"]) == ("activity", "entered", "alice")
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o077 == 0


def test_a_file_that_is_full_is_turned_over_and_only_so_many_are_kept(tmp_path: Path) -> None:
    configure(CHOSEN.changed(file=tmp_path / "server.log", file_bytes=1_000))
    for number in range(60):
        logging.getLogger("udpchat.server").info("line %d of many", number)
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert set(files) == {"server.log", "server.log.1", "server.log.2"}
    assert all(len(text) <= 1_000 for text in files.values())
    kept = "".join(files[name] for name in ("server.log.2", "server.log.1", "server.log")).splitlines()
    numbers = [int(line.split()[-3]) for line in kept]
    assert numbers == list(range(60 - len(kept), 60)) and len(kept) > 20


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be moved there")
def test_both_files_go_on_anew_where_they_were_moved_away(tmp_path: Path) -> None:
    """As logrotate does it."""
    configure(CHOSEN.changed(file=tmp_path / "server.log"))
    activity = ActivityFile(tmp_path)
    for number in ("one", "two"):
        logging.getLogger(ACTIVITY).info(number)
        for name in ("server.log", "activity.log"):
            (tmp_path / name).rename(tmp_path / f"{name}.{number}")
        reopen_files()
    activity.close()
    for name in ("server.log", "activity.log"):
        assert [(tmp_path / f"{name}.{number}").read_text().split()[-1] for number in ("one", "two")] == ["one", "two"]


def test_a_log_of_an_earlier_run_is_gone_on_with(tmp_path: Path) -> None:
    file = tmp_path / "server.log"
    for form in ("text", "json", "text"):
        configure(CHOSEN.changed(format=form, file=file))
        logging.getLogger("udpchat.server").info("serving")
    assert len(file.read_text().splitlines()) == 3


@pytest.mark.parametrize("there", [b"SQLite format 3\0", b"5f1e9c", b"# notes of mine\n", b"\0"])
def test_a_file_that_is_no_log_is_not_written(tmp_path: Path, there: bytes) -> None:
    file = tmp_path / "mine"
    file.write_bytes(there)
    with pytest.raises(LogUnusable) as raised:
        configure(CHOSEN.changed(file=file))
    assert raised.value.phrase.key == "log_unusable.other" and file.read_bytes() == there


@pytest.mark.parametrize("name", ["nowhere/server.log", "."])
def test_a_file_that_cannot_be_made_is_said_and_nothing_changes(tmp_path: Path, name: str) -> None:
    before = list(logging.getLogger().handlers)
    with pytest.raises(LogUnusable) as raised:
        configure(CHOSEN.changed(file=tmp_path / name))
    assert raised.value.phrase.key == "log_unusable" and logging.getLogger().handlers == before


# --- Addresses ----------


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("could not send to 192.168.1.20: EPERM", "could not send to (address): EPERM"),
        ("serving on 127.0.0.1:47747, [::1]:47747", "serving on (address):47747, [(address)]:47747"),
        ("refused from fe80::1%eth0: bad_nick", "refused from (address): bad_nick"),
        ("2001:db8::20, ::ffff:10.0.0.9 and 10.0.0.9.", "(address), (address) and (address)."),
        ("2026-11-21T14:30:05.123Z info: version 0.1.0, 14:30:05, a: b", None),
        ("dropped: 3 bad seal; kept for 1 hour 30 minutes: 5.5 MiB", None),
    ],
)
def test_addresses_are_found_in_any_line_and_nothing_else_is_taken_for_one(line: str, left: str | None) -> None:
    assert without_addresses(line) == (left or line)


@pytest.mark.parametrize("form", ["text", "json"])
def test_without_addresses_no_line_has_one(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    configure(CHOSEN.changed(format=form, file=tmp_path / "server.log", addresses=False))
    activity = ActivityFile(tmp_path, shows_addresses=False)
    logging.getLogger(ACTIVITY).info("alice entered from 10.0.0.9", extra={"fields": {"address": "10.0.0.9"}})
    activity.close()
    written = [capsys.readouterr().err, *(path.read_text() for path in tmp_path.iterdir())]
    assert len(written) == 3
    for text in written:
        assert "alice entered from (address)" in text and "10.0.0.9" not in text


def test_lines_can_change_while_the_file_stays(tmp_path: Path) -> None:
    """As a reload of the config does it."""
    chosen = CHOSEN.changed(file=tmp_path / "server.log")
    configure(chosen)
    handlers = list(logging.getLogger().handlers)
    logging.getLogger("udpchat.server").info("one")
    change_lines(chosen.changed(level="warning", format="json"))
    logging.getLogger("udpchat.server").info("below the level")
    logging.getLogger("udpchat.server").warning("two")
    first, second = (tmp_path / "server.log").read_text().splitlines()
    assert first.endswith(" info server: one") and json.loads(second)["message"] == "two"
    assert logging.getLogger().handlers == handlers
