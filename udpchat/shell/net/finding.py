"""Chooses the server: the one named, else the one used last, else one found on this machine.

A person who names no server means the one used last. If it does not answer, another server is used only if the person
chooses it, and only for this run; where nobody can be asked, `NoServer` is raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from udpchat.chat.phrase import Phrase
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.choosing import NobodyAnswers
from udpchat.shell.net.reach import NoServer, find_server, resolve
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


class Origin(Enum):
    """Where the address of a server comes from."""

    NAMED = "named"
    USED_LAST = "used_last"
    THIS_MACHINE = "this_machine"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server that may be there."""

    server: ServerAddress
    origin: Origin


@dataclass(frozen=True, slots=True)
class Found:
    """A server that answers, and at which of its addresses.

    `instead_of` is the one used last, if this one is used in its place: then it is not to be remembered.
    """

    candidate: Candidate
    address: Address
    instead_of: ServerAddress | None = None


async def find(
    named: ServerAddress | None, *, last: ServerAddress | None, port: int, choose: Choose | None, report: Report
) -> Found:
    """A server that answers. `last` is the one used last; `port` that of a server of this machine.

    `choose` asks the person; None where nobody can be asked. Raises `NoServer`.
    """
    if named is not None:
        candidate = Candidate(named, Origin.NAMED)
        return await _reach(candidate, NAMED_S_MAX, refused_limit_s=NAMED_REFUSED_S_MAX, report=report)
    if last is None:
        return await _guess(port, report)
    candidate = Candidate(last, Origin.USED_LAST)
    try:
        if choose is None:
            found = await _reach(candidate, NAMED_S_MAX, refused_limit_s=NAMED_REFUSED_S_MAX, report=report)
        else:
            found = await _reach(candidate, GUESSED_S_MAX, refused_limit_s=GUESSED_REFUSED_S_MAX, report=report)
    except NoServer as error:
        if choose is None:
            raise NoServer("no_server.used_last", reason=error.phrase) from error
        return await _find_by_choice(candidate, error.phrase, port=port, choose=choose, report=report)
    report(Phrase("using.used_last", {"server": last.name}))
    return found


async def _guess(port: int, report: Report) -> Found:
    """Use a server of this machine: none was used before that it could replace."""
    report_later = _announce(Phrase("any_here", {"port": port}), GUESSED_S_MAX, report)
    try:
        found, tried = await _on_this_machine(port)
    finally:
        report_later.cancel()
    if found is None:
        raise NoServer("no_server.none_found", tried=tried)
    report(Phrase("using.this_machine", {"server": found.candidate.server.name}))
    return found


async def _find_by_choice(missing: Candidate, reason: Phrase, *, port: int, choose: Choose, report: Report) -> Found:
    """The server used last does not answer: ask the person. Raises `NoServer` if the person quits."""
    other, _ = await _on_this_machine(port, but=missing.server)
    url = missing.server.url
    report(Phrase("missing", {"reason": reason}))
    wait, leave = Phrase("missing.wait", {"url": url}), Phrase("missing.quit")
    options = [wait, leave]
    if other is not None:
        options.insert(1, Phrase("missing.other", {"url": other.candidate.server.url}))
    try:
        chosen = options[await choose(Phrase("missing.question"), options)]
    except NobodyAnswers:
        chosen = leave
    if chosen == leave:
        raise NoServer("no_server.given_up", url=url)
    if other is not None and chosen != wait:
        return Found(other.candidate, other.address, instead_of=missing.server)
    report(Phrase("missing.trying", {"url": url}))
    while True:
        try:
            return await _reach(missing, KEPT_TRYING_S, refused_limit_s=KEPT_TRYING_S)
        except NoServer as error:
            report(Phrase("missing.still", {"reason": error.phrase}))


async def _on_this_machine(port: int, *, but: ServerAddress | None = None) -> tuple[Found | None, list[Phrase]]:
    """A server of this machine other than `but`, and why the addresses tried before it were not used."""
    candidates = [Candidate(ServerAddress(host, port), Origin.THIS_MACHINE) for host in THIS_MACHINE]
    candidates = [candidate for candidate in candidates if but is None or candidate.server.name != but.name]
    looks = [
        asyncio.ensure_future(_reach(candidate, GUESSED_S_MAX, refused_limit_s=GUESSED_REFUSED_S_MAX))
        for candidate in candidates
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
            await _reach(Candidate(server, Origin.USED_LAST), LOOK_AGAIN_S_MAX, refused_limit_s=0.0)
        except NoServer:
            continue
        return


# --- One candidate ----------


async def _reach(
    candidate: Candidate, limit_s: float, *, refused_limit_s: float, report: Report | None = None
) -> Found:
    """The candidate, if it answers; what is being tried is reported if that takes longer. Raises `NoServer`."""
    server = candidate.server
    subject = Phrase(f"place.{candidate.origin.value}", {"url": server.url})
    report_later = None if report is None else _announce(subject, limit_s, report)
    try:
        addresses = await resolve(server.host, server.port)
        answer, address = await find_server(addresses, limit_s=limit_s, refused_limit_s=refused_limit_s)
    finally:
        if report_later is not None:
            report_later.cancel()
    if address is None:
        raise NoServer(
            f"no_server.answer_{answer.name.lower()}", server=server.name, host=server.host, port=server.port
        )
    return Found(candidate, address)


def _announce(subject: Phrase, limit_s: float, report: Report) -> asyncio.TimerHandle:
    """Report what is tried after REPORTED_AFTER_S, unless the timer is cancelled before."""
    line = Phrase("looking", {"place": subject, "limit_s": limit_s})
    return asyncio.get_running_loop().call_later(REPORTED_AFTER_S, report, line)
