"""The server's side of the handshake: from the first Hello to a session (SPEC 2).

A Hello without a valid cookie is answered with one, and leaves no state. With a cookie the address is proved: the
host uses one of its tokens, and a half-open handshake is kept for HANDSHAKE_LIFETIME_S. The client repeats what was not
answered: the same Hello gets the same HelloReply, the same Finish the same ``AcceptedHandshake``, and never a second
session. A corrupt packet changes nothing.

Anyone who has seen a Finish can repeat it. So it is answered REPEATS_MAX times, and only as long as its session is in
use: a session that has ended never begins again. When the table is full, the source with most places gives one up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from udpchat.session.cipher import ReadyCiphers
from udpchat.session.cookie import CookieJar
from udpchat.session.noise import KeyPair, NoiseResponder
from udpchat.session.path import Path
from udpchat.session.rate_limit import Rate, TokenBuckets, source_of
from udpchat.session.session import Session
from udpchat.session.shares import Shares
from udpchat.wire import limits
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.fields import Value
from udpchat.wire.packets import NO_COOKIE, Address, Cookie, Finish, Hello, HelloReply

_INDEX_BYTES = 4
_INDEX_TRIES_MAX = 32  # the index space is thousands of times larger than all tables together


class AcceptedHandshake(Value, frozen=True):
    """A finished handshake: a session whose path is proved, and the payload of the client's Finish."""

    session: Session
    payload: bytes


_Caller = tuple[Address, Hello]  # what a repeated Hello repeats


@dataclass(slots=True)
class _Handshake:
    caller: _Caller
    source: str
    order: int
    reply: bytes
    responder: NoiseResponder
    expires_s: float
    accepted: AcceptedHandshake | None = None
    finish: bytes = b""  # the Noise message that was accepted
    repeats: int = 0  # of it


