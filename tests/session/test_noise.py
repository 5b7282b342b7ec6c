"""The Noise handshake against published vectors, and what must not shake it."""

import json
from pathlib import Path
from typing import Any

import pytest

from udpchat.session.cipher import Cipher
from udpchat.session.noise import KeyPair, NoiseInitiator, NoiseResponder, fingerprint, user_id
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.packets import FINISH_NOISE_BYTES_MIN, REPLY_NOISE_BYTES_MIN

VECTORS = sorted((Path(__file__).parent / "vectors").glob("*.json"))
CLIENT, CLIENT_EPHEMERAL = KeyPair(b"\x01" * 32), KeyPair(b"\x02" * 32)
SERVER, SERVER_EPHEMERAL = KeyPair(b"\x03" * 32), KeyPair(b"\x04" * 32)
LOW_ORDER = bytes(32)


def pair() -> tuple[NoiseInitiator, NoiseResponder]:
    """Both ends, after the Hello."""
    initiator = NoiseInitiator(static=CLIENT, ephemeral=CLIENT_EPHEMERAL)
    responder = NoiseResponder(static=SERVER, ephemeral=SERVER_EPHEMERAL, remote_ephemeral=initiator.public)
    return initiator, responder


def flips(message: bytes) -> list[bytes]:
    """``message`` with one bit wrong, at every byte but the last bit of the key, which X25519 ignores."""
    return [message[:i] + bytes([message[i] ^ 1]) + message[i + 1 :] for i in range(len(message))]


def key(vector: dict[str, Any], name: str) -> KeyPair:
    """A key pair of the vector."""
    return KeyPair(bytes.fromhex(vector[name]))


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_a_published_vector_holds(path: Path) -> None:
    vector = json.loads(path.read_text())
    texts = [bytes.fromhex(message["payload"]) for message in vector["messages"]]
    wires = [bytes.fromhex(message["ciphertext"]) for message in vector["messages"]]
    initiator = NoiseInitiator(
        static=key(vector, "init_static"),
        ephemeral=key(vector, "init_ephemeral"),
        prologue=bytes.fromhex(vector["init_prologue"]),
    )
    responder = NoiseResponder(
        static=key(vector, "resp_static"),
        ephemeral=key(vector, "resp_ephemeral"),
        remote_ephemeral=initiator.public,
        remote_payload=texts[0],
        payload=texts[1],
        prologue=bytes.fromhex(vector["resp_prologue"]),
    )
    server = initiator.read_reply_untrusted(responder.message, [b"another", texts[0]])
    finish, client_keys = server.finish(texts[2])
    client = responder.read_finish_untrusted(finish)
    assert [initiator.public + texts[0], responder.message, finish] == wires[:3]
    assert [server.payload, client.payload] == texts[1:3]
    assert server.remote_static == key(vector, "resp_static").public
    assert client.remote_static == key(vector, "init_static").public
    assert client_keys.handshake_hash == client.keys.handshake_hash
    if "handshake_hash" in vector:
        assert client_keys.handshake_hash.hex() == vector["handshake_hash"]
    assert (client_keys.send, client_keys.receive) == (client.keys.receive, client.keys.send)
    ciphers = [Cipher(client.keys.send), Cipher(client_keys.send)]  # the responder speaks next
    for number, (text, wire) in enumerate(zip(texts[3:], wires[3:], strict=True)):
        assert ciphers[number % 2].seal(number // 2, b"", text) == wire


def test_both_published_vectors_are_there() -> None:
    assert [path.stem for path in VECTORS] == ["cacophony", "snow"]


def test_the_least_messages_are_as_long_as_the_parser_demands() -> None:
    initiator, responder = pair()
    assert len(responder.message) == REPLY_NOISE_BYTES_MIN
    assert len(initiator.read_reply_untrusted(responder.message).finish(b"")[0]) == FINISH_NOISE_BYTES_MIN


def test_a_corrupt_reply_changes_nothing() -> None:
    initiator, responder = pair()
    for wrong in [*flips(responder.message), b"", responder.message[:-1], LOW_ORDER + responder.message[32:]]:
        with pytest.raises(BadDatagram) as caught:
            initiator.read_reply_untrusted(wrong)
        assert caught.value.reason is Drop.BAD_HANDSHAKE
    assert initiator.read_reply_untrusted(responder.message).remote_static == SERVER.public


def test_a_corrupt_finish_changes_nothing() -> None:
    initiator, responder = pair()
    finish, _ = initiator.read_reply_untrusted(responder.message).finish(b"join")
    for wrong in [*flips(finish), b"", finish[:-1]]:
        with pytest.raises(BadDatagram) as caught:
            responder.read_finish_untrusted(wrong)
        assert caught.value.reason is Drop.BAD_HANDSHAKE
    assert responder.read_finish_untrusted(finish).payload == b"join"


def test_a_handshake_is_finished_once() -> None:
    initiator, responder = pair()
    server = initiator.read_reply_untrusted(responder.message)
    server.finish(b"one")
    with pytest.raises(AssertionError):
        server.finish(b"two")


def test_a_hello_with_a_point_of_low_order_is_refused() -> None:
    with pytest.raises(BadDatagram) as caught:
        NoiseResponder(static=SERVER, ephemeral=SERVER_EPHEMERAL, remote_ephemeral=LOW_ORDER)
    assert caught.value.reason is Drop.BAD_HANDSHAKE


def test_a_reply_to_another_payload_is_none() -> None:
    initiator, _ = pair()
    responder = NoiseResponder(
        static=SERVER, ephemeral=SERVER_EPHEMERAL, remote_ephemeral=initiator.public, remote_payload=b"cookie"
    )
    for payloads in ([], [b""], [b"other", b""]):
        with pytest.raises(BadDatagram) as caught:
            initiator.read_reply_untrusted(responder.message, payloads)
        assert caught.value.reason is Drop.BAD_HANDSHAKE
    proved = initiator.read_reply_untrusted(responder.message, [b"other", b"cookie"])
    assert proved.remote_static == SERVER.public


def test_another_prologue_is_another_conversation() -> None:
    initiator = NoiseInitiator(static=CLIENT, ephemeral=CLIENT_EPHEMERAL, prologue=b"udpchat\x63")
    _, responder = pair()
    with pytest.raises(BadDatagram):
        initiator.read_reply_untrusted(responder.message)


def test_a_fingerprint_is_32_characters_that_survive_an_address() -> None:
    text = fingerprint(SERVER.public)
    assert len(text) == 32 and set(text) <= set("abcdefghijklmnopqrstuvwxyz234567")
    assert text == fingerprint(SERVER.public) != fingerprint(CLIENT.public)


def test_a_user_id_is_eight_bytes() -> None:
    assert len(user_id(CLIENT.public)) == 8
    assert user_id(CLIENT.public) != user_id(SERVER.public)
