"""Names of logs and identities of messages: the same everywhere, and no two alike."""

from __future__ import annotations

from udpchat.chat.ids import (
    MESSAGE_ID_BYTES,
    client_id_of,
    conversation_log,
    message_id,
    room_log,
    roster_log,
)
from udpchat.wire.limits import LOG_NAME_BYTES_MAX, ROOM_CHARACTERS_MAX

ONE, OTHER = bytes(32), bytes([1]) * 32


def test_the_id_of_a_message_is_its_instance_and_counter_and_nothing_else() -> None:
    ids = {message_id(instance, counter) for instance in (bytes(16), b"i" * 16) for counter in (1, 2, 256, 2**53)}
    assert len(ids) == 8 and all(len(identity) == MESSAGE_ID_BYTES for identity in ids)
    assert message_id(bytes(16), 1) == message_id(bytes(16), 1)


def test_no_other_key_can_continue_the_counter_of_an_instance() -> None:
    assert len({client_id_of(key, instance) for key in (ONE, OTHER) for instance in (bytes(16), b"i" * 16)}) == 4


def test_a_conversation_has_one_log_whoever_asks() -> None:
    assert conversation_log(ONE, OTHER) == conversation_log(OTHER, ONE) != conversation_log(ONE, ONE)


def test_the_names_of_all_kinds_of_logs_differ_and_fit() -> None:
    room = "\U0001f600" * ROOM_CHARACTERS_MAX
    names = [room_log(room), roster_log(room), conversation_log(ONE, OTHER)]
    assert len({name[0] for name in names}) == 3
    assert all(len(name.encode()) <= LOG_NAME_BYTES_MAX for name in names)
