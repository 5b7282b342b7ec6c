"""Finds out whether a server answers: resolves names, and begins a handshake with each address.

The handshake stops at the Cookie, for which the server keeps no state. The sockets are connected, so that the kernel
reports when nobody listens there (RFC 1122 section 4.1.3.3).
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from enum import Enum
from typing import Final

from udpchat.chat.phrase import Problem
from udpchat.session.initiator import HandshakeInitiator
from udpchat.session.noise import KeyPair
from udpchat.shell.net.endpoint import address_of, sockaddr_of
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import HELLO_RESEND_S, KEY_BYTES
from udpchat.wire.packets import Address, parse_packet_untrusted

ADDRESSES_TRIED_MAX: Final = 8  # of one name
_READ_BYTES: Final = 2048


class Answer(Enum):
    """The result for an address: where attempts differ, the member that stands last counts."""

    NO_ROUTE = "no route there"  # before SILENCE: a network that was off may come up
    SILENCE = "no answer, or none that makes sense"
    NO_HOST = "the network reports that no machine is there"  # after SILENCE: a LAN takes three seconds to report it
    FORBIDDEN = "this machine does not let the packets out"
    REFUSED = "the machine reports that nobody listens"
    OTHER_VERSION = "a server of another protocol version"
    SERVES = "a server of our protocol version"


OTHER_VERSION_S_MAX: Final = 1.0  # so long, while all answers are of another version, one of ours may come
_RANKS: Final = {answer: rank for rank, answer in enumerate(Answer)}
_ANSWERS: Final = {  # what the system reports on a connected socket
    errno.ECONNREFUSED: Answer.REFUSED,
    errno.ENETUNREACH: Answer.NO_ROUTE,
    errno.ENETDOWN: Answer.NO_ROUTE,
    errno.EADDRNOTAVAIL: Answer.NO_ROUTE,  # no address of the family of that one
    errno.EAFNOSUPPORT: Answer.NO_ROUTE,
    errno.ENODEV: Answer.NO_ROUTE,  # the zone of a link-local address is not there
    errno.ENXIO: Answer.NO_ROUTE,
    errno.EHOSTUNREACH: Answer.NO_HOST,
    errno.EPERM: Answer.FORBIDDEN,
    errno.EACCES: Answer.FORBIDDEN,
    **({errno.EHOSTDOWN: Answer.NO_HOST} if hasattr(errno, "EHOSTDOWN") else {}),
}
_WINDOWS_NO_HOST: Final = 1232  # ERROR_HOST_UNREACHABLE, beside the WSA numbers that errno knows


class NoServer(Problem):
    """No server; what was tried, and what to do."""


class NoSuchHost(NoServer):
    """The name cannot be resolved."""


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host, best first, at most ADDRESSES_TRIED_MAX. Raises `NoSuchHost`."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        if isinstance(error, OSError):
            raise NoSuchHost("no_server.host", host=host, reason=error.strerror) from error
        raise NoSuchHost("no_server.host_name", host=host) from error
    return list(dict.fromkeys(address_of(entry[4]) for entry in found))[:ADDRESSES_TRIED_MAX]


async def find_server(
    addresses: Sequence[Address], *, limit_s: float, refused_limit_s: float
) -> tuple[Answer, Address | None]:
    """The first of these that serves; if none does within `limit_s`, the answer that counts most, and None.

    An address that refuses is tried for `refused_limit_s` only: long enough for a server that is just starting.
    """
    asked = {asyncio.ensure_future(_ask(a, limit_s=limit_s, refused_limit_s=refused_limit_s)): a for a in addresses}
    pending = set(asked)
    answers = {Answer.NO_ROUTE}
    try:
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if task.result() is Answer.SERVES:
                    return Answer.SERVES, asked[task]
                answers.add(task.result())
    finally:
        for task in pending:
            task.cancel()
    return max(answers, key=_RANKS.__getitem__), None


async def _ask(address: Address, *, limit_s: float, refused_limit_s: float) -> Answer:
    """Begin a handshake, until it is answered or the time is over; the answer that counts most."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    handshake, best = _handshake(began, address), Answer.NO_ROUTE
    shorter_s = {Answer.REFUSED: refused_limit_s, Answer.OTHER_VERSION: min(limit_s, OTHER_VERSION_S_MAX)}
    with ExitStack() as at_end:
        asking: socket.socket | None = None
        while True:
            now = loop.time()
            limit = began + shorter_s.get(best, limit_s)
            if now >= limit:
                return best
            handshake.handle_timeout(now)
            until = min(handshake.next_timeout() or limit, limit)
            try:
                if asking is None:
                    asking = at_end.enter_context(closing(_connected(address)))
                answer = await _exchange(asking, handshake, until)
            except OSError as error:
                answer = _reported(error)
            best = max(best, answer, key=_RANKS.__getitem__)
            if answer is Answer.SERVES:
                return answer
            if loop.time() < until:  # the system reports an error: begin anew, but not at once
                await asyncio.sleep(min(until - loop.time(), HELLO_RESEND_S))
                handshake = _handshake(loop.time(), address)


