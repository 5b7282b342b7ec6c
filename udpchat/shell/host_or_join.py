"""Joins the server of this LAN or, if there is none, hosts one in the background: two who do so at once end on one."""

from __future__ import annotations

import asyncio
from typing import Final

from udpchat.chat.phrase import Phrase
from udpchat.client.server_search import FoundServer
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.choosing import NobodyAnswers
from udpchat.shell.data_folder import KnownServers, last_server, open_folder
from udpchat.shell.hosting import Hosting, Report, host, is_ours, own_fingerprint, stop
from udpchat.shell.net.discovery import SETTLING_S, look_now
from udpchat.shell.net.reach import NoServer
from udpchat.shell.net.server_choice import (
    Choose,
    choose_one,
    description_of,
    found_at,
    offer,
    url_of,
    without_impostors,
)

LOOK_S_MAX: Final = 1.5  # before one is hosted: four rounds of Probes
LOOK_AGAIN_S: Final = 1.0  # after that: who looked before it served has hosted another by then


def find_or_host(
    hosting: Hosting, *, insists: bool, choose: Choose | None, report: Report
) -> ServerAddress | None:
    """The server to join: hosted here, or found on the LAN. None: the one used last, which is not replaced.

    `insists`: the person wants to host in any case. `choose` asks the person; None where nobody can be asked. Raises
    `DataUnusable`, `OperationFailed`, `StoreError`, `NoServer`, `Impostor`.
    """
    open_folder(hosting.data)
    if insists:
        return host(hosting, report)
    last = last_server(hosting.data)
    if last is not None and not is_ours(last, hosting):
        report(Phrase("hosting.used_last", {"url": last.url, "command": hosting.command}))
        return None
    return _Meeting(hosting, choose, report).server(is_first=last is None)


class _Meeting:
    """The servers of this LAN, and the one of this machine."""

    def __init__(self, hosting: Hosting, choose: Choose | None, report: Report) -> None:
        self._hosting = hosting
        self._choose = choose
        self._report = report

    def server(self, *, is_first: bool) -> ServerAddress | None:
        """The one to join. `is_first`: none was used before."""
        own = own_fingerprint(self._hosting)
        others, ours = self._look(own, LOOK_S_MAX, settling_s=LOOK_AGAIN_S if own else SETTLING_S)
        if own:
            if ours is not None and not ours.people and (there := _with_people(others)):
                return self._leave_for(there)
        elif others and is_first:
            chosen = asyncio.run(choose_one(others, self._choose))
            self._report(Phrase("hosting.found", description_of(chosen)))
            return found_at(chosen).server
        elif others and self._choose is not None:
            chosen_or_none = self._choose_or_host(others, self._choose)
            if chosen_or_none is not None:
                return found_at(chosen_or_none).server
        server = host(self._hosting, self._report)
        return server if own else self._give_way(server)

    def _give_way(self, hosted: ServerAddress) -> ServerAddress:
        """The server just hosted, or another one that was hosted at the same time, for which it is stopped.

        The one where people are stays, else the one with the smaller fingerprint: both sides decide alike.
        """
        own = own_fingerprint(self._hosting)
        others, ours = self._look(own, LOOK_AGAIN_S, settling_s=LOOK_AGAIN_S)
        rival = min(others, key=lambda other: (not other.people, other.fingerprint), default=None)
        if rival is None or not own or (ours is not None and ours.people):
            return hosted
        if not rival.people and own < rival.fingerprint:
            return hosted
        stop(self._hosting, self._report)
        self._report(Phrase("hosting.gave_way", {"name": rival.name, "url": url_of(rival)}))
        return found_at(rival).server

    def _look(
        self, own: str, limit_s: float, *, settling_s: float
    ) -> tuple[list[FoundServer], FoundServer | None]:
        """The servers of others, and ours if it answers."""
        found = look_now(self._hosting.port, limit_s=limit_s, settling_s=settling_s)
        ours = next((server for server in found if server.fingerprint == own), None)
        others = [server for server in found if server.fingerprint != own and server.is_of_this_version]
        known, is_person = KnownServers(self._hosting.data), self._choose is not None
        return without_impostors(others, known, self._report_impostor, is_person=is_person)[0], ours

    def _report_impostor(self, shown: Phrase) -> None:
        self._report(Phrase("hosting.impostor", shown.values))

    def _leave_for(self, there: FoundServer) -> ServerAddress:
        """Nobody is on the server of this machine, and people are on another one: offer to close it."""
        stay, close = Phrase("hosting.stay"), Phrase("hosting.close", description_of(there))
        if self._choose is not None and self._answer(self._choose, [stay, close]) == 1:
            stop(self._hosting, self._report)
            return found_at(there).server
        return host(self._hosting, self._report)

    def _choose_or_host(self, others: list[FoundServer], choose: Choose) -> FoundServer | None:
        """The one that the person chooses; None: to host, as before."""
        chosen = self._answer(choose, [Phrase("hosting.again"), *map(offer, others)])
        return others[chosen - 1] if chosen else None

    def _answer(self, choose: Choose, options: list[Phrase]) -> int:
        try:
            return asyncio.run(_asked(choose, options))
        except NobodyAnswers:
            raise NoServer("no_server.none_chosen") from None


async def _asked(choose: Choose, options: list[Phrase]) -> int:
    return await choose(Phrase("hosting.question"), options)


def _with_people(servers: list[FoundServer]) -> FoundServer | None:
    """The one with the most people, if there is anybody on any."""
    fullest = max(servers, key=lambda server: server.people, default=None)
    return fullest if fullest is not None and fullest.people else None
