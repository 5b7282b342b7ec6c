"""Chooses the server: the one named, else the one used last, else one found on this machine.

A person who names no server means the one used last. If it does not answer, another server is used only if the person
chooses it, and only for this run; where nobody can be asked, `NoServer` is raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from udpchat.chat.phrase import Phrase
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.choosing import NobodyAnswers
from udpchat.shell.net.reach import NoServer, find_server, resolve
from udpchat.wire.fields import Value
from udpchat.wire.packets import Address

NAMED_S_MAX: Final = 10.0  # for a server that was named, and for the one used last where nobody can be asked
NAMED_REFUSED_S_MAX: Final = 3.0  # the same if the machine reports that nobody listens: the server may be starting
GUESSED_S_MAX: Final = 3.0  # for a guess, and for the one used last before a person is asked
GUESSED_REFUSED_S_MAX: Final = 1.0
KEPT_TRYING_S: Final = 30.0  # if the person chose to wait: how often it is reported that no answer came
REPORTED_AFTER_S: Final = 0.25  # report what is tried; an answer from a LAN comes sooner
LOOK_AGAIN_S: Final = 30.0  # between two attempts to reach the server used last
LOOK_AGAIN_S_MAX: Final = 2.0  # of one such attempt
THIS_MACHINE: Final = ("127.0.0.1", "::1")

Report = Callable[[Phrase], object]  # one line for the person
# question, options; index of the one chosen; raises NobodyAnswers
Choose = Callable[[Phrase, Sequence[Phrase]], Awaitable[int]]


class Found(Value, frozen=True):
    """A server that answers, and at which of its addresses.

    `instead_of` is the one used last, if this one is used in its place: then it is not to be remembered.
    """

    server: ServerAddress
    address: Address
    instead_of: ServerAddress | None = None


async def find(
    named: ServerAddress | None, *, last: ServerAddress | None, port: int, choose: Choose | None, report: Report
) -> Found:
    """A server that answers. `last` is the one used last; `port` that of a server of this machine.

    `choose` asks the person; None where nobody can be asked. Raises `NoServer`.
    """
    if named is not None:
        with _announcing(Phrase("place.named", {"url": named.url}), NAMED_S_MAX, report):
            return await _reach(named, NAMED_S_MAX, refused_limit_s=NAMED_REFUSED_S_MAX)
    if last is None:
        return await _guess(port, report)
    limit_s = NAMED_S_MAX if choose is None else GUESSED_S_MAX
    refused_limit_s = NAMED_REFUSED_S_MAX if choose is None else GUESSED_REFUSED_S_MAX
    try:
        with _announcing(Phrase("place.used_last", {"url": last.url}), limit_s, report):
            found = await _reach(last, limit_s, refused_limit_s=refused_limit_s)
    except NoServer as error:
        if choose is None:
            raise NoServer("no_server.used_last", reason=error.phrase) from error
        return await _find_by_choice(last, error.phrase, port=port, choose=choose, report=report)
    report(Phrase("using.used_last", {"server": last.name}))
    return found


async def _guess(port: int, report: Report) -> Found:
    """Use a server of this machine: none was used before that it could replace."""
    with _announcing(Phrase("any_here", {"port": port}), GUESSED_S_MAX, report):
        found, tried = await _on_this_machine(port)
    if found is None:
        raise NoServer("no_server.none_found", tried=tried)
    report(Phrase("using.this_machine", {"server": found.server.name}))
    return found


async def _find_by_choice(
    missing: ServerAddress, reason: Phrase, *, port: int, choose: Choose, report: Report
) -> Found:
    """The server used last does not answer: ask the person. Raises `NoServer` if the person quits."""
    other, _ = await _on_this_machine(port, but=missing)
    url = missing.url
    report(Phrase("missing", {"reason": reason}))
    wait, leave = Phrase("missing.wait", {"url": url}), Phrase("missing.quit")
    options = [wait, leave]
    if other is not None:
        options.insert(1, Phrase("missing.other", {"url": other.server.url}))
    try:
        chosen = options[await choose(Phrase("missing.question"), options)]
    except NobodyAnswers:
        chosen = leave
    if chosen == leave:
        raise NoServer("no_server.given_up", url=url)
    if other is not None and chosen != wait:
        return other.changed(instead_of=missing)
    report(Phrase("missing.trying", {"url": url}))
    while True:
        try:
            return await _reach(missing, KEPT_TRYING_S, refused_limit_s=KEPT_TRYING_S)
        except NoServer as error:
            report(Phrase("missing.still", {"reason": error.phrase}))


async def _on_this_machine(port: int, *, but: ServerAddress | None = None) -> tuple[Found | None, list[Phrase]]:
    """A server of this machine other than `but`, and why the addresses tried before it were not used."""
    servers = [ServerAddress(host, port) for host in THIS_MACHINE]
    looks = [
        asyncio.ensure_future(_reach(server, GUESSED_S_MAX, refused_limit_s=GUESSED_REFUSED_S_MAX))
        for server in servers
        if but is None or server.name != but.name
    ]
    tried: list[Phrase] = []
    try:
        for look in looks:
            try:
                return await look, tried
            except NoServer as error:
                tried.append(error.phrase)
    finally:
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)
    return None, tried


async def until_back(server: ServerAddress) -> None:
    """Return once a server answers at this address; tries every LOOK_AGAIN_S."""
    while True:
        await asyncio.sleep(LOOK_AGAIN_S)
        try:
            await _reach(server, LOOK_AGAIN_S_MAX, refused_limit_s=0.0)
        except NoServer:
            continue
        return


# --- One server ----------


async def _reach(server: ServerAddress, limit_s: float, *, refused_limit_s: float) -> Found:
    """The server, if it answers. Raises `NoServer`."""
    addresses = await resolve(server.host, server.port)
    answer, address = await find_server(addresses, limit_s=limit_s, refused_limit_s=refused_limit_s)
    if address is None:
        name = answer.name.lower()
        raise NoServer(f"no_server.answer_{name}", server=server.name, host=server.host, port=server.port)
    return Found(server, address)


@contextmanager
def _announcing(subject: Phrase, limit_s: float, report: Report) -> Iterator[None]:
    """Report what is being tried once that has taken REPORTED_AFTER_S."""
    line = Phrase("looking", {"place": subject, "limit_s": limit_s})
    report_later = asyncio.get_running_loop().call_later(REPORTED_AFTER_S, report, line)
    try:
        yield
    finally:
        report_later.cancel()
