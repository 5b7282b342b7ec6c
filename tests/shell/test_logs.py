from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from udpchat.shell.logs import ACTIVITY, ActivityFile, JsonFormatter, TextFormatter, configure

EVIL = "evil \x1b[2J\u202ename\nsecond line"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, ours, activity = logging.getLogger(), logging.getLogger("udpchat"), logging.getLogger(ACTIVITY)
    before = list(root.handlers), root.level, ours.level, activity.level, logging.raiseExceptions
    yield
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
    configure(level="warning", form="text")
    logging.getLogger("udpchat.server").info("quiet")
    logging.getLogger(ACTIVITY).info("alice entered")
    logging.getLogger("udpchat.server").warning("loud")
    assert [line.split(": ")[1] for line in capsys.readouterr().err.splitlines()] == ["loud"]


def test_the_activity_file_has_who_came_and_went_whatever_the_level(tmp_path: Path) -> None:
    configure(level="error", form="json")
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
    configure(level="error", form="text")
    activity = ActivityFile(tmp_path)
    activity.reopen()  # before anything was written
    logging.getLogger(ACTIVITY).info("one")
    (tmp_path / "activity.log").rename(tmp_path / "old.log")
    activity.reopen()
    logging.getLogger(ACTIVITY).info("two")
    activity.close()
    assert (tmp_path / "old.log").read_text().endswith("one\n")
    assert (tmp_path / "activity.log").read_text().endswith("two\n")


def test_a_log_that_cannot_be_written_harms_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(level="error", form="text")
    activity = ActivityFile(tmp_path / "nowhere")
    logging.getLogger(ACTIVITY).info("one")
    activity.close()
    assert capsys.readouterr().err == ""
