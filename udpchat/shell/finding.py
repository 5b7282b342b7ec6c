"""Which server: the one that was named, else the one used last, else this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from udpchat.shell.addresses import BadAddress, ServerAddress, parse_server
from udpchat.shell.reach import Answer, NoSuchHost, find_server, resolve
from udpchat.wire.packets import Address

NAMED_S_MAX: Final = 10.0  # for a server that was named
GUESSED_S_MAX: Final = 3.0  # for each guess
GUESSED_REFUSED_S_MAX: Final = 1.0  # if this machine says that nobody listens
NAMED_REFUSED_S_MAX: Final = 3.0  # the same of a server that was named: it may be starting
THIS_MACHINE: Final = ("127.0.0.1", "::1")


class NoServer(Exception):
    """No server; one line that says what was tried and what to do."""


async def find(
    named: ServerAddress | None, *, last: str | None, say: Callable[[str], object]
) -> tuple[ServerAddress, Address]:
    """The server and the address at which it answers. Says which one it is unless it was named. Raises `NoServer`."""
    if named is not None:
        try:
            return named, await _reach(named, limit_s=NAMED_S_MAX, refused_limit_s=NAMED_REFUSED_S_MAX)
        except NoServer as error:
            raise NoServer(f"{error}; is the address right, and does udpchat-server run there?") from error
    tried = []
    for server, what in _guesses(last):
        try:
            address = await _reach(server, limit_s=GUESSED_S_MAX, refused_limit_s=GUESSED_REFUSED_S_MAX)
        except NoServer as error:
            tried.append(f"{what}: {error}")
        else:
            say(f"no server was named; using {what}: {server.name}")
            return server, address
    hint = "start one with udpchat-server, or name one with --server HOST"
    raise NoServer(f"no server found; tried {'; '.join(tried)}; {hint}")


def _guesses(last: str | None) -> Iterator[tuple[ServerAddress, str]]:
    seen = set()
    if last:
        try:
            server = parse_server(last)
        except BadAddress:
            pass
        else:
            seen.add(server.name)
            yield server, "the one used last"
    for host in THIS_MACHINE:
        server = ServerAddress(host)
        if server.name not in seen:
            yield server, "this machine"


async def _reach(server: ServerAddress, *, limit_s: float, refused_limit_s: float) -> Address:
    try:
        addresses = await resolve(server.host, server.port)
    except NoSuchHost as error:
        raise NoServer(str(error)) from error
    answer, address = await find_server(addresses, limit_s=limit_s, refused_limit_s=refused_limit_s)
    if address is not None:
        return address
    if answer is Answer.OTHER_VERSION:
        raise NoServer(f"{server.name} speaks another version of the protocol; update whichever is older")
    if answer is Answer.REFUSED:
        raise NoServer(f"nobody listens at {server.name}")
    raise NoServer(f"{server.name} does not answer")
