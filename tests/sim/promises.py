"""The promises, as invariants that the simulator checks at every step: exactly once, one order, nothing confirmed lost.

What a client shows is checked the moment it shows it, against the server's log of that generation; the tables, which
must stay bounded, now and then; and once all is settled, that everything said stands in its log, once, in its author's
order, and that replicas, rosters and logs agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field

from tests.sim.nodes import ClientNode, ServerNode
from tests.storage.memory import MemoryLog
from udpchat.chat import events
from udpchat.chat.amendments import AMENDING, edited_by, emptied, reference_of
from udpchat.chat.ids import (
    CONVERSATION_PREFIX,
    DIRECTORY_LOG,
    ROOM_PREFIX,
    conversation_log,
    inbox_log,
    message_id,
    room_log,
)
from udpchat.server.state import State
from udpchat.session.noise import user_id
from udpchat.storage.entry_words import split_words
from udpchat.sync.exactly_once import ANSWERS_RECALLED_MAX
from udpchat.sync.log import SearchQuery
from udpchat.wire.content import EDIT, Claim, Entry, Message, Tombstone, TopicRecord
from udpchat.wire.frames import encode_message, parse_entry_untrusted, parse_record
from udpchat.wire.limits import (
    CONVERSATIONS_PER_KEY_MAX,
    HANDSHAKES_MAX,
    ROOMS_PER_PEER_MAX,
)
from udpchat.wire.requests import Say, Tell

SEARCHED = 10  # texts, for each client
SEARCHED_ENTRIES_MAX = 1_000  # of the server: more take too long to look through without an index
FOUND_MAX = 10_000
RUNS_MAX = 600  # of a feed's ranges: far more than loss makes, far fewer than a leak would


@dataclass(slots=True)
class _Shown:
    """What one client has shown of one log of one generation."""

    last: int | None = None
    run: int = 0  # of the client, that showed it
    runs: dict[int, int] = field(default_factory=dict)  # seq -> the run of the client that showed it


class Promises:
    """What must hold whatever the network does; each check looks only at what is new."""

    def __init__(self, server: ServerNode, clients: list[ClientNode], foreign: Set[bytes] = frozenset()) -> None:
        """`foreign`: keys of those to whom nothing is promised; they may be anywhere."""
        self._server = server
        self._clients = clients
        self._foreign = foreign
        self._seen: dict[int, int] = {}  # id of a client -> events looked at
        self._shown: dict[tuple[int, int, str], _Shown] = {}  # id of a client, number of the server's log, log
        self._amended: set[tuple[int, int, str, int, int]] = set()  # of a client, in a run: log, generation, sequence
        self._forgotten: dict[int, int] = {}  # id of a client -> the counter up to which the server's log was lost

    # --- At every step ----------

    def check(self) -> None:
        """Everything that can be said at any moment."""
        for client in self._clients:
            self.check_client(client)
        self.check_tables()

    def check_client(self, client: ClientNode) -> None:
        """Order and uniqueness of what a client has shown since it was last looked at, against the server's log."""
        start = self._seen.get(id(client), 0)
        for event in client.events[start:]:
            if isinstance(event, events.MessageReceived | events.MessageSent):
                self._check_shown(client, event)
            elif isinstance(event, events.Amendment):
                self._check_amendment(client, event)
        self._seen[id(client)] = len(client.events)

    def _check_shown(self, client: ClientNode, event: events.MessageReceived | events.MessageSent) -> None:
        where = f"{client.nick}, run {client.runs}, in {event.room}: {type(event).__name__} {event.seq}"
        number, log = self._place_of(client, event, where)
        shown = self._shown.setdefault((id(client), number, log), _Shown())
        assert shown.runs.get(event.seq) != client.runs, f"{where} is shown twice"
        is_again = event.seq in shown.runs
        shown.runs[event.seq] = client.runs
        if isinstance(event, events.MessageSent) and (is_again or not event.time_ms):
            # Asked before a restart without seeing the answer; or confirmed by the answer alone, which is for what no
            # replica is to reach: the room is left, or it is read from a later entry on.
            replica = client.core.timeline.uplink.get(log)  # the disk may be behind it
            reached = max(client.store.extent(log).head, replica.sequence if replica else 0)
            is_passed = reached >= event.seq or number < len(self._server.logs) - 1
            assert is_again or is_passed or event.room not in client.core.model.rooms, f"{where} is told too early"
            if shown.last == event.seq - 1:
                shown.last = event.seq
            return
        if shown.run != client.runs:  # a new process may begin with what was shown before, without a hole
            if shown.last is not None:
                while shown.last + 1 < event.seq and (
                    shown.last + 1 in shown.runs or self._is_no_message(number, log, shown.last + 1)
                ):  # confirmed ahead by the run before, which ended at that
                    shown.last += 1
                shown.last = min(shown.last, event.seq - 1)
            shown.run = client.runs
        while shown.last is not None and shown.last + 1 < event.seq:
            is_told = self._is_told(client, number, log, shown)  # confirmed ahead
            if not is_told and not self._is_no_message(number, log, shown.last + 1):
                break
            shown.last += 1
        assert shown.last in (event.seq - 1, None), f"{where} after {shown.last}"
        shown.last = event.seq

    def _is_told(self, client: ClientNode, number: int, log: str, shown: _Shown) -> bool:
        """Whether what comes next was told before by this run of the client; maybe in a log that was lost since."""
        assert shown.last is not None
        if shown.runs.get(shown.last + 1) == client.runs:
            return True
        entries = map(parse_entry_untrusted, self._server.logs[number].read(log, shown.last + 1, 1))
        ids = {entry.id.hex() for entry in entries if isinstance(entry, Message)}
        return number > 0 and any(isinstance(event, events.MessageSent) and event.id in ids for event in client.events)

    def _is_no_message(self, number: int, log: str, sequence: int) -> bool:
        """Whether an entry is not shown as a message: it is about another one, or in the place of a removed one."""
        entries = map(parse_entry_untrusted, self._server.logs[number].read(log, sequence, 1))
        return any(isinstance(entry, Tombstone) or _is_amending(entry) for entry in entries)

    def _check_amendment(self, client: ClientNode, event: events.Amendment) -> None:
        """What a client shows of an edit, a redaction or a reaction stands in a log, and is shown once in a run."""
        where = f"{client.nick}, run {client.runs}, in {event.room}: {type(event).__name__} {event.own_seq}"
        logs = [
            log
            for log in self._logs_of(client, event.room)
            for store in self._server.logs
            for entry in map(parse_entry_untrusted, store.read(log, event.own_seq, 1))
            if isinstance(entry, Message) and entry.extra is not None and _is_amending(entry)
            and (entry.extra.sequence, (entry.extra.refers_to or b"").hex()) == (event.seq, event.id)
        ]  # fmt: skip
        assert logs, f"{where} is not in the log"
        replica = client.core.timeline.uplink.get(logs[0])
        if replica is not None and not event.is_confirmation:  # which may come before the log is begun anew, and after
            shown = (id(client), client.runs, logs[0], replica.generation, event.own_seq)
            assert shown not in self._amended, f"{where} is shown twice"
            self._amended.add(shown)

    def _place_of(
        self, client: ClientNode, event: events.MessageReceived | events.MessageSent, where: str
    ) -> tuple[int, str]:
        """Where the server has, or had before it lost its log, what was shown: which of its logs, and its name."""
        uplink = client.core.timeline.uplink
        for log in self._logs_of(client, event.room):
            replica = uplink.get(log)
            generation = None if replica is None else replica.generation
            numbers = list(reversed(range(len(self._server.logs))))
            if len(numbers) > 1:  # what was under way when the log was lost is of the log before
                numbers.sort(key=lambda number: self._server.logs[number].extent(log).generation != generation)
            for number in numbers:
                for encoded in self._server.logs[number].read(log, event.seq, 1):
                    entry = parse_entry_untrusted(encoded)
                    if isinstance(entry, Tombstone) and entry.id is not None and entry.id.hex() == event.id:
                        return number, log  # removed since
                    if isinstance(entry, Message) and entry.id.hex() == event.id:
                        assert entry.text == event.text or edited_by(entry), f"{where} has another text"
                        if isinstance(event, events.MessageReceived):
                            assert (entry.nick, entry.time_ms) == (event.nick, event.time_ms), where
                        return number, log
        raise AssertionError(f"{where} is not in the log")

    def _logs_of(self, client: ClientNode, room: str) -> list[str]:
        if not room.startswith("@"):
            return [room_log(room)]
        keys = dict.fromkeys([*(other.static.public for other in self._clients), *sorted(self._foreign)])
        return [conversation_log(client.static.public, key) for key in keys]

    def on_log_lost(self) -> None:
        """The server's log is about to be another: what was asked until now may be gone."""
        for client in self._clients:
            self._forgotten[id(client)] = max(client.asked, default=0)

    def on_store_found(self, client: ClientNode) -> None:
        """A client's process is gone: what it showed and did not keep, it will show again when it runs again."""
        for (identity, number, log), shown in self._shown.items():
            if identity == id(client) and shown.last is not None:
                held = client.store.extent(log)
                is_same = held.generation == self._server.logs[number].extent(log).generation
                shown.last = min(shown.last, held.head) if is_same and held.head else None

    def check_tables(self) -> None:
        """Every table that an outsider can make grow is within its limit."""
        core = self._server.core
        assert core.handshakes <= HANDSHAKES_MAX
        for peer in core.chat.registry:
            window = peer.window
            assert len(window) <= ANSWERS_RECALLED_MAX, f"{peer.nick}: {len(window)} requests are held"
            assert len(peer.rooms if peer.entering is None else peer.entering.rooms) <= ROOMS_PER_PEER_MAX
            assert len(peer.downlink.subscriptions) <= 2 * (ROOMS_PER_PEER_MAX + CONVERSATIONS_PER_KEY_MAX) + 2
            for subscription in peer.downlink.subscriptions.values():
                runs = max(map(len, (subscription.acked, subscription.scheduled, subscription.backlog)))
                assert runs <= RUNS_MAX, f"{peer.nick}: {subscription.stream.log} has {runs} ranges"
        for stream in core.chat.rooms.streams():
            followers = list(core.chat.fanout.followers(stream))
            assert len(followers) == stream.followers > 0, f"{stream.log} is sent to nobody"
            assert all(peer in core.chat.registry for peer in followers), f"{stream.log} is sent to who has left"

    # --- When all is settled ----------

    def check_complete(self) -> None:
        """Everything said is in its log, once, in its author's order; replicas, rosters and logs agree."""
        log = self._server.log
        self._check_state(log)
        entries = {name: _read(log, name) for name in log.logs() if name.startswith((ROOM_PREFIX, CONVERSATION_PREFIX))}
        for client in self._clients:
            self._check_author(client, entries)
            if client.is_running and not client.core.is_over:
                self._check_replicas(client)
                self._check_model(client)
                if len(self._server.logs) == 1:  # else some of what it shows is of a log that is gone
                    self._check_messages(client)
                    if sum(map(len, entries.values())) <= SEARCHED_ENTRIES_MAX:
                        self._check_search(client, entries)

    def _check_state(self, log: MemoryLog) -> None:
        """The server's state is what the directory in its log says: no more, no less."""
        stored, held = State(log), self._server.core.chat.commits.durable
        stored.load()
        records = [parse_record(entry) for entry in log.read(DIRECTORY_LOG, 1, log.extent(DIRECTORY_LOG).head)]
        chat = self._server.core.chat
        nicks = [record.nick for record in records if isinstance(record, Claim)]
        for nick in [*nicks, *(peer.nick for peer in chat.registry if peer.nick is not None)]:
            assert held.claims.owner(nick) == stored.claims.owner(nick), f"{nick} is another's than its log says"
        for room in {record.room for record in records if isinstance(record, TopicRecord)}:
            assert held.topic(room) == stored.topic(room), f"the topic of {room} is not that of its log"
        for key in {client.static.public for client in self._clients}:
            assert held.conversations(key) == stored.conversations(key), "conversations are not those of the log"
            assert held.claims.may_claim(key) == stored.claims.may_claim(key)

    def _check_author(self, client: ClientNode, entries: dict[str, list[tuple[int, Entry]]]) -> None:
        instance = client.store.load().instance
        said = {counter: request for counter, request in client.asked.items() if isinstance(request, Say | Tell)}
        counters = {message_id(instance, counter): counter for counter in said}
        places: Counter[int] = Counter()
        for name, messages in entries.items():
            told = [entry.id for _, entry in messages if isinstance(entry, Message | Tombstone)]
            mine = [counters[identity] for identity in told if identity in counters]
            assert mine == sorted(mine), f"{client.nick}: its messages in {name} are out of order: {mine}"
            places.update(mine)
        twice = [counter for counter, count in places.items() if count > 1]
        assert not twice, f"{client.nick}: {[said[counter] for counter in twice]} stand in a log twice"
        if not client.is_running or client.core.is_over:
            return
        first = self._forgotten.get(id(client), 0) + 1
        missing = [counter for counter in said if counter >= first and counter not in places]
        refused = sum(isinstance(event, events.Error) for event in client.events)
        lost = [said[counter] for counter in missing]
        assert len(lost) <= refused, f"{client.nick}: {len(lost)} messages are lost, such as {lost[0]}"

    def _check_replicas(self, client: ClientNode) -> None:
        """What is on the client's disk is a stretch of what is on the server's, up to its end."""
        core = self._server.core
        key = client.static.public
        conversations = core.chat.commits.durable.conversations(key)
        for log in [*map(room_log, client.core.model.rooms), *conversations, inbox_log(key)]:
            head = self._server.log.extent(log).head
            held = client.store.extent(log)
            if not head:
                continue
            assert held.head == head, f"{client.nick}: {log} up to {held.head}, not {head}"
            theirs = enumerate(self._server.log.read(log, held.base + 1, head), held.base + 1)
            expected = [(at, _held(at, entry, held.base)) for at, entry in theirs]
            assert client.store.read(log, held.base + 1, head) == expected, f"{client.nick}: {log} differs"
            reactions = [store.reactions(log, held.base + 1, head) for store in (client.store, self._server.log)]
            assert reactions[0] == reactions[1], f"{client.nick}: reactions in {log} differ"

    def _check_messages(self, client: ClientNode) -> None:
        """Each message that a client holds is as it is in the server's log now, with all reactions to it."""
        for conversation in client.core.model.conversations():
            log = client.core.timeline.log_of(conversation.name)
            if log is None:
                continue
            for item in conversation.items:
                where = f"{client.nick}: {item.sequence} in {conversation.name}"
                (entry,) = map(parse_entry_untrusted, self._server.log.read(log, item.sequence, 1))
                assert item.is_removed == isinstance(entry, Tombstone), where
                if isinstance(entry, Message):
                    assert (item.text, item.edited_by) == (entry.text, edited_by(entry)), where
                found = self._server.log.reactions(log, item.sequence, item.sequence)
                reactions = [
                    each for _, encoded in found if isinstance(each := parse_entry_untrusted(encoded), Message)
                ]
                shown = {(each.emoji, user) for each in item.reactions for user in each.users}
                assert shown == {(each.text, each.author) for each in reactions}, where

    def _check_search(self, client: ClientNode, entries: dict[str, list[tuple[int, Entry]]]) -> None:
        """Most texts have a number of their own: it is found where it stands now, and nowhere else."""
        followed = {*map(room_log, client.core.model.rooms), *self._conversations_of(client)}
        asked = [request for other in self._clients for request in other.asked.values()]
        texts = [request.text.split() for request in asked if isinstance(request, Say | Tell) and " " in request.text]
        numbers = sorted({words[1] for words in texts if words[1:] and words[1].isdecimal()})
        standing: dict[str, set[tuple[str, int]]] = {
            number: set() for number in numbers[:: len(numbers) // SEARCHED + 1]
        }
        for log, messages in entries.items():
            for sequence, entry in messages:
                if isinstance(entry, Message) and not _is_amending(entry):
                    for word in standing.keys() & set(split_words(entry.text)):
                        standing[word].add((log, sequence))
        for number, places in standing.items():
            query = SearchQuery(number, limit=FOUND_MAX)
            found = {(hit.log, hit.sequence) for hit in self._server.log.search(query)}
            assert found == places, f"a search for {number} finds {found}, not {places}"
            found = {(hit.log, hit.sequence) for hit in client.store.search(query) if hit.log in followed}
            held = {(log, at) for log, at in places if log in followed and at > client.store.extent(log).base}
            assert found == held, f"{client.nick}: a search for {number} finds {found}, not {held}"

    def _conversations_of(self, client: ClientNode) -> list[str]:
        return list(self._server.core.chat.commits.durable.conversations(client.static.public))

    def _check_model(self, client: ClientNode) -> None:
        """The members that a client knows are those of the server; all of them, if it has requested the list."""
        rooms = self._server.core.chat.rooms
        for room in filter(rooms.__contains__, client.core.model.rooms):
            members, roster = client.core.model.members(room), rooms[room].roster
            known = {member.nick: (member.user, member.away) for member in members}
            present = {nick: (each.user, each.announced) for nick, each in roster.members.items()}
            if not members.is_complete:
                present = {nick: each for nick, each in present.items() if nick in known}
            assert known == present, f"{client.nick}: {known} are in {room}, not {present}"

    def is_presence_right(self) -> bool:
        """Whether the server's registry and rosters say who is here, in a room or in none, and nobody else."""
        here = [client.core for client in self._clients if client.is_running and not client.core.is_over]
        present: dict[str, Counter[str]] = {}
        for core in here:
            for room in core.model.rooms:
                present.setdefault(room, Counter())[core.model.nick] += 1
        chat = self._server.core.chat
        strangers = set(map(user_id, self._foreign))
        rosters = {
            room.name: Counter(
                {nick: each.devices for nick, each in room.roster.members.items() if each.user not in strangers}
            )
            for room in chat.rooms
        }
        entered = Counter(
            peer.nick for peer in chat.registry if peer.nick is not None and peer.key not in self._foreign
        )
        is_known = entered == Counter(core.model.nick for core in here)
        return is_known and {name: roster for name, roster in rosters.items() if roster} == present


def _is_amending(entry: Entry) -> bool:
    return isinstance(entry, Message) and entry.kind in AMENDING


def _held(sequence: int, entry: bytes, base: int) -> bytes:
    """An entry as who holds what is above `base` has it: the text of an edit goes with the message that it changed."""
    message = parse_entry_untrusted(entry)
    if isinstance(message, Message) and message.kind == EDIT:
        reference = reference_of(message, sequence)
        if reference is not None and reference.sequence <= base:
            return encode_message(emptied(message))
    return entry


def _read(log: MemoryLog, name: str) -> list[tuple[int, Entry]]:
    extent = log.extent(name)
    encoded = log.read(name, extent.base + 1, extent.head - extent.base)
    return [(extent.base + 1 + at, parse_entry_untrusted(entry)) for at, entry in enumerate(encoded)]
