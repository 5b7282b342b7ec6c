"""Turns the results of requests into events for the user (SPEC 4.4)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from udpchat.chat import events
from udpchat.client.compose import LAST_NICK
from udpchat.client.order_result_events import OrderAnswers
from udpchat.wire import content, requests
from udpchat.wire.limits import LIST_PAGES_MAX, PEERS_MAX


class Answers:
    """Turns results into events; `ask` requests the next page of a list."""

    def __init__(self, ask: Callable[[requests.RequestBody], None]) -> None:
        self._ask = ask
        self.order = OrderAnswers(ask)
        self._listed: dict[str, list[list[str]]] = {}  # the pages so far: by room, its members; by "", the rooms
        self._parted: list[str] = []
        self._renamed = ""
        self.claimed = ""  # the nick of the latest Rename of this run that succeeded

    def on_result(
        self, request: requests.RequestBody, body: requests.ResultBody, *, is_quiet: bool
    ) -> list[events.ClientEvent]:
        """The events of a result, often none; `is_quiet`: an empty topic and members make no event."""
        match request, body:
            case requests.Tell(nick), requests.Stored(presence=requests.Away(reason)):
                return [events.notice("away", nick=nick, reason=reason)]
            case requests.Tell(nick), requests.Stored(presence=requests.Absent()):
                return [events.notice("away.absent", nick=nick)]
            case requests.ListMembers(room, after), requests.MemberPage(_, items, more) if (
                after != LAST_NICK and not is_quiet
            ):
                names = self._collect(room, after, [item.nick for item in items], more)
                return [] if names is None else [events.MemberList(room, names)]
            case requests.ListRooms(after), requests.Page(items, more):
                names = self._collect("", after, items, more)
                return [] if names is None else [events.RoomList(names)]
            case requests.GetTopic(room), content.TopicSet(topic, nick):
                return [] if is_quiet and not topic else [events.TopicChanged(room, topic, nick)]
            case requests.GetTopic(room), requests.Done():
                return [] if is_quiet else [events.TopicChanged(room, "", "")]
            case requests.Whois(_), requests.Person():
                return [_described(body)]
            case requests.SetAway(reason), requests.Done():
                return [events.notice("away.back") if reason is None else events.notice("away.set", reason=reason)]
            case requests.Part(room), requests.Done():
                self._parted.append(room)
            case requests.Rename(nick), requests.Done():
                self._renamed = self.claimed = nick
            case _:
                return self.order.on_result(request, body, is_quiet=is_quiet)
        return []

    def _collect(self, room: str, after: str, items: list[str], more: bool) -> tuple[str, ...] | None:
        """All pages of a list, with this one behind `after`; None if more are to come, or it is requested twice."""
        if not after and room in self._listed:
            return None
        pages = self._listed.setdefault(room, [])
        pages.append(items)
        if more and items and len(pages) < LIST_PAGES_MAX and sum(map(len, pages)) < PEERS_MAX:
            self._ask(requests.ListMembers(room, items[-1]) if room else requests.ListRooms(items[-1]))
            return None
        return tuple(chain.from_iterable(self._listed.pop(room)))

    def on_failed(self, request: requests.RequestBody) -> None:
        """The server refuses a request: a list that it was to continue can be requested anew."""
        match request:
            case requests.ListMembers(room):
                self._listed.pop(room, None)
            case requests.ListRooms():
                self._listed.pop("", None)
            case _:
                self.order.on_failed(request)

    def take_renamed(self) -> str:
        """The nick of the latest Rename that succeeded since the last call; empty if there is none."""
        renamed, self._renamed = self._renamed, ""
        return renamed

    def drain_parted(self) -> list[str]:
        """Rooms whose Part succeeded since the last call."""
        parted, self._parted = self._parted, []
        return parted


def _described(person: requests.Person) -> events.Notice:
    if isinstance(person.presence, requests.Absent):
        return events.notice("whois.absent", nick=person.nick, fingerprint=person.fingerprint)
    return events.notice(
        "whois",
        nick=person.nick,
        rooms=person.rooms,
        idle_s=person.idle_s,
        away=person.presence.reason if isinstance(person.presence, requests.Away) else "",
        fingerprint=person.fingerprint,
    )
