"""Chooses the server: the one named, else the one used last, else one that is found on the LAN or this machine.

A person who names no server means the one used last, which is known by its key: found at another address, it is
followed. If it does not answer, another server is used only if the person chooses it, and only for this run; where
nobody can be asked, `NoServer` is raised. Who has the name of a known server and another key is never offered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

from udpchat.chat.phrase import Phrase, Problem
from udpchat.client.server_search import FoundServer
from udpchat.shell.addresses import SCHEME, ServerAddress, place
from udpchat.shell.choosing import NobodyAnswers
from udpchat.shell.data_folder import KnownServers
from udpchat.shell.net.discovery import LOOPBACKS, SEARCH_S, SETTLING_S, look
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
KEY_SHOWN_S: Final = 0.1  # after an address has answered: so soon a server there would have answered a Probe too

Report = Callable[[Phrase], object]  # one line for the person
# question, options; index of the one chosen; raises NobodyAnswers
Choose = Callable[[Phrase, Sequence[Phrase]], Awaitable[int]]


class Impostor(Problem):
    """Somebody goes by the name of a known server, with another key."""


class Found(Value, frozen=True):
    """A server that answers, and at which of its addresses.

    `instead_of` is the one used last, if this one is used in its place: then it is not to be remembered. `moved_from`:
    this one was used last, at that address.
    """

    server: ServerAddress
    address: Address
    instead_of: ServerAddress | None = None
    moved_from: ServerAddress | None = None


async def find(
    named: ServerAddress | None,
    *,
    last: ServerAddress | None,
    port: int,
    choose: Choose | None,
    report: Report,
    known: KnownServers,
) -> Found:
    """A server that answers. `last` is the one used last; `port` that of servers of this LAN and this machine.

    `choose` asks the person; None where nobody can be asked. Raises `NoServer`, `Impostor`, `DataUnusable`.
    """
    if named is not None:
        with _announcing(Phrase("place.named", {"url": named.url}), NAMED_S_MAX, report):
            return await _reach(named, NAMED_S_MAX, refused_limit_s=NAMED_REFUSED_S_MAX)
    if last is None:
        return await _find_any(port, choose, report, known)
    limit_s = NAMED_S_MAX if choose is None else GUESSED_S_MAX
    refused_limit_s = NAMED_REFUSED_S_MAX if choose is None else GUESSED_REFUSED_S_MAX
    sought = _Sought(last, known.fingerprint(last.name) or "")
    try:
        with _announcing(Phrase("place.used_last", {"url": last.url}), limit_s, report):
            found = await sought.find(port, limit_s, refused_limit_s=refused_limit_s)
    except NoServer as error:
        others, _ = without_impostors(sought.others, known, report, is_person=choose is not None)
        if choose is None:
            raise NoServer("no_server.used_last", reason=error.phrase) from error
        return await _find_by_choice(last, error.phrase, others, port=port, choose=choose, report=report)
    if found.moved_from is None:
        report(Phrase("using.used_last", {"server": last.name}))
    else:
        report(Phrase("using.moved", {"server": found.server.name, "last": last.name}))
    return found


class _Sought:
    """The server used last, at its address and, if its fingerprint is `wanted`, wherever it answers on the LAN.

    `others`: who answered too.
    """

    def __init__(self, last: ServerAddress, wanted: str) -> None:
        self._last = last
        self._wanted = wanted
        self._found_at: dict[int, list[FoundServer]] = {}  # by the port at which was looked
        self._addresses: list[Address] = []

    @property
    def others(self) -> list[FoundServer]:
        by_key = {server.fingerprint: server for found in self._found_at.values() for server in found}
        return [server for server in by_key.values() if server.fingerprint != self._wanted]

    @property
    def _wanted_found(self) -> list[FoundServer]:
        """It, as it was found at each port."""
        return [server for found in self._found_at.values() for server in found if server.fingerprint == self._wanted]

    async def find(self, port: int, limit_s: float, *, refused_limit_s: float) -> Found:
        """Raises `NoServer`."""
        reaching = asyncio.ensure_future(_reach(self._last, limit_s, refused_limit_s=refused_limit_s))
        looking = asyncio.ensure_future(self._look(port))
        try:
            done, _ = await asyncio.wait({reaching, looking}, return_when=asyncio.FIRST_COMPLETED)
            is_there = reaching in done and reaching.exception() is None
            await asyncio.wait({looking}, timeout=KEY_SHOWN_S if is_there else None)
            if not looking.done() and any(set(self._addresses) & set(other.addresses) for other in self.others):
                await asyncio.wait({looking})  # another server has the address now
            wanted = self._wanted_found
            is_elsewhere = not any(set(self._addresses) & set(server.addresses) for server in wanted)
            if wanted and is_elsewhere and wanted[0].is_of_this_version:
                return found_at(wanted[0]).changed(moved_from=self._last)
            return await reaching
        finally:
            for task in (reaching, looking):
                task.cancel()
            await asyncio.gather(reaching, looking, return_exceptions=True)

    async def _look(self, port: int) -> None:
        try:
            self._addresses = await resolve(self._last.host, self._last.port)
        except NoServer:
            self._addresses = []
        looks = {
            asyncio.ensure_future(
                look(
                    each, last=self._addresses, wanted=self._wanted, on_found=partial(self._found_at.__setitem__, each)
                )
            )
            for each in {port, self._last.port}
        }
        try:
            pending = looks
            while pending and not self._wanted_found:
                _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for looking in looks:
                looking.cancel()
            await asyncio.gather(*looks, return_exceptions=True)


# --- What was found ----------


def found_at(server: FoundServer) -> Found:
    """A server of the LAN, which has to show the key that it was found with.

    Where several keys were claimed for its address, first contact shows who they are.
    """
    host, port = server.address.host, server.address.port
    fingerprint = "" if server.is_disputed else server.fingerprint
    return Found(ServerAddress(host, port, fingerprint), server.address)


def without_impostors(
    found: Sequence[FoundServer], known: KnownServers, report: Report, *, is_person: bool
) -> tuple[list[FoundServer], list[Impostor]]:
    """Those that do not go by the name of a known server with another key, and why the others do. A person is told.

    Raises the first `Impostor` if there is no person. Raises `DataUnusable`.
    """
    honest, impostors = [], []
    for server in found:
        meant = known.named_like(server.name, server.fingerprint)
        if meant is None:
            honest.append(server)
            continue
        values = {"name": server.name, "url": url_of(server), "shown": server.fingerprint, "server": meant.place}
        impostor = Impostor("impostor", known=meant.fingerprint, path=known.path, **values)
        if not is_person:
            raise impostor
        report(Phrase("impostor.shown", {"reason": impostor.phrase}))
        impostors.append(impostor)
    return honest, impostors


def url_of(server: FoundServer) -> str:
    """Where it is."""
    return SCHEME + place(server.address.host, server.address.port)


def description_of(server: FoundServer) -> dict[str, object]:
    """What a person may want to know of it, as values of a phrase."""
    ways = tuple(Phrase(f"way.{way.name.lower()}") for way in server.ways)
    shown = {"url": url_of(server), "name": server.name, "people": server.people, "ways": ways}
    return {**shown, "fingerprint": server.fingerprint}


def offer(server: FoundServer) -> Phrase:
    """A server as one of several to choose from."""
    return Phrase("offer", description_of(server))


async def choose_one(servers: Sequence[FoundServer], choose: Choose | None) -> FoundServer:
    """The one that the person chooses, or the only one. Raises `NoServer`."""
    if len(servers) == 1:
        return servers[0]
    options = [offer(server) for server in servers]
    if choose is None:
        raise NoServer("no_server.several", servers=tuple(options))
    try:
        chosen = await choose(Phrase("several.question"), [*options, Phrase("missing.quit")])
    except NobodyAnswers:
        chosen = len(servers)
    if chosen == len(servers):
        raise NoServer("no_server.none_chosen")
    return servers[chosen]


# --- Nothing was used before ----------


async def _find_any(port: int, choose: Choose | None, report: Report, known: KnownServers) -> Found:
    """Use what is found: no server was used before that it could replace."""
    is_person = choose is not None
    with _announcing(Phrase("any_here", {"port": port}), SEARCH_S, report):
        servers, here, tried = await _look_around(port)
    servers, impostors = without_impostors(servers, known, report, is_person=is_person)
    fitting = [server for server in servers if server.is_of_this_version]
    if servers and not fitting:
        raise NoServer("no_server.answer_other_version", server=servers[0].name or url_of(servers[0]))
    if fitting:
        server = await choose_one(fitting, choose)
        report(Phrase("using.found", description_of(server)))
        return found_at(server)
    if here is not None:
        report(Phrase("using.this_machine", {"server": here.server.name}))
        return here
    if impostors:
        raise impostors[0]
    raise NoServer("no_server.none_found", tried=tried)


async def _look_around(port: int) -> tuple[list[FoundServer], Found | None, list[Phrase]]:
    """The servers that answer on the LAN; else that of this machine, if one answers there, or what was tried for it."""
    looking, here = asyncio.ensure_future(look(port)), asyncio.ensure_future(_on_this_machine(port))
    try:
        await asyncio.wait({looking, here}, return_when=asyncio.FIRST_COMPLETED)
        is_here = here.done() and here.result()[0] is not None
        await asyncio.wait({looking}, timeout=SETTLING_S if is_here else None)
        if looking.done() and looking.result():
            return looking.result(), None, []
        return [], *await here
    finally:
        for task in (looking, here):
            task.cancel()
        await asyncio.gather(looking, here, return_exceptions=True)


# --- The one used last does not answer ----------


async def _find_by_choice(
    missing: ServerAddress,
    reason: Phrase,
    others: Sequence[FoundServer],
    *,
    port: int,
    choose: Choose,
    report: Report,
) -> Found:
    """The server used last does not answer: ask the person. Raises `NoServer` if the person quits."""
    offered = [(found_at(other), Phrase("missing.found", description_of(other))) for other in others]
    if not offered:
        here, _ = await _on_this_machine(port, but=missing)
        offered = [(here, Phrase("missing.other", {"url": here.server.url}))] if here is not None else []
    url = missing.url
    report(Phrase("missing", {"reason": reason}))
    options = [Phrase("missing.wait", {"url": url}), *(option for _, option in offered), Phrase("missing.quit")]
    try:
        chosen = await choose(Phrase("missing.question"), options)
    except NobodyAnswers:
        chosen = len(offered) + 1
    if chosen > len(offered):
        raise NoServer("no_server.given_up", url=url)
    if chosen > 0:
        return offered[chosen - 1][0].changed(instead_of=missing)
    report(Phrase("missing.trying", {"url": url}))
    while True:
        try:
            return await _reach(missing, KEPT_TRYING_S, refused_limit_s=KEPT_TRYING_S)
        except NoServer as error:
            report(Phrase("missing.still", {"reason": error.phrase}))


async def _on_this_machine(port: int, *, but: ServerAddress | None = None) -> tuple[Found | None, list[Phrase]]:
    """A server of this machine other than `but`, and why the addresses tried before it were not used."""
    servers = [ServerAddress(host, port) for host in LOOPBACKS]
    looks = [
        asyncio.ensure_future(_reach(server, GUESSED_S_MAX, refused_limit_s=GUESSED_REFUSED_S_MAX))
        for server in servers
        if but is None or server.name != but.name
    ]
    tried: list[Phrase] = []
    try:
        for reaching in looks:
            try:
                return await reaching, tried
            except NoServer as error:
                tried.append(error.phrase)
    finally:
        for reaching in looks:
            reaching.cancel()
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
