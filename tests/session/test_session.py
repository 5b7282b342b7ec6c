"""A session: sealed, once, from anywhere."""

from random import Random

import pytest

from tests.sizes import parts_of
from udpchat.session.noise import Keys
from udpchat.session.path import Path
from udpchat.session.session import Session
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import (
    BODY_BYTES_MAX,
    DATAGRAM_BYTES_MAX,
    REPLAY_WINDOW_PACKETS,
    SESSION_AGE_S_MAX,
    SESSION_PACKETS_MAX,
)
from udpchat.wire.packets import Data, Kind, parse_packet_untrusted

HOME, AWAY, SERVER = ("10.0.0.1", 1), ("10.0.0.1", 2), ("10.0.0.9", 9)


def pair() -> tuple[Session, Session]:
    """A client's and a server's end of one session."""
    random = Random(1).randbytes
    up, down, name = random(32), random(32), random(32)
    client_keys, server_keys = Keys(up, down, name), Keys(down, up, name)
    client = Session(0.0, index=11, peer_index=22, remote_static=b"s" * 32, keys=client_keys, path=Path(SERVER))
    server_path = Path(HOME, random)
    server = Session(0.0, index=22, peer_index=11, remote_static=b"c" * 32, keys=server_keys, path=server_path)
    return client, server


def refusal(session: Session, datagram: bytes, address: tuple[str, int] = HOME) -> Drop:
    """The reason why ``session`` does not open ``datagram``."""
    with pytest.raises(BadDatagram) as caught:
        session.open_untrusted(9.0, datagram, address)
    return caught.value.reason


def test_what_one_end_seals_the_other_opens() -> None:
    client, server = pair()
    assert server.open_untrusted(1.0, client.seal(b"up"), HOME) == b"up"
    assert client.open_untrusted(1.0, server.seal(b"down"), SERVER) == b"down"


def test_a_sealed_body_is_a_data_packet_with_the_next_counter() -> None:
    client, _ = pair()
    for counter in range(3):
        packet = parse_packet_untrusted(client.seal(b"body"))
        assert isinstance(packet, Data) and (packet.index, packet.counter) == (22, counter)
    assert client.sent == 3


def test_the_longest_body_fills_a_datagram() -> None:
    client, server = pair()
    datagram = client.seal(bytes(BODY_BYTES_MAX))
    assert len(datagram) == DATAGRAM_BYTES_MAX
    assert server.open_untrusted(0.0, datagram, HOME) == bytes(BODY_BYTES_MAX)


def test_a_replayed_counter_is_refused() -> None:
    client, server = pair()
    first, second = client.seal(b"1"), client.seal(b"2")
    assert server.open_untrusted(1.0, second, HOME) == b"2"
    assert server.open_untrusted(2.0, first, HOME) == b"1"
    assert server.largest_received == 1
    assert refusal(server, first) is refusal(server, second) is Drop.REPLAYED
    assert server.heard_s == 2.0  # a replay is no sign of life


def test_a_packet_from_left_of_the_window_is_refused() -> None:
    client, server = pair()
    old = client.seal(b"old")
    client.sent = REPLAY_WINDOW_PACKETS
    server.open_untrusted(1.0, client.seal(b"new"), HOME)
    assert refusal(server, old) is Drop.REPLAYED


def test_a_flip_at_any_byte_breaks_the_seal_and_spends_no_counter() -> None:
    client, server = pair()
    datagram = client.seal(b"text")
    for place in range(len(datagram)):
        wrong = bytearray(datagram)
        wrong[place] ^= 0x40
        assert refusal(server, bytes(wrong)) is Drop.BAD_SEAL
    assert server.largest_received == -1 and server.heard_s == 0.0
    assert server.open_untrusted(1.0, datagram, HOME) == b"text"


def test_a_session_does_not_open_its_own_packets() -> None:
    client, _ = pair()
    assert refusal(client, client.seal(b"echo")) is Drop.BAD_SEAL


def test_lengths_no_data_has_are_refused() -> None:
    _, server = pair()
    assert refusal(server, b"") is refusal(server, bytes([Kind.DATA]) + bytes(27)) is Drop.TRUNCATED
    assert refusal(server, bytes(DATAGRAM_BYTES_MAX + 1)) is Drop.OVERSIZE


def test_a_moved_client_is_followed_after_a_check() -> None:
    client, server = pair()
    server.open_untrusted(1.0, client.seal(b"from home"), HOME)
    assert server.open_untrusted(2.0, client.seal(b"from away"), AWAY) == b"from away"
    assert server.path.address == HOME
    [challenge] = server.path.drain_challenges()
    server.open_untrusted(2.1, client.seal(challenge.token), AWAY)
    server.path.on_reply_untrusted(2.1, AWAY, challenge.token)
    assert server.path.address == AWAY


def test_a_relay_faster_than_the_original_is_seen_through() -> None:
    client, server = pair()
    datagram = client.seal(b"text")
    assert server.open_untrusted(1.0, datagram, AWAY) == b"text"
    assert [challenge.address for challenge in server.path.drain_challenges()] == [AWAY]
    assert refusal(server, datagram, HOME) is Drop.REPLAYED
    assert server.path.next_timeout() is None and server.path.address == HOME


def test_a_session_grows_old_by_time_and_by_packets_either_way() -> None:
    client, server = pair()
    assert not client.is_old(SESSION_AGE_S_MAX - 1.0)
    assert client.is_old(SESSION_AGE_S_MAX)
    client.sent = SESSION_PACKETS_MAX
    assert client.is_old(1.0)
    assert not server.is_old(1.0)
    server.open_untrusted(1.0, client.seal(b""), HOME)
    assert server.is_old(1.0)


def test_setting_the_counter_back_cannot_repeat_a_nonce() -> None:
    client, _ = pair()
    client.seal(b"one")
    client.sent = 0
    with pytest.raises(AssertionError):
        client.seal(b"two")


def test_a_session_holds_no_dict() -> None:
    client, _ = pair()
    ours = [part for part in parts_of(client) if type(part).__module__.startswith("udpchat.")]
    assert len(ours) >= 3 and not any(hasattr(part, "__dict__") for part in ours)
