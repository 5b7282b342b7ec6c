"""What the log knows of requests that were carried out: the answers that outlive the server's process (SPEC 7.2)."""

from __future__ import annotations

from udpchat.chat.message import DIRECTORY_LOG
from udpchat.sync.log import LogReader
from udpchat.wire.bodies import Claim, Done, Failed, Stored
from udpchat.wire.frames import encode, parse_record

REFUSED_BEFORE = encode(Failed("refused", "the server refused this before; it is not in the log"))


def logged_answers(log: LogReader, author: bytes) -> dict[int, bytes | None]:
    """By counter, the encoded answers to the latest requests of an author that have an entry.

    None: the answer is not enough. A nick that was claimed belongs to its key for good, but by which of them a device
    goes is forgotten with the server's process, so that the request is to be carried out again, which changes no log.
    """
    answers: dict[int, bytes | None] = {}
    for counter, name, sequence in log.answered(author):
        if name != DIRECTORY_LOG:
            answers[counter] = encode(Stored(name, sequence))
        elif any(isinstance(parse_record(entry), Claim) for entry in log.read(name, sequence, 1)):
            answers[counter] = None
        else:
            answers[counter] = encode(Done())
    return answers
