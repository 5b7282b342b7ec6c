"""Is there a server? Names become addresses, and each is sent a Hello, which a server answers without remembering it.

The sockets are connected, so that the kernel can say that nobody listens there (RFC 1122 section 4.1.3.3).
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack, closing
from enum import Enum
from typing import Final

from udpchat.session.timers import backoff_s
from udpchat.shell.net.endpoint import address_of, sockaddr_of
from udpchat.wire.errors import BadDatagram
from udpchat.wire.limits import (
    HELLO_RESEND_GROWTH,
    HELLO_RESEND_S,
    HELLO_RESEND_S_MAX,
    KEY_BYTES,
    PROTOCOL_VERSION,
)
from udpchat.wire.packets import NO_COOKIE, Address, Cookie, Hello, parse_packet_untrusted

ADDRESSES_TRIED_MAX: Final = 8  # of one name
_READ_BYTES: Final = 2048


class Answer(Enum):
    """What came of the Hellos to an address: a later member says more, and outranks those before it."""

    NO_ROUTE = "no route there"  # before silence: a network that was off may come up
    SILENCE = "no answer, or none that makes sense"
    NO_HOST = "the network reports that no machine is there"  # after silence: on a LAN that takes three seconds to tell
    FORBIDDEN = "this machine does not let the packets out"
    REFUSED = "the machine reports that nobody listens"
    OTHER_VERSION = "a server of another protocol version"
    SERVES = "a server of our protocol version"


_RANKS: Final = {answer: rank for rank, answer in enumerate(Answer)}
_ANSWERS: Final = {  # what the system reports of a connected socket
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


class NoSuchHost(Exception):
    """The name stands for nothing; one line that says why."""


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host, best first, at most ADDRESSES_TRIED_MAX. Raises `NoSuchHost`."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a host name"
        raise NoSuchHost(f"cannot find the host {host}: {reason}") from error
    return list(dict.fromkeys(address_of(entry[4]) for entry in found))[:ADDRESSES_TRIED_MAX]


async def find_server(
    addresses: Sequence[Address], *, limit_s: float, refused_limit_s: float
) -> tuple[Answer, Address | None]:
    """The first of these that serves, or the answer that says most when none does within `limit_s`.

    An address that refuses is asked for `refused_limit_s` only: long enough for a server that is just starting.
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
    """Hello, again and again, until it is answered or the time is over; else the answer that says most."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    index = int.from_bytes(os.urandom(4), "big")
    hello = Hello(PROTOCOL_VERSION, index, os.urandom(KEY_BYTES)).encode()
    unanswered, best = 0, Answer.NO_ROUTE
    with ExitStack() as at_end:
        asking: socket.socket | None = None
        while True:
            now = loop.time()
            limit = began + (refused_limit_s if best is Answer.REFUSED else limit_s)
            if now >= limit:
                return best
            wait_s = backoff_s(HELLO_RESEND_S, unanswered, growth=HELLO_RESEND_GROWTH, max_s=HELLO_RESEND_S_MAX)
            resend_at = min(now + wait_s, limit)
            try:
                if asking is None:
                    asking = at_end.enter_context(closing(_connected(address)))
                answer = await _exchange(asking, hello, index, resend_at)
            except OSError as error:
                answer = _reported(error)
            best = max(best, answer, key=_RANKS.__getitem__)
            if answer in (Answer.SERVES, Answer.OTHER_VERSION):
                return answer
            unanswered += answer is Answer.SILENCE
            await asyncio.sleep(min(resend_at - loop.time(), HELLO_RESEND_S))


async def _exchange(asking: socket.socket, hello: bytes, index: int, until: float) -> Answer:
    """Send one Hello, and wait for an answer until then: one that answers none of ours is as if it had not come."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout_at(until):
            await loop.sock_sendall(asking, hello)
            while True:
                answer = _answer_untrusted(await loop.sock_recv(asking, _READ_BYTES), index)
                if answer is not None:
                    return answer
    except TimeoutError:
        return Answer.SILENCE


def _reported(error: OSError) -> Answer:
    """What the system's report on a connected socket stands for."""
    if error.errno is None:  # Python's own: the zone of a link-local address is the name of no interface
        return Answer.NO_ROUTE
    if getattr(error, "winerror", None) == _WINDOWS_NO_HOST:
        return Answer.NO_HOST
    return _ANSWERS.get(error.errno, Answer.SILENCE)


def _answer_untrusted(datagram: bytes, index: int) -> Answer | None:
    try:
        packet = parse_packet_untrusted(datagram)
    except BadDatagram:
        return None
    if not isinstance(packet, Cookie) or packet.receiver_index != index:
        return None
    return Answer.OTHER_VERSION if packet.cookie == NO_COOKIE else Answer.SERVES


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