async def meet(address: Address, *, limit_s: float) -> bytes | None:
    """The public key that a server shows, which it has proved to hold; None if it shows none within `limit_s`.

    The handshake stops there: our side approves no key. The server forgets it after some seconds.
    """
    loop = asyncio.get_running_loop()
    shown: list[bytes] = []
    now = began = loop.time()
    handshake = _handshake(began, address, shown.append)
    with suppress(OSError), closing(_connected(address)) as asking:
        while not shown and now < began + limit_s:
            handshake.handle_timeout(now)
            until = min(handshake.next_timeout() or now, began + limit_s)
            with suppress(OSError):
                await _exchange(asking, handshake, until)
            if not shown and loop.time() == now:
                await asyncio.sleep(HELLO_RESEND_S)
            now = loop.time()
    return shown[0] if shown else None


def _handshake(now: float, address: Address, see: Callable[[bytes], object] = bool) -> HandshakeInitiator:
    """A handshake under a key of its own that approves no key, and so ends with it; `see` is called with the key."""

    def refuse(key: bytes) -> bool:
        see(key)
        return False

    return HandshakeInitiator(
        now,
        static=KeyPair(os.urandom(KEY_BYTES)),
        index=int.from_bytes(os.urandom(4), "big"),
        payload=b"",
        check_server=refuse,
        address=address,
        random=os.urandom,
    )


async def _exchange(asking: socket.socket, handshake: HandshakeInitiator, until: float) -> Answer:
    """Send what the handshake sends, and wait for a datagram that moves it on; SILENCE if none comes until then.

    OTHER_VERSION, if that is all that came: anyone can forge it, so the server's own answer may still follow.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout_at(until):
            for datagram in handshake.drain_transmits():
                await loop.sock_sendall(asking, datagram)
            while not _receive_untrusted(loop.time(), handshake, await loop.sock_recv(asking, _READ_BYTES)):
                pass
    except TimeoutError:
        return Answer.SILENCE if handshake.version_mismatch is None else Answer.OTHER_VERSION
    return Answer.SERVES


def _receive_untrusted(now: float, handshake: HandshakeInitiator, datagram: bytes) -> bool:
    """Whether a datagram is an answer of a server: it moves the handshake on, or would if the key were approved."""
    try:
        handshake.receive(now, parse_packet_untrusted(datagram))
    except BadDatagram as drop:
        return drop.reason is Drop.FOREIGN_KEY
    return handshake.version_mismatch is None


def _reported(error: OSError) -> Answer:
    """The answer that an error on a connected socket stands for."""
    if error.errno is None:  # Python's own: the zone of a link-local address is the name of no interface
        return Answer.NO_ROUTE
    if getattr(error, "winerror", None) == _WINDOWS_NO_HOST:
        return Answer.NO_HOST
    return _ANSWERS.get(error.errno, Answer.SILENCE)


def _connected(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.connect(sockaddr_of(address, family))
    except BaseException:
        made.close()
        raise
    return made
