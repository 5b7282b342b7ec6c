"""The log lines of a server for its operator: start, end, disk, who came and went, drops. Never message texts."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Sequence
from typing import Final

from udpchat import __version__
from udpchat.chat import events
from udpchat.chat.names import HOST_NICK
from udpchat.chat.text import counted, duration_text, kept_for
from udpchat.server.usage import Usage
from udpchat.shell.data_folder import OPERATOR_KEY, SERVER_KEY
from udpchat.shell.file_modes import exposed
from udpchat.shell.logging_setup import ACTIVITY, ActivityFile, reopen_files
from udpchat.shell.maintenance import LOG_FILE
from udpchat.shell.options import ServerOptions
from udpchat.shell.reloading import Reloaded

REFUSALS_LOGGED_MAX: Final = 60  # between two reports of drops: one who insists must not fill the logs

_logger = logging.getLogger("udpchat.server")
_activity = logging.getLogger(ACTIVITY)


def _fields_of(act: events.Act) -> dict[str, str]:
    """What programs read of an act, without the names of what is empty."""
    named = {name: getattr(act, name) for name in ("by", "action", "room", "subject", "detail", "reason")}
    return {name: value for name, value in named.items() if value}


def _line_of(act: events.Act) -> str:
    """`alice: ban bob in lobby (7200): spam`."""
    place = f" in {act.room}" if act.room else ""
    detail, reason = f" ({act.detail})" if act.detail else "", f": {act.reason}" if act.reason else ""
    return f"{act.by}: {act.action}{act.subject and ' '}{act.subject}{place}{detail}{reason}"


class OperatorLog:
    """Writes what happens to one server to the log and to the activity file. `now` is monotonic, in seconds."""

    def __init__(self, now: float, options: ServerOptions) -> None:
        self._began = now
        self._options = options
        self._file = ActivityFile(options.data, shows_addresses=options.log.addresses)
        self.trouble = ""  # why messages are refused, while they are
        self._unwritable_at = now
        self._drops: Counter[str] = Counter()  # all that were reported
        self._refusals = 0  # since drops were reported

    def report_start(self) -> None:
        """Which server this is, and which of its files others of this machine can use."""
        options, retention = self._options, self._options.retention
        kept = kept_for(retention.kept_s, retention.kept_entries)
        _logger.info(
            "starting udpchat %s, process %d, durability %s, history kept %s",
            __version__, os.getpid(), options.durability, kept,
        )  # fmt: skip
        for line in exposed(options.data, *(options.data / name for name in (SERVER_KEY, OPERATOR_KEY, LOG_FILE))):
            _logger.warning("%s", line)

    def report_stopping(self, cause: str, clients: int) -> None:
        """A signal or an operator ends the server, which reports that to so many clients."""
        told = counted(clients, "client is", "clients are")
        _logger.info("stopping because of %s; %s told", cause, told)

    def report_reloaded(self, cause: str, done: Reloaded) -> None:
        """The config was read again."""
        if done.problem:
            return _logger.error("%s: the config is not taken over, all stays as it was: %s", cause, done.problem)
        _logger.info("%s: config read again; changed: %s", cause, ", ".join(done.live) or "nothing")
        if done.restart:
            _logger.warning("these settings hold from the next start on: %s", ", ".join(done.restart))

    def report_stopped(self, now: float) -> None:
        """All is done, and all that was accepted is on the disk."""
        _logger.info("stopped after serving for %s; all that was accepted is stored", duration_text(now - self._began))

    def uptime_s(self, now: float) -> float:
        """For how long the server has run."""
        return now - self._began

    def report_events(self, now: float, happened: Sequence[events.ServerEvent]) -> None:
        """What the core reported."""
        for event in happened:
            match event:
                case events.PeerEntered(nick) | events.PeerLeft(nick) if nick == HOST_NICK:
                    pass  # one of the commands of the operator, each of which is a line if it did something
                case events.PeerEntered(nick, host):
                    self._note(f"{nick} entered{self._from(host)}", "entered", nick=nick, address=host)
                case events.PeerLeft(nick, reason):
                    self._note(f"{nick} left ({reason})", "left", nick=nick, reason=str(reason))
                case events.PeerRefused(host, code, nick):
                    self._refusals += 1
                    if self._refusals <= REFUSALS_LOGGED_MAX:
                        asked = {"nick": nick} if nick else {}
                        text = f"refused{nick and ' '}{nick}{self._from(host)}: {code}"
                        self._note(text, "refused", **asked, address=host, code=code)
                case events.Act():
                    self._note(_line_of(event), "act", **_fields_of(event))
                case events.LogDamaged(reason):
                    _logger.error("what is stored cannot be read: %s", reason)
                case events.LogUnwritable(reason):
                    self._unwritable_at, self.trouble = now, reason
                    _logger.error("messages are refused, because they cannot be stored: %s", reason)
                case events.LogWritable():  # a warning, so that whoever reads of the failure reads of its end
                    lasted, self.trouble = duration_text(now - self._unwritable_at), ""
                    _logger.warning("messages are stored again, after %s in which none could be", lasted)

    def _note(self, text: str, event: str, **fields: object) -> None:
        """Write who came or went, or did something: as a text, and for programs with what is in it."""
        if not self._options.log.addresses:
            fields.pop("address", None)
        _activity.info("%s", text, extra={"fields": {"event": event, **fields}})

    def _from(self, host: str) -> str:
        return f" from {host}" if self._options.log.addresses else ""

    def report_drops(self, dropped: Counter[str]) -> None:
        """What was dropped and refused since the last time, if anything was; `dropped` counts from the start."""
        recent = dropped - self._drops
        self._drops = dropped
        if self._refusals > REFUSALS_LOGGED_MAX:
            _activity.info("refused %s more", counted(self._refusals - REFUSALS_LOGGED_MAX, "time"))
        self._refusals = 0
        if recent:
            _logger.warning("dropped: %s", ", ".join(f"{count} {reason}" for reason, count in recent.most_common()))

    def report_usage(self, usages: Sequence[Usage], free_bytes: float) -> None:
        """How much of each budget is in use, and how much of the disk is free."""
        used = ", ".join(f"{usage.budget} {usage.used} of {usage.limit}" for usage in usages)
        free = "an unknown part" if free_bytes == float("inf") else f"{free_bytes / 2**20:.0f} MiB"
        _logger.info("in use: %s; free on the disk: %s", used, free)

    def reopen(self) -> None:
        """Go on in new files if somebody moved those away that are written."""
        reopen_files()
        _logger.info("log files reopened")

    def close(self) -> None:
        self._file.close()
