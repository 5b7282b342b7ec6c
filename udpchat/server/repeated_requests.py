"""Answers to repeated requests: of this session, an earlier one, or an earlier server process (SPEC 5.6, 7).

A repeated request is answered again, not carried out again. The window of a connected peer keeps the answers. Later
they are rebuilt from the log, where each entry names its request; the log does not keep the presence sent for a Tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from udpchat.chat.ids import DIRECTORY_LOG, SAID_PREFIXES
from udpchat.server.registry import Peer
from udpchat.sync.exactly_once import ANSWERS_RECALLED_MAX, RequestWindow, WindowBudget
from udpchat.sync.fragments import split
from udpchat.sync.log import LogReader
from udpchat.sync.packing import FRAME_BYTES_MAX
from udpchat.wire.content import Claim
from udpchat.wire.frames import ResultFragment, encode, encode_result, parse_record
from udpchat.wire.requests import Done, Failed, RequestBody, ResultBody, Stored

REFUSED_BEFORE: Final = Failed("refused")  # why is forgotten


def answer(peer: Peer, counter: int, result: ResultBody) -> None:
    """Send the result of a request, now and whenever the request is repeated."""
    encoded = encode(result)
    peer.window.answer(counter, encoded)
    send_result(peer, counter, encoded)


def send_result(peer: Peer, counter: int, result: bytes) -> None:
    """Send an encoded result, in fragments if it does not fit a datagram."""
    frame = encode_result(counter, result)
    if len(frame) <= FRAME_BYTES_MAX:
        return peer.downlink.queue.add_answer(frame)
    fragments = split(result)
    for index, data in enumerate(fragments):
        peer.downlink.send(encode(ResultFragment(counter, index, len(fragments), data)))


def recalled_window(
    log: LogReader, client_id: bytes, pending: Iterable[int], budget: WindowBudget | None = None
) -> RequestWindow[RequestBody]:
    """The window of a client that returns: requests that left an entry are answered again, not carried out again.

    Of the latest requests, those without an entry may be carried out again, except for messages: one that has none,
    though a later request has, was refused. Those in `pending` are being written and will be answered.
    """
    answers = logged_answers(log, client_id)
    latest = max(answers, default=0)
    window = RequestWindow[RequestBody](max(latest - ANSWERS_RECALLED_MAX, 0), budget)
    window.decided = latest
    for counter, encoded in answers.items():
        if counter > window.executed:
            window.remember(counter, encoded)
    for counter in pending:
        window.expect(counter)
        window.decided = max(window.decided, counter)
    return window


def recall_answers(log: LogReader, peer: Peer) -> None:
    """Put forgotten answers back into the window: a client in a fresh session may have lost them.

    A loss of power may take answers that a client had, but not its requests. A request without an
    entry is answered with `REFUSED_BEFORE`.
    """
    forgotten = peer.window.forgotten()
    answers = logged_answers(log, peer.author.client_id) if forgotten else {}
    for counter in forgotten:
        peer.window.remember(counter, answers.get(counter) or encode(REFUSED_BEFORE))


def logged_answers(log: LogReader, client_id: bytes) -> dict[int, bytes]:
    """The encoded answers, by counter, to the latest requests of a client that left an entry."""
    return {
        counter: encode(Stored(name, sequence) if name.startswith(SAID_PREFIXES) else Done())
        for counter, name, sequence in log.answered(client_id)
    }


def logged_nicks(log: LogReader, client_id: bytes) -> dict[int, str]:
    """The nicks, by counter, that the latest requests of a client claimed.

    The log records that its key owns them. Only the server's memory records which one a device uses.
    """
    nicks: dict[int, str] = {}
    for counter, name, sequence in log.answered(client_id):
        for entry in log.read(name, sequence, 1) if name == DIRECTORY_LOG else []:
            record = parse_record(entry)
            if isinstance(record, Claim):
                nicks[counter] = record.nick
    return nicks
