"""The test vectors of SPEC 9 are the bytes that this code makes, and both ends read them."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from tests.wire import vectors
from udpchat.session.cipher import Cipher
from udpchat.session.noise import KeyPair, NoiseInitiator, NoiseResponder
from udpchat.wire import content, frames, packets, requests
from udpchat.wire.frames import pack

FILE: dict[str, Any] = json.loads(vectors.FILE.read_text(encoding="utf-8"))


def test_the_file_is_what_this_code_makes() -> None:
    assert vectors.FILE.read_text(encoding="utf-8") == vectors.text(), "run python -m tests.wire.vectors"


@pytest.mark.parametrize(
    ("values", "union"),
    [
        (vectors.UP, frames.Up), (vectors.DOWN, frames.Down), (vectors.REQUESTS, requests.RequestBody),
        (vectors.RESULTS, requests.ResultBody), (vectors.ENTRIES, content.Entry),
    ],
    ids=["up", "down", "requests", "results", "entries"],
)  # fmt: skip
def test_there_is_one_of_each(values: list[Any], union: object) -> None:
    never_sent_or_both_ways = {requests.Malformed, content.UnknownEntry, frames.Goodbye}
    assert {type(value) for value in values} | never_sent_or_both_ways == set(get_args(union)) | never_sent_or_both_ways


def test_what_the_vectors_hold_is_read_as_what_they_name() -> None:
    def example(found: dict[str, Any]) -> bytes:
        return bytes.fromhex(found["bytes"])

    assert [frames.parse_up_untrusted(pack([example(found)])) for found in FILE["frames"]["up"]] == [
        [frame] for frame in vectors.UP
    ]
    down = [frames.parse_down_untrusted(pack([example(found)]))[0] for found in FILE["frames"]["down"]]
    assert [frames.encode(frame) for frame in down] == [example(found) for found in FILE["frames"]["down"]]
    for name, parse, values in (
        ("requests", frames.parse_request_untrusted, vectors.REQUESTS),
        ("results", frames.parse_result_untrusted, vectors.RESULTS),
        ("entries", frames.parse_entry_untrusted, vectors.ENTRIES),
    ):
        assert [parse(example(found)) for found in FILE[name]] == values


def test_the_handshake_of_the_vectors_gives_their_keys_at_both_ends() -> None:
    shaken = {name: bytes.fromhex(value) for name, value in FILE["handshake"].items() if isinstance(value, str)}
    hello, reply, finish = (packets.parse_packet_untrusted(shaken[name]) for name in ("hello", "hello_reply", "finish"))
    assert isinstance(hello, packets.Hello) and isinstance(reply, packets.HelloReply)
    assert isinstance(finish, packets.Finish)
    client = NoiseInitiator(
        static=KeyPair(shaken["client_static_secret"]), ephemeral=KeyPair(shaken["client_ephemeral_secret"])
    ).read_reply_untrusted(reply.noise, [hello.cookie])
    assert client.payload == reply.header
    message, keys = client.finish(shaken["finish_payload"])
    server = NoiseResponder(
        static=KeyPair(shaken["server_static_secret"]),
        ephemeral=KeyPair(shaken["server_ephemeral_secret"]),
        remote_ephemeral=hello.ephemeral,
        remote_payload=hello.cookie,
        payload=reply.header,
    ).read_finish_untrusted(finish.noise)
    assert message == finish.noise and server.payload == shaken["finish_payload"]
    assert (server.keys.receive, server.keys.send) == (keys.send, keys.receive)
    for way, key in (("up", "key_client_to_server"), ("down", "key_server_to_client")):
        told = FILE["data"][way]
        datagram = bytes.fromhex(told["datagram"])
        opened = Cipher(shaken[key]).open_untrusted(told["counter"], datagram[:13], datagram[13:])
        assert opened.hex() == told["body"]