class HandshakeResponder:
    """``is_index_free`` returns whether the caller has no session of that index.

    Every handshake is kept equally long after its last step, so the table, kept in that order, expires from its front.
    ``begun`` and ``finished`` count the steps that cost curve operations: two for a HelloReply, one and a new session
    for a Finish. All else is cheap.
    """

    def __init__(
        self, *, static: KeyPair, random: Callable[[int], bytes], is_index_free: Callable[[int], bool]
    ) -> None:
        self._static = static
        self._random = random
        self._is_index_free = is_index_free
        self._cookies = CookieJar(random)
        self._hosts: TokenBuckets[str] = TokenBuckets(
            Rate(limits.HANDSHAKES_PER_HOST_BURST, limits.HANDSHAKES_PER_HOST_PER_S), holders_max=limits.SOURCES_MAX
        )
        self._sources: TokenBuckets[str] = TokenBuckets(
            Rate(limits.HANDSHAKES_PER_SOURCE_BURST, limits.HANDSHAKES_PER_SOURCE_PER_S),
            holders_max=limits.SOURCES_MAX,
        )
        self._handshakes: dict[int, _Handshake] = {}
        self._indexes: dict[_Caller, int] = {}
        self._shares = Shares()
        self._ready = ReadyCiphers()
        self.begun = 0
        self.finished = 0

    def __len__(self) -> int:
        """Handshakes held: half open, or finished less than HANDSHAKE_LIFETIME_S ago."""
        return len(self._handshakes)

    def receive_hello(self, now: float, address: Address, hello: Hello) -> bytes:
        """The answer, shorter than the Hello; raises BadDatagram RATE_LIMITED or BAD_HANDSHAKE."""
        if hello.version != limits.PROTOCOL_VERSION:
            return Cookie(limits.PROTOCOL_VERSION, hello.sender_index, NO_COOKIE).encode()
        if not self._cookies.check(now, address, hello.ephemeral, hello.cookie):
            cookie = self._cookies.mint(now, address, hello.ephemeral)
            return Cookie(limits.PROTOCOL_VERSION, hello.sender_index, cookie).encode()
        self._expire(now)
        caller = (address, hello)
        index = self._indexes.get(caller)
        if index is None:
            index = self._begin(now, caller)
        handshake = self._renew(now, index)
        return handshake.reply

    def receive_finish(self, now: float, address: Address, finish: Finish) -> AcceptedHandshake:
        """The session; raises BadDatagram UNKNOWN_SESSION, BAD_HANDSHAKE, or RATE_LIMITED after FINISHES_MAX bad ones.

        A repeated Finish gets the same ``AcceptedHandshake``: answer it with any Data, which the client waits for.
        UNKNOWN_SESSION too if that session has ended, RATE_LIMITED after REPEATS_MAX.
        """
        self._expire(now)
        index = finish.receiver_index
        handshake = self._handshakes.get(index)
        if handshake is None or handshake.caller[0] != address:
            raise BadDatagram(Drop.UNKNOWN_SESSION)
        if handshake.accepted is None:
            handshake.accepted = self._finish(now, index, handshake, finish)
            handshake.finish = finish.noise
            self._renew(now, index)
        elif finish.noise != handshake.finish:
            raise BadDatagram(Drop.BAD_HANDSHAKE)
        elif self._is_index_free(index):
            raise BadDatagram(Drop.UNKNOWN_SESSION)
        elif handshake.repeats >= limits.REPEATS_MAX:
            raise BadDatagram(Drop.RATE_LIMITED)
        else:
            handshake.repeats += 1
        return handshake.accepted

    def handle_timeout(self, now: float) -> None:
        self._expire(now)

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` has something to remove."""
        oldest = next(iter(self._handshakes.values()), None)
        return oldest.expires_s if oldest else None

    def _begin(self, now: float, caller: _Caller) -> int:
        address, hello = caller
        source = source_of(address[0])
        if not (self._hosts.take(now, address[0]) and self._sources.take(now, source)):
            raise BadDatagram(Drop.RATE_LIMITED)
        index = self._free_index()
        header = HelloReply(hello.sender_index, index, b"").header
        responder = NoiseResponder(
            static=self._static,
            ephemeral=KeyPair(self._random(limits.KEY_BYTES)),
            remote_ephemeral=hello.ephemeral,
            remote_payload=hello.cookie,
            payload=header,
        )
        if len(self._handshakes) >= limits.HANDSHAKES_MAX:
            self._remove(self._shares.first_to_give_way())
        self.begun += 1
        self._handshakes[index] = _Handshake(caller, source, self.begun, header + responder.message, responder, now)
        self._indexes[caller] = index
        self._shares.add(source, index)
        return index

    def _remove(self, index: int) -> None:
        handshake = self._handshakes.pop(index)
        del self._indexes[handshake.caller]
        self._shares.remove(handshake.source, index)

    def _finish(self, now: float, index: int, handshake: _Handshake, finish: Finish) -> AcceptedHandshake:
        if handshake.responder.exchanges >= limits.FINISHES_MAX:
            raise BadDatagram(Drop.RATE_LIMITED)
        exchanges = handshake.responder.exchanges
        try:
            client = handshake.responder.read_finish_untrusted(finish.noise)
        finally:
            self.finished += handshake.responder.exchanges - exchanges
        address, hello = handshake.caller
        session = Session(
            now,
            index=index,
            peer_index=hello.sender_index,
            remote_static=client.remote_static,
            keys=client.keys,
            path=Path(address, self._random),
            order=handshake.order,
            ready=self._ready,
        )
        return AcceptedHandshake(session, client.payload)

    def _free_index(self) -> int:
        for _ in range(_INDEX_TRIES_MAX):
            index = int.from_bytes(self._random(_INDEX_BYTES), "big")
            if index not in self._handshakes and self._is_index_free(index):
                return index
        raise BadDatagram(Drop.TABLE_FULL)

    def _renew(self, now: float, index: int) -> _Handshake:
        handshake = self._handshakes.pop(index)
        handshake.expires_s = now + limits.HANDSHAKE_LIFETIME_S
        self._handshakes[index] = handshake
        return handshake

    def _expire(self, now: float) -> None:
        while self._handshakes:
            index, handshake = next(iter(self._handshakes.items()))
            if now < handshake.expires_s:
                return
            self._remove(index)
