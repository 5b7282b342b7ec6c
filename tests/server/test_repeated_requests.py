from __future__ import annotations

from tests.storage.memory import MemoryLog
from udpchat.chat.ids import DIRECTORY_LOG, room_log
from udpchat.server.repeated_requests import logged_answers, logged_nicks
from udpchat.sync.log import Append, RequestId
from udpchat.wire.content import Claim, Message, TopicRecord
from udpchat.wire.frames import encode
from udpchat.wire.requests import Done, Stored

AUTHOR = b"a" * 16
LOBBY = room_log("lobby")


def log_with(*appends: tuple[str, bytes, bytes]) -> MemoryLog:
    """A log with (log, entry, client id) as requests 1, 2, ..."""
    log, heads = MemoryLog(), dict[str, int]()
    for counter, (name, entry, client_id) in enumerate(appends, 1):
        heads[name] = heads.get(name, 0) + 1
        log.append([Append(name, heads[name], entry, RequestId(client_id, counter))])
    return log


def message(text: str) -> bytes:
    return encode(Message(1, bytes(8), "ann", bytes(8), 0, text))


def test_a_message_is_answered_with_its_place() -> None:
    log = log_with((LOBBY, message("one"), AUTHOR), (LOBBY, message("two"), AUTHOR))
    assert logged_answers(log, AUTHOR) == {1: encode(Stored(LOBBY, 1)), 2: encode(Stored(LOBBY, 2))}


def test_a_topic_is_done() -> None:
    log = log_with((DIRECTORY_LOG, encode(TopicRecord("lobby", "tea", "ann")), AUTHOR))
    assert logged_answers(log, AUTHOR) == {1: encode(Done())}


def test_a_new_nick_is_done_and_known() -> None:
    log = log_with((DIRECTORY_LOG, encode(Claim("ann", bytes(32))), AUTHOR), (LOBBY, message("one"), AUTHOR))
    assert logged_answers(log, AUTHOR) == {1: encode(Done()), 2: encode(Stored(LOBBY, 1))}
    assert logged_nicks(log, AUTHOR) == {1: "ann"}


def test_requests_of_another_client_are_not_answered() -> None:
    log = log_with((LOBBY, message("one"), b"b" * 16))
    assert logged_answers(log, AUTHOR) == {} and logged_nicks(log, AUTHOR) == {}
