"""The activity file of a client: who came and went, and when it was connected; never what was said."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from udpchat.chat import events
from udpchat.shell.logging_setup import ACTIVITY, ActivityFile


class ActivityLog:
    """Writes events to the activity file of `folder`, which has to exist. A full disk raises nothing here."""

    def __init__(self, folder: Path) -> None:
        logging.raiseExceptions = False  # a full disk is no reason to fill the screen
        self._logger = logging.getLogger(ACTIVITY)
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False  # the screen belongs to the chat
        self._file = ActivityFile(folder)

    def note(self, happened: Sequence[events.ClientEvent]) -> None:
        """Write a line for each event that says who came or went, or how the connection is."""
        for event in happened:
            match event:
                case events.Connected(server, _, nick, rooms):
                    self._logger.info("connected to %s as %s, in %s", server, nick, " ".join(rooms) or "no room")
                case events.MemberJoined(room, nick):
                    self._logger.info("%s joined %s", nick, room)
                case events.MemberLeft(room, nick, reason):
                    self._logger.info("%s left %s (%s)", nick, room, reason)
                case events.MemberRenamed(old, nick):
                    self._logger.info("%s is now %s", old, nick)
                case events.Disconnected():
                    self._logger.info("disconnected: %s", event.values["reason"] or "no answer")
                case events.Reconnected():
                    self._logger.info("reconnected")
                case events.Rejected():
                    self._logger.info("refused: %s", event.code)

    def close(self) -> None:
        """Write the last line and close the file."""
        self._logger.info("ended")
        self._file.close()
        self._logger.propagate = True
