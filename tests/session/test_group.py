"""Group packets: one seal for all members, which none of them can make in the server's place."""

from __future__ import annotations

import pytest

from udpchat.session.cipher import SendCipher
from udpchat.session.group import GroupReceiver, GroupSender, GroupSigner
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import DATAGRAM_BYTES_MAX, GROUP_BODY_BYTES_MAX, SIGNATURE_BYTES
from udpchat.wire.packets import GROUP_HEADER, Group, Kind, parse_packet_untrusted

SIGNER, OTHER = GroupSigner(b"s" * 32), GroupSigner(b"o" * 32)
KEY = bytes(range(32))


def pair(epoch: int = 3) -> tuple[GroupSender, GroupReceiver]:
    """The server's end and a member's."""
    return GroupSender(7, epoch, KEY, SIGNER), GroupReceiver(KEY, SIGNER.public)


def refusal(receiver: GroupReceiver, datagram: bytes) -> Drop:
    with pytest.raises(BadDatagram) as caught:
        receiver.open_untrusted(datagram)
    return caught.value.reason


def forged(counter: int, body: bytes, signature: bytes) -> bytes:
    """What a member can make, who has the key of the epoch."""
    header = GROUP_HEADER.pack(int(Kind.GROUP), 7, 3, counter)
    return header + SendCipher(KEY).seal(counter, header, body + signature)


def test_all_members_open_the_same_bytes() -> None:
    sender, receiver = pair()
    datagram = sender.seal(b"body")
    assert receiver.open_untrusted(datagram) == GroupReceiver(KEY, SIGNER.public).open_untrusted(datagram) == b"body"
    packet = parse_packet_untrusted(datagram)
    assert isinstance(packet, Group) and (packet.group, packet.epoch, packet.counter) == (7, 3, 0)


def test_each_packet_has_a_counter_of_its_own() -> None:
    sender, receiver = pair()
    datagrams = [sender.seal(b"the same") for _ in range(3)]
    assert len(set(datagrams)) == 3 and sender.sent == 3
    assert [receiver.open_untrusted(each) for each in reversed(datagrams)] == [b"the same"] * 3


def test_the_longest_body_fills_a_datagram() -> None:
    sender, receiver = pair()
    datagram = sender.seal(bytes(GROUP_BODY_BYTES_MAX))
    assert len(datagram) == DATAGRAM_BYTES_MAX
    assert receiver.open_untrusted(datagram) == bytes(GROUP_BODY_BYTES_MAX)


def test_a_packet_is_taken_once() -> None:
    sender, receiver = pair()
    datagram = sender.seal(b"body")
    receiver.open_untrusted(datagram)
    assert refusal(receiver, datagram) is Drop.REPLAYED


@pytest.mark.parametrize("at", [0, 4, 8, 16, 17, -1])
def test_whoever_has_no_key_makes_no_client_verify_a_signature(at: int) -> None:
    """A flip anywhere, in the signature too, breaks the seal; and the packet itself is still taken."""
    sender, receiver = pair()
    datagram = sender.seal(b"body")
    flipped = bytearray(datagram)
    flipped[at] ^= 1
    assert refusal(receiver, bytes(flipped)) is Drop.BAD_SEAL
    assert receiver.open_untrusted(datagram) == b"body"


def test_a_member_cannot_speak_as_the_server() -> None:
    """S24: not with a signature of its own, one of another packet, or none; and it does not move the window."""
    sender, receiver = pair()
    datagram = sender.seal(b"body")
    header = GROUP_HEADER.pack(int(Kind.GROUP), 7, 3, 9)
    taken = SIGNER.sign(GROUP_HEADER.pack(int(Kind.GROUP), 7, 3, 0) + b"body")
    for signature in (OTHER.sign(header + b"mine"), taken, bytes(SIGNATURE_BYTES)):
        assert refusal(receiver, forged(9, b"mine", signature)) is Drop.BAD_SIGNATURE
    assert refusal(receiver, forged(2**64 - 1, b"mine", bytes(SIGNATURE_BYTES))) is Drop.BAD_SIGNATURE
    assert receiver.open_untrusted(datagram) == b"body"


def test_a_packet_of_another_epoch_or_group_is_not_this_one() -> None:
    _, receiver = pair()
    assert refusal(receiver, pair(epoch=4)[0].seal(b"body")[:5] + bytes(200)) is Drop.BAD_SEAL
    assert refusal(receiver, GroupSender(7, 3, bytes(32), SIGNER).seal(b"body")) is Drop.BAD_SEAL


def test_lengths_that_are_none_are_refused() -> None:
    sender, receiver = pair()
    assert refusal(receiver, sender.seal(b"")[:-1]) is Drop.TRUNCATED
    assert refusal(receiver, bytes(DATAGRAM_BYTES_MAX + 1)) is Drop.OVERSIZE
