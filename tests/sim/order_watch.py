"""The promise of order (SPEC 0): nobody reads or says a thing in a log that they may not, at any moment.

It is held against each entry as it becomes durable, and against each packet as the server seals it:

1. *Saying.* A message is by somebody who might say it by the records that stand before it in the order of the writes,
   at the time that it bears. An act is by somebody who had the role for it, on somebody who might be acted on; and what
   changes order is written with an act.
2. *Reading.* Once the server knows an act to be durable, it seals for each device that the act excludes: no entry of
   that log that was appended after the act; no Head, notice of typing or Welcome; and no answer that it had not begun
   to give before, in which an entry, a name, a member or a topic stands that is hidden from them. A group packet counts
   as sealed for every device that was ever sent its key.

A device is excluded from the act on until an act, or the end of a sanction's time by any clock that the server has had
since, lets it in again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from tests.sim.rights import SERVER, Rights
from udpchat.chat.ids import AUDIT_LOG, CONVERSATION_PREFIX, DIRECTORY_LOG, ROOM_PREFIX, ROSTER_PREFIX, client_id_of
from udpchat.chat.permissions import PERMISSIONS, Action, Role, may
from udpchat.session.group import GroupSender
from udpchat.session.noise import user_id
from udpchat.session.session import Session
from udpchat.sync.log import Append, LogReader
from udpchat.wire import frames, requests
from udpchat.wire.content import (
    AccountRecord,
    Act,
    Claim,
    ConversationRecord,
    Message,
    Modes,
    Record,
    RoleRecord,
    RoomRecord,
    SanctionRecord,
    TopicSet,
)
from udpchat.wire.frames import parse_down_untrusted, parse_entry_untrusted, parse_record, parse_result_untrusted
from udpchat.wire.requests import RequestBody, ResultBody

if TYPE_CHECKING:
    from tests.sim.world import World

FOR: Final[dict[type, Role]] = {  # who is ever told such a thing
    requests.PeerPage: Role.MODERATOR,
    requests.AccountPage: Role.ADMIN,
    requests.Report: Role.ADMIN,
}
_READ: Final = 1_000


class OrderWatch:
    """Sees what the server writes and seals in a world."""

    def __init__(self, world: World, host: bytes = b"") -> None:
        self._world, self._host = world, host
        self.acts = 0  # that were allowed
        self.withheld = 0  # how often somebody was excluded from something: else nothing was tested
        self._clients: dict[bytes, bytes] = {}  # client id -> device
        self.begin(())

    def begin(self, records: Sequence[Record]) -> None:
        """The server runs on a log that holds these, and perhaps not all that was seen before."""
        self.rights = Rights(self._host)
        self._places: dict[tuple[str, int], int] = {}  # (log, sequence) -> which append it was
        self._appended = self._known = 0  # appends; those that the core knows to be durable
        self._since: dict[tuple[bytes, str], int] = {}  # (device, room) -> the append that excluded it
        self._changed: dict[str, int] = {}  # room -> the latest append that changed who may join it
        self._begun: dict[tuple[bytes, int], int] = {}  # answers: (client id, counter) -> `_known` when it was begun
        self._parts: dict[tuple[bytes, int], dict[int, bytes]] = {}
        self._highest: dict[bytes, Role] = {}  # the highest role that an account ever had on the server
        self._devices: dict[bytes, None] = {}
        self._holders: dict[tuple[int, int], dict[bytes, None]] = {}  # devices by the group and epoch of a key
        self._wall_ms = 0
        for record in records:
            self.rights.apply(record)
            self._note_role(record)
        self._update()

    def restart(self, log: LogReader) -> None:
        """A new process of the server has read this log."""
        extent = log.extent(DIRECTORY_LOG)
        stored = [log.read(DIRECTORY_LOG, at, 1)[0] for at in range(extent.base + 1, extent.head + 1)]
        places, appended = self._places, self._appended
        self.begin([parse_record(each) for each in stored])
        self._places = {(name, at): index for (name, at), index in places.items() if at <= log.extent(name).head}
        self._appended = self._known = appended
        self._since = dict.fromkeys(self._since, appended)
        self._changed = dict.fromkeys(self._changed, appended)

    # --- What is written ----------

    def on_append(self, batch: Sequence[Append]) -> None:
        """These are on the disk, in this order."""
        for group in _settlements(batch):
            records: list[Record] = []
            acts: list[Act] = []
            for append in group:
                self._appended += 1
                self._places[append.log, append.sequence] = self._appended
                if append.log == DIRECTORY_LOG:
                    record = parse_record(append.entry)
                    if isinstance(record, Claim | ConversationRecord):
                        self.rights.apply(record)
                    else:
                        records.append(record)
                elif append.log == AUDIT_LOG:
                    act = parse_entry_untrusted(append.entry)
                    assert isinstance(act, Act)
                    acts.append(act)
                elif append.log[0] in (ROOM_PREFIX, CONVERSATION_PREFIX):
                    self._check_said(append)
            for act in acts:
                self._check_act(act, records)
            self._check_has_act(records, acts)
            self.acts += len(acts)
            if records:
                self._apply(records)

    def on_persisted(self, count: int) -> None:
        """The core is about to learn that so many more are durable."""
        self._known += count

    def _apply(self, records: Sequence[Record]) -> None:
        self._update()  # what has ended by now
        for record in records:
            self.rights.apply(record)
            if isinstance(record, RoomRecord | RoleRecord | SanctionRecord):
                self._changed[record.room] = self._appended
            if isinstance(record, AccountRecord):
                self._note_role(record)
                self._changed[SERVER] = self._appended
        self._update()

    def _note_role(self, record: Record) -> None:
        if isinstance(record, AccountRecord):
            self._highest[record.account] = max(self._highest.get(record.account, Role.MEMBER), Role(record.role))

    def _update(self) -> None:
        """Note who is excluded from what, and since when."""
        guarded = {SERVER, *self.rights.guarded(), *(room for _, room in self._since)}
        for device in self._devices:
            for room in guarded:
                if not self._is_excluded(device, room):
                    self._since.pop((device, room), None)
                else:
                    self._since.setdefault((device, room), self._appended)

    def _is_excluded(self, device: bytes, room: str) -> bool:
        rights, account = self.rights, self.rights.account_of(device)
        return rights.is_revoked(device) or not rights.may_join(room, account, device, self._wall_ms)

    def _device(self, client_id: bytes) -> bytes | None:
        """The device with this client id."""
        if client_id not in self._clients:
            known = [(client.static.public, client.instance) for client in self._world.clients]
            known += [(node.static.public, node.instance) for node in self._world.strangers]
            self._clients |= {client_id_of(key, instance): key for key, instance in known}
        return self._clients.get(client_id)

    def _check_said(self, append: Append) -> None:
        message = parse_entry_untrusted(append.entry)
        assert isinstance(message, Message)
        device = self._device(append.origin.client_id) if append.origin is not None else None
        account = self._account(message.author) if device is None else self.rights.account_of(device)
        if account is None:
            return  # of a device that is gone
        where = f"{message.nick} in {append.log}: {append.sequence}"
        assert message.author == user_id(account), f"{where} is by another"
        room = append.log[1:] if append.log[0] == ROOM_PREFIX else ""
        assert self.rights.may_speak(room, account, device, message.time_ms), f"{where} was not to be said"

    def _account(self, user: bytes) -> bytes | None:
        keys = {*self.rights.accounts, *self.rights.owners.values(), self._host}
        return next((key for key in keys if key and user_id(key) == user), None)

    def _check_act(self, act: Act, records: Sequence[Record]) -> None:
        account = self._account(act.user)
        where = f"{act}"
        assert account is not None, f"{where}: nobody did it"
        role = self.rights.role(account, act.room)
        if act.room and act.room not in self.rights.rooms:
            founders = [record.founder for record in records if isinstance(record, RoomRecord)]
            role = max(role, Role.OPERATOR) if account in founders else role
        action = Action(act.action)
        assert may(action, role), f"{where}: a {role.name} may not"
        subject = self.rights.owners.get(act.subject)
        if PERMISSIONS[action].outranks and subject and subject != account:
            theirs = self.rights.role(subject, act.room)
            assert may(action, role, theirs), f"{where}: a {role.name} may not, to a {theirs.name}"

    def _check_has_act(self, records: Sequence[Record], acts: Sequence[Act]) -> None:
        """What changes order is written with an act; a room that is begun has a record and an operator without."""
        begun = {record.room: record.founder for record in records
                 if isinstance(record, RoomRecord) and record.room not in self.rights.rooms}  # fmt: skip
        for record in records:
            match record:
                case RoomRecord(room, _, modes):
                    is_changed = modes != self.rights.modes(room)
                case RoleRecord(room, account, role):
                    is_founder = begun.get(room) == account and role == Role.OPERATOR
                    is_changed = not is_founder and role != self.rights.roles.get((room, account), Role.MEMBER)
                case AccountRecord(account, _, _, role):
                    is_changed = role != self.rights.role(account)
                case _:
                    is_changed = isinstance(record, SanctionRecord)
            assert acts or not is_changed, f"{record} is written without an act"

    # --- What is sealed ----------

    def on_sealed(self, session: Session, body: bytes) -> None:
        """Some end of a session seals this."""
        server, device = self._world.server, session.remote_static
        if device == server.static.public:
            return
        self._wall_ms = max(self._wall_ms, server.wall_ms(self._world.now))
        if device not in self._devices:
            self._devices[device] = None
            for room in {SERVER, *self.rights.guarded()}:
                if self._is_excluded(device, room):
                    self._since[device, room] = self._changed.get(room, 0)
        found = server.view.chat.registry.find(session.index)
        client_id = found[0].author.client_id if found is not None else b""
        for frame in parse_down_untrusted(body):
            if isinstance(frame, frames.GroupKey):
                self._holders.setdefault((frame.group, frame.epoch), {})[device] = None
            self._check_frame(device, client_id, frame)

    def on_group_sealed(self, sender: GroupSender, body: bytes) -> None:
        """The server seals this for all who have the key."""
        self._wall_ms = max(self._wall_ms, self._world.server.wall_ms(self._world.now))
        for device in self._holders.get((sender.group, sender.epoch), ()):
            for frame in parse_down_untrusted(body):
                self._check_frame(device, b"", frame)

    def _check_frame(self, device: bytes, client_id: bytes, frame: frames.Down) -> None:
        match frame:
            case frames.Entries(log, _, first, _, entries):
                for sequence in range(first, first + len(entries)):
                    self._check_entry(device, log, sequence)
            case frames.EntryFragment(log, _, sequence):
                self._check_entry(device, log, sequence)
            case frames.Heads(_, heads):
                for head in heads:
                    self._check_log(device, head.log, "a Head")
            case frames.UserTyping(log):
                self._check_log(device, log, "who types")
            case frames.Welcome():
                self._check(device, SERVER, self._known, "a Welcome")
            case frames.Result(counter, body):
                self._check_result(device, client_id, counter, body)
            case frames.ResultFragment(counter, index, count, data):
                self._begun.setdefault((client_id, counter), self._known)
                parts = self._parts.setdefault((client_id, counter), {})
                parts[index] = data
                if len(parts) == count:
                    whole = b"".join(part for _, part in sorted(self._parts.pop((client_id, counter)).items()))
                    self._check_result(device, client_id, counter, parse_result_untrusted(whole))

    def _check_entry(self, device: bytes, log: str, sequence: int) -> None:
        if log[0] != ROOM_PREFIX:
            return
        place = self._places.get((log, sequence))
        if place is not None:
            self._check(device, log[1:], place - 1, f"entry {sequence} of {log}")

    def _check_log(self, device: bytes, log: str, what: str) -> None:
        if log[0] in (ROOM_PREFIX, ROSTER_PREFIX) and log != ROSTER_PREFIX:
            self._check(device, log[1:], self._known, f"{what} of {log}")

    def _check(self, device: bytes, room: str, place: int, what: str) -> None:
        """AssertionError if a device was excluded from the room by an append up to `place` that the core knows."""
        for where in {room, SERVER}:
            since = self._since.get((device, where))
            if since is not None and self._is_excluded(device, where):
                self.withheld += 1
                assert since > min(place, self._known), f"{self._name(device)} is sent {what}, excluded from {where!r}"

    def _name(self, device: bytes) -> str:
        account = self.rights.account_of(device)
        return ", ".join(nick for nick, owner in self.rights.owners.items() if owner == account) or device.hex()[:8]

    # --- Answers ----------

    def _check_result(self, device: bytes, client_id: bytes, counter: int, body: ResultBody) -> None:
        begun = self._begun.setdefault((client_id, counter), self._known)
        account = self.rights.account_of(device)
        request = self._world.request_of(client_id, counter)
        what = f"{body} to {request}"
        match body:
            case requests.EntryList(items, reactions):
                for item in (*items, *reactions):
                    if item.log == AUDIT_LOG:
                        self._check_role(account, Role.ADMIN, what)
                    elif item.log[0] == CONVERSATION_PREFIX:
                        assert account in self.rights.conversations[item.log], f"{self._name(device)} is told {what}"
                    else:
                        self._check(device, item.log[1:], begun, what)
            case requests.Page(items):
                self._check_hidden(device, items, begun, what)
            case requests.Person(_, _, _, _, rooms):
                self._check_hidden(device, rooms, begun, what)
            case requests.MemberPage(_, members, _, modes) if members or modes != Modes():
                self._check_hidden(device, _rooms_of(request), begun, what)
            case TopicSet():
                self._check_hidden(device, _rooms_of(request), begun, what)
            case requests.SanctionPage(sanctions):
                for sanction in sanctions:
                    self._check_hidden(device, [sanction.room] if sanction.room else [], begun, what)
            case _:
                if type(body) in FOR:
                    self._check_role(account, FOR[type(body)], what)

    def _check_hidden(self, device: bytes, rooms: Sequence[str], begun: int, what: str) -> None:
        account = self.rights.account_of(device)
        for room in rooms:
            if self.rights.is_hidden(room, account):
                self._check(device, room, begun, what)

    def _check_role(self, account: bytes, least: Role, what: str) -> None:
        assert max(self._highest.get(account, Role.MEMBER), self.rights.role(account)) >= least, (
            f"who never was {least.name} is told {what}"
        )


def _settlements(batch: Sequence[Append]) -> Iterator[list[Append]]:
    """The appends of each request, of which the last bears its origin; those of an Enter go with what follows."""
    group: list[Append] = []
    for append in batch:
        group.append(append)
        if append.origin is not None:
            yield group
            group = []
    if group:
        yield group


def _rooms_of(request: RequestBody | None) -> list[str]:
    room = getattr(request, "room", None)
    return [room] if room else []
