"""Group packets: sealed once for all members of a group, and signed by the server (SPEC 5.8).

All members have the key of an epoch, so a seal only shows that a member made a packet; the signature under it shows
that the server did. It lies inside the seal: who is no member cannot make a client verify one.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from udpchat.session.cipher import Cipher, SendCipher
from udpchat.session.replay_window import ReplayWindow
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import DATAGRAM_BYTES_MAX, GROUP_HEADER_BYTES, SIGNATURE_BYTES
from udpchat.wire.packets import GROUP_BYTES_MIN, GROUP_HEADER, Kind

SIGNED_FOR = b"udpchat group"  # a signature under this key can be none of anything else
_GROUP = int(Kind.GROUP)


class GroupSigner:
    """The key that a server signs group packets with; drawn at each start from KEY_BYTES random bytes."""

    __slots__ = ("_key", "public")

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, signed: bytes) -> bytes:
        """SIGNATURE_BYTES."""
        return self._key.sign(SIGNED_FOR + signed)


class GroupSender:
    """The server's end of one epoch of a group. ``sent`` counts packets and is the next counter: none is used twice."""

    __slots__ = ("_cipher", "_signer", "epoch", "group", "key", "sent")

    def __init__(self, group: int, epoch: int, key: bytes, signer: GroupSigner) -> None:
        self.group, self.epoch, self.key = group, epoch, key
        self.sent = 0
        self._cipher = SendCipher(key)
        self._signer = signer

    def seal(self, body: bytes) -> bytes:
        """The datagram for ``body``, at most GROUP_BODY_BYTES_MAX; each call takes the next counter."""
        counter = self.sent
        self.sent = counter + 1
        header = GROUP_HEADER.pack(_GROUP, self.group, self.epoch, counter)
        return header + self._cipher.seal(counter, header, body + self._signer.sign(header + body))


class GroupReceiver:
    """A member's end of one epoch of a group."""

    __slots__ = ("_cipher", "_signer", "_window")

    def __init__(self, key: bytes, signer: bytes) -> None:
        self._cipher = Cipher(key)
        self._signer = Ed25519PublicKey.from_public_bytes(signer)
        self._window = ReplayWindow()

    def open_untrusted(self, datagram: bytes) -> bytes:
        """The body of a datagram of this group and epoch.

        Raises BadDatagram TRUNCATED, OVERSIZE, REPLAYED, BAD_SEAL or BAD_SIGNATURE, in this order: what was taken
        before costs no cipher, and at most one seal is opened before a signature is verified.
        """
        size = len(datagram)
        if not GROUP_BYTES_MIN <= size <= DATAGRAM_BYTES_MAX:
            raise BadDatagram(Drop.OVERSIZE if size > DATAGRAM_BYTES_MAX else Drop.TRUNCATED)
        header = datagram[:GROUP_HEADER_BYTES]
        counter: int = GROUP_HEADER.unpack(header)[3]
        if not self._window.is_fresh(counter):
            raise BadDatagram(Drop.REPLAYED)
        signed = self._cipher.open_untrusted(counter, header, datagram[GROUP_HEADER_BYTES:])
        body = signed[:-SIGNATURE_BYTES]
        try:
            self._signer.verify(signed[-SIGNATURE_BYTES:], SIGNED_FOR + header + body)
        except InvalidSignature:
            raise BadDatagram(Drop.BAD_SIGNATURE) from None
        self._window.accept(counter)
        return body
