"""Is there a server? Names become addresses, and each is sent a Hello, which a server answers without remembering it.

The sockets are connected, so that the kernel can say that nobody listens there (RFC 1122 section 4.1.3.3).
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections.abc import Sequence
from contextlib import closing
from enum import Enum
from typing import Final

from udpchat.shell.endpoint import address_of, sockaddr_of
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
    """What came of asking."""

    SERVES = "a server of our protocol version"
    OTHER_VERSION = "a server of another protocol version"
    NOTHING = "nothing, or nothing that makes sense"
    REFUSED = "the machine says that nobody listens"


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
    """The first of these that serves, or the most telling answer of all when none does within `limit_s`.

    A machine of ours that refuses is asked for `refused_limit_s` only: long enough for a server that is just starting.
    """
    asked = {asyncio.ensure_future(_ask(a, limit_s=limit_s, refused_limit_s=refused_limit_s)): a for a in addresses}
    pending = set(asked)
    answers = set()
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
    if Answer.OTHER_VERSION in answers:
        return Answer.OTHER_VERSION, None
    return (Answer.REFUSED if answers == {Answer.REFUSED} else Answer.NOTHING), None


async def _ask(address: Address, *, limit_s: float, refused_limit_s: float) -> Answer:
    """Hello, again and again, until it is answered or the time is over."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    index = int.from_bytes(os.urandom(4), "big")
    hello = Hello(PROTOCOL_VERSION, index, os.urandom(KEY_BYTES)).encode()
    is_ours = _is_loopback(address)
    wait_s, answer = HELLO_RESEND_S, Answer.NOTHING
    try:
        asking = _connected(address)
    except OSError:
        return Answer.NOTHING
    with closing(asking):
        while True:
            limit = began + (refused_limit_s if is_ours and answer is Answer.REFUSED else limit_s)
            now = loop.time()
            if now >= limit:
                return answer
            resend_at = min(now + wait_s, limit)
            answer = await _exchange(asking, hello, index, resend_at)
            if answer in (Answer.SERVES, Answer.OTHER_VERSION):
                return answer
            if answer is Answer.REFUSED:
                await asyncio.sleep(min(resend_at - loop.time(), HELLO_RESEND_S))
            else:
                wait_s = min(wait_s * HELLO_RESEND_GROWTH, HELLO_RESEND_S_MAX)


async def _exchange(asking: socket.socket, hello: bytes, index: int, until: float) -> Answer:
    """Send one Hello, and wait for its answer. What does not answer it is as if it had not come."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout_at(until):
            await loop.sock_sendall(asking, hello)
            while True:
                answer = _answer_untrusted(await loop.sock_recv(asking, _READ_BYTES), index)
                if answer is not None:
                    return answer
    except TimeoutError:
        return Answer.NOTHING
    except ConnectionRefusedError:
        return Answer.REFUSED
    except OSError:  # no way there at the moment
        await asyncio.sleep(max(until - loop.time(), 0))
        return Answer.NOTHING


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


def _is_loopback(address: Address) -> bool:
    return ipaddress.ip_address(address[0].partition("%")[0]).is_loopback
