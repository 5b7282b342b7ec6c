"""Which of our addresses a datagram was sent to, and how to send from a chosen one: packet information of the kernel.

A socket bound to a wildcard address receives what is sent to any address of the machine. With the option on, `recvmsg`
reports the destination of each datagram beside its source, and `sendmsg` takes the source to use (RFC 3542, section 6;
ip(7), IP_PKTINFO). Used on Linux only: other systems report nothing for IPv4 on a socket for both families, or have no
`recvmsg` at all, and there a server has one socket for each address (`binding`).
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
from collections.abc import Sequence
from typing import Any, Final

IS_AVAILABLE: Final = sys.platform == "linux" and hasattr(socket.socket, "recvmsg")
ANCILLARY_BYTES: Final = 64  # holds one header of 16 bytes and 20 bytes of information, aligned
SOURCE_GONE: Final = {errno.EINVAL, errno.EADDRNOTAVAIL, errno.ENODEV, errno.ENETUNREACH, errno.EHOSTUNREACH}
"""What a send fails with when its source is no longer an address of this machine, or has no way to the destination."""

_IP_PKTINFO: Final = 8  # linux/in.h; the socket module names it from Python 3.14 on
_IPV6_RECVPKTINFO: Final = 49  # linux/in6.h
_IPV6_PKTINFO: Final = 50
_IPV4: Final = struct.Struct("=I4s4s")  # interface, local address, destination in the header
_IPV6: Final = struct.Struct("=16sI")  # destination, interface
_ANYTHING_PORT: Final = 9  # to connect to; nothing is sent

Ancillary = Sequence[tuple[int, int, bytes]]


def request(bound: socket.socket) -> None:
    """Have the kernel report destinations from now on. Raises OSError where it cannot."""
    level, option = _option(bound.family)
    bound.setsockopt(level, option, 1)


def is_requested(bound: socket.socket) -> bool:
    """Whether `request` was called for this socket."""
    return IS_AVAILABLE and bool(bound.getsockopt(*_option(bound.family)))


def local_sockaddr(ancillary: Ancillary) -> tuple[Any, ...] | None:
    """The destination in what `recvmsg` gave, as a sockaddr with port 0; None if it was not reported."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO) and len(data) >= _IPV4.size:
            return socket.inet_ntop(socket.AF_INET, _IPV4.unpack_from(data)[1]), 0
        if (level, kind) == (socket.IPPROTO_IPV6, _IPV6_PKTINFO) and len(data) >= _IPV6.size:
            packed, interface = _IPV6.unpack_from(data)
            host = socket.inet_ntop(socket.AF_INET6, packed)
            return host, 0, 0, interface if host.startswith("fe80:") else 0
    return None


def ancillary_of(sockaddr: tuple[Any, ...], family: int) -> Ancillary:
    """What makes `sendmsg` send from this address; the route decides the interface unless the address has a zone."""
    packed = socket.inet_pton(family, sockaddr[0])
    if family == socket.AF_INET:
        return [(socket.IPPROTO_IP, _IP_PKTINFO, _IPV4.pack(0, packed, bytes(4)))]
    return [(socket.IPPROTO_IPV6, _IPV6_PKTINFO, _IPV6.pack(packed, sockaddr[3]))]


def source_for(sockaddr: tuple[Any, ...], family: int) -> tuple[Any, ...]:
    """The sockaddr that the system would send from to this one; sends nothing. Raises OSError if there is no way."""
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        if family == socket.AF_INET6:
            asking.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        asking.connect((sockaddr[0], sockaddr[1] or _ANYTHING_PORT, *sockaddr[2:]))
        found: tuple[Any, ...] = asking.getsockname()
        return found


def _option(family: int) -> tuple[int, int]:
    if family == socket.AF_INET6:
        return socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO
    return socket.IPPROTO_IP, _IP_PKTINFO
