"""Results of requests that ask for something to be known, and what they mean to the person who asked (SPEC 4.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from udpchat.chat import events
from udpchat.wire import bodies


class _Asked(Enum):
    NAMES = auto()
    ROOMS = auto()
    TOPIC = auto()
    QUIET_TOPIC = auto()
    AWAY = auto()
    PART = auto()
    RENAME = auto()


@dataclass(slots=True)
class _Expected:
    what: _Asked
    about: str
    items: list[str] = field(default_factory=list)


class Answers:
    """What was asked under which counter; `ask` asks for the next page of a long answer."""

    def __init__(self, ask: Callable[[bodies.RequestBody], int]) -> None:
        self._ask = ask
        self._expected: dict[int, _Expected] = {}
        self._parted: list[str] = []

    def expect_names(self, counter: int, room: str) -> None:
        """Pages of the nicks in a room."""
        self._expected[counter] = _Expected(_Asked.NAMES, room)

    def expect_rooms(self, counter: int) -> None:
        """Pages of rooms."""
        self._expected[counter] = _Expected(_Asked.ROOMS, "")

    def expect_topic(self, counter: int, room: str, *, is_quiet: bool) -> None:
        """The topic of a room; `is_quiet`: nothing is said if there is none."""
        self._expected[counter] = _Expected(_Asked.QUIET_TOPIC if is_quiet else _Asked.TOPIC, room)

    def expect_away(self, counter: int, reason: str) -> None:
        """That we are away, or back."""
        self._expected[counter] = _Expected(_Asked.AWAY, reason)

    def expect_part(self, counter: int, room: str) -> None:
        """That we have left a room."""
        self._expected[counter] = _Expected(_Asked.PART, room)

    def expect_rename(self, counter: int, nick: str) -> None:
        """That we go by another nick."""
        self._expected[counter] = _Expected(_Asked.RENAME, nick)

    def forget(self, counter: int) -> None:
        """It was not carried out."""
        self._expected.pop(counter, None)

    def on_result(self, counter: int, body: bodies.ResultBody) -> list[events.ClientEvent]:
        """What a result says."""
        if isinstance(body, bodies.Person):
            return [events.Notice("whois", _described(body))]
        expected = self._expected.pop(counter, None)
        if expected is None:
            return []
        if isinstance(body, bodies.Page):
            return self._on_page(expected, body)
        match expected.what, body:
            case (_Asked.TOPIC | _Asked.QUIET_TOPIC), bodies.TopicSet(topic, nick):
                is_told = bool(topic) or expected.what is _Asked.TOPIC
                return [events.Topic(expected.about, topic, nick)] if is_told else []
            case _Asked.AWAY, _:
                return [events.Notice("away", f"you are away: {expected.about}" if expected.about else "you are back")]
            case _Asked.PART, _:
                self._parted.append(expected.about)
        return []

    def _on_page(self, expected: _Expected, page: bodies.Page) -> list[events.ClientEvent]:
        expected.items += page.items
        if page.more and page.items:
            last = page.items[-1]
            is_names = expected.what is _Asked.NAMES
            request = bodies.Names(expected.about, last) if is_names else bodies.Rooms(last)
            self._expected[self._ask(request)] = expected
            return []
        if expected.what is _Asked.NAMES:
            return [events.Names(expected.about, tuple(expected.items))]
        return [events.RoomList(tuple(expected.items))]

    def drain_parted(self) -> list[str]:
        """Rooms that the server says we have left."""
        parted, self._parted = self._parted, []
        return parted


def _described(person: bodies.Person) -> str:
    where = f"in {', '.join(person.rooms)}" if person.rooms else "in no room"
    here = f"here, {where}, idle for {person.idle_s} s" if person.online else "not here"
    away = f", away: {person.away}" if person.away else ""
    return f"{person.nick} is {here}{away}; key {person.fingerprint}"
