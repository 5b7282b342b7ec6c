"""A session: one secure association with one peer, after the handshake (SPEC 3).

It turns frames into Data datagrams and back: sealed, each accepted once, from whatever address the peer has. It
repeats and acknowledges nothing; the room ``sync`` does. This is the hot path, a thousand seals for one message in a
large room: hence few calls and slots.
"""

from __future__ import annotations

from udpchat.session.cipher import Cipher, ReadyCiphers, SendCipher
from udpchat.session.noise import Keys
from udpchat.session.path import Path
from udpchat.session.replay_window import ReplayWindow
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import DATA_HEADER_BYTES, DATAGRAM_BYTES_MAX, SESSION_AGE_S_MAX, SESSION_PACKETS_MAX
from udpchat.wire.packets import DATA_BYTES_MIN, DATA_HEADER, Address, Kind

_pack_header = DATA_HEADER.pack
_unpack_header = DATA_HEADER.unpack
_DATA = int(Kind.DATA)


class Session:
    """``index`` identifies it in packets to us, ``peer_index`` in packets to the peer. ``sent`` counts packets and is
    the next counter. ``opened`` is the counter of the packet opened last, which need not be the highest.

    ``order`` grows with each handshake that this end began to answer; a session of a lower order is an older one.
    ``heard_s`` is when the last fresh packet came, ``born_s`` when the handshake ended; seconds, monotonic.
    """

    __slots__ = (
        "_cipher", "_send_cipher", "_window", "born_s", "heard_s", "index", "opened", "order", "path", "peer_index",
        "remote_static", "sent",
    )  # fmt: skip

    def __init__(
        self,
        now: float,
        *,
        index: int,
        peer_index: int,
        remote_static: bytes,
        keys: Keys,
        path: Path,
        order: int = 0,
        ready: ReadyCiphers | None = None,
    ) -> None:
        """`ready`: the prepared ciphers of all sessions of this end, if their number is bounded."""
        self.index = index
        self.order = order
        self.peer_index = peer_index
        self.remote_static = remote_static
        self.path = path
        self.born_s = self.heard_s = now
        self.sent = 0
        self.opened = -1
        self._send_cipher = SendCipher(keys.send, ready)
        self._cipher = Cipher(keys.receive, ready)
        self._window = ReplayWindow()

    @property
    def largest_received(self) -> int:
        """The highest counter opened, -1 before the first."""
        return self._window.largest

    def seal(self, body: bytes) -> bytes:
        """The Data datagram for ``body``, at most BODY_BYTES_MAX; each call takes the next counter."""
        counter = self.sent
        self.sent = counter + 1
        header = _pack_header(_DATA, self.peer_index, counter)
        return header + self._send_cipher.seal(counter, header, body)

    def open_untrusted(self, now: float, datagram: bytes, address: Address) -> bytes:
        """The body of a Data datagram for our index; raises BadDatagram TRUNCATED, OVERSIZE, BAD_SEAL or REPLAYED."""
        size = len(datagram)
        if not DATA_BYTES_MIN <= size <= DATAGRAM_BYTES_MAX:
            raise BadDatagram(Drop.OVERSIZE if size > DATAGRAM_BYTES_MAX else Drop.TRUNCATED)
        header = datagram[:DATA_HEADER_BYTES]
        counter: int = _unpack_header(header)[2]  # kind and index need no check: a wrong one breaks the seal
        body = self._cipher.open_untrusted(counter, header, datagram[DATA_HEADER_BYTES:])
        window, path = self._window, self.path
        if not window.accept(counter):
            path.on_duplicate(now, address, counter)
            raise BadDatagram(Drop.REPLAYED)
        self.heard_s = now
        self.opened = counter
        if address != path.address or path.is_checking:
            path.on_packet(now, address, counter=counter, size=size, is_newest=counter == window.largest)
        return body

    def is_old(self, now: float) -> bool:
        """Whether a fresh handshake is due: after an hour, or 2^32 packets in one direction."""
        return (
            now - self.born_s >= SESSION_AGE_S_MAX
            or self.sent >= SESSION_PACKETS_MAX
            or self._window.largest >= SESSION_PACKETS_MAX
        )
