"""What the log knows of requests that were carried out: the answers that outlive the server's process (SPEC 7.2)."""

from __future__ import annotations

from udpchat.chat.ids import DIRECTORY_LOG
from udpchat.sync.log import LogReader
from udpchat.wire.bodies import Claim, Done, Failed, Stored
from udpchat.wire.frames import encode, parse_record

REFUSED_BEFORE = encode(Failed("refused", "the server refused this before; it is not in the log"))


def logged_answers(log: LogReader, author: bytes) -> dict[int, bytes]:
    """By counter, the encoded answers to the latest requests of an author that have an entry."""
    return {
        counter: encode(Done() if name == DIRECTORY_LOG else Stored(name, sequence))
        for counter, name, sequence in log.answered(author)
    }


def logged_nicks(log: LogReader, author: bytes) -> dict[int, str]:
    """By counter, the nicks that were claimed by the latest requests of an author.

    That they belong to its key is for good; by which of them a device goes is forgotten with the server's process.
    """
    nicks: dict[int, str] = {}
    for counter, name, sequence in log.answered(author):
        for entry in log.read(name, sequence, 1) if name == DIRECTORY_LOG else []:
            record = parse_record(entry)
            if isinstance(record, Claim):
                nicks[counter] = record.nick
    return nicks
