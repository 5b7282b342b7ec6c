"""The promises, as invariants that the simulator checks at every step: exactly once, one order, nothing confirmed lost."""

from __future__ import annotations

from itertools import pairwise

from tests.sim.nodes import ClientNode, ServerNode
from udpchat.chat import events
from udpchat.chat.message import room_log
from udpchat.wire.bodies import Message
from udpchat.wire.frames import parse_entry_untrusted


class Promises:
    """What must hold whatever the network does; each check looks only at what is new."""

    def __init__(self, server: ServerNode, clients: list[ClientNode]) -> None:
        self._server = server
        self._clients = clients
        self._seen: dict[int, int] = {}  # id of a client -> events looked at
        self._last: dict[tuple[int, str], int] = {}  # of a client and a room -> last seq shown

    def check(self) -> None:
        """Order and uniqueness of what every client has shown, against the server's log."""
        for client in self._clients:
            start = self._seen.get(id(client), 0)
            for event in client.events[start:]:
                if isinstance(event, events.Notice) and event.code == "generation":
                    self._last = {key: seq for key, seq in self._last.items() if key[0] != id(client)}
                if isinstance(event, events.Message | events.Sent):
                    self._check_shown(client, event)
            self._seen[id(client)] = len(client.events)

    def _check_shown(self, client: ClientNode, event: events.Message | events.Sent) -> None:
        key = (id(client), event.room)
        last = self._last.get(key)
        assert last is None or event.seq == last + 1, f"{client.nick} in {event.room}: {event.seq} after {last}"
        self._last[key] = event.seq
        if event.room.startswith("@"):
            return
        entries = self._server.log.read(room_log(event.room), event.seq, 1)
        assert entries, f"{client.nick} was shown {event.seq} of {event.room}, which is not in the log"
        entry = parse_entry_untrusted(entries[0])
        assert isinstance(entry, Message)
        assert (entry.text, entry.id.hex()) == (event.text, event.id), f"{client.nick}: {event.seq} is another message"

    def check_complete(self) -> None:
        """When all is settled: everything said is in the log, once, in its author's order."""
        for client in self._clients:
            if not client.is_running:
                continue
            for room in client.core.rooms:
                self._check_author(client, room)

    def _check_author(self, client: ClientNode, room: str) -> None:
        extent = self._server.log.extent(room_log(room))
        entries = [
            parse_entry_untrusted(entry)
            for entry in self._server.log.read(room_log(room), extent.base + 1, extent.head - extent.base)
        ]
        mine = [entry.text for entry in entries if isinstance(entry, Message) and entry.nick == client.nick]
        said = [text for text in client.said if text in set(mine) or client.is_running]
        if room == "lobby" and extent.base == 0:
            assert mine == said, f"{client.nick} said {len(said)}, the log has {len(mine)} of it"
        identities = [entry.id for entry in entries if isinstance(entry, Message)]
        assert len(set(identities)) == len(identities), "a message stands in the log twice"
        sequences = [event.seq for event in client.events if isinstance(event, events.Sent) and event.room == room]
        assert all(one < other for one, other in pairwise(sequences)) or client.runs > 1
