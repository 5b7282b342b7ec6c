"""What `settle` is given and what it returns: proposals and their actions, effects, settlements (SPEC 7.1)."""

from __future__ import annotations

from dataclasses import dataclass, field

from udpchat.chat.ids import DIRECTORY_LOG
from udpchat.server.state import State
from udpchat.sync.log import Append, RequestId
from udpchat.wire.content import (
    Act,
    Announced,
    Invited,
    LoginsFailed,
    Message,
    ModesSet,
    ReadMark,
    Record,
    RoleSet,
    SanctionRecord,
    SanctionSet,
)
from udpchat.wire.fields import Value
from udpchat.wire.requests import (
    AcceptFrom,
    AddCode,
    MarkRead,
    Presence,
    RemoveAccount,
    Rename,
    ResultBody,
    RevokeDevice,
    Say,
    SetTopic,
    Tell,
)

# --- Proposals ----------


class Telling(Value, frozen=True):
    """A `Tell`, and the presence of its addressee."""

    request: Tell
    presence: Presence


class Redacting(Value, frozen=True):
    """A redaction of a message of somebody else in a room: its author, and the nick that it was said under."""

    request: Say
    user: bytes
    nick: str


class Decision(Value, frozen=True):
    """What a request wants done together with what else is to be known for that: its class is beside its settler."""


Action = (
    Say | Telling | Redacting | Rename | SetTopic | MarkRead | Decision | AddCode | RevokeDevice | AcceptFrom
    | RemoveAccount
)  # fmt: skip
# A union takes several times as long to look through.
ACTIONS = (
    Say, Telling, Redacting, Rename, SetTopic, MarkRead, Decision, AddCode, RevokeDevice, AcceptFrom, RemoveAccount,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Author:
    """Whom a proposal comes from: a device, which is a key and an instance with its own request counter; and its
    account.

    `key`: the account, by the key of its first device; `user`: its id; `device`: the key of this device; `client_id`:
    of this key and the instance, so it stays when the device is added to another account. `capabilities` are those of
    its latest handshake (SPEC 8); they are not part of its identity.
    """

    client_id: bytes
    key: bytes
    user: bytes
    instance: bytes
    device: bytes
    capabilities: frozenset[int] = field(default=frozenset(), compare=False)


class CodeProof(Value, frozen=True):
    """A device showed a one-time code with this digest."""

    digest: bytes


class PasswordProof(Value, frozen=True):
    """A device showed the password of an account that was kept as this PHC string."""

    account: bytes
    phc: str


class EnterProposal(Value, frozen=True):
    """A device wants to enter under a nick. Not a request: it has no counter, and is repeated until answered.

    `time_ms` 0: an own nick is not claimed anew, for nothing can be written. `host`: the numeric one it has proved.
    `proof`: of a device that the account of this nick does not have yet. `failures`: what the owner is to be told of.
    `is_closed`: new accounts are not made.
    """

    author: Author
    nick: str
    time_ms: int = 0
    host: str = ""
    proof: CodeProof | PasswordProof | None = None
    failures: LoginsFailed | None = None
    is_closed: bool = False


class ActionProposal(Value, frozen=True, gc=False):
    """What a request wants done: `counter` is that of the request, `nick` the one that its author uses now.

    `opener`: the account that opened the room that it is about, if that is new.
    """

    author: Author
    nick: str
    counter: int
    time_ms: int
    action: Action
    opener: bytes = b""


class NoteProposal(Value, frozen=True):
    """What has happened is to be noted in a log, and nobody waits for that."""

    author: Author
    log: str
    note: Act | LoginsFailed


Proposal = EnterProposal | ActionProposal | NoteProposal


# --- Effects: carried out once the entries are durable ----------


class PeerEffect(Value, frozen=True):
    """Something for the device that the proposal came from."""

    client_id: bytes


class SendResult(PeerEffect, frozen=True, gc=False):
    """Answer the author's request."""

    counter: int
    result: ResultBody


class Admit(PeerEffect, frozen=True):
    """The device enters under a nick that its account owns. `account`: to which it was added; empty: to none.

    `told`: of so many failed logins the owner is told.
    """

    nick: str
    account: bytes = b""
    told: int = 0


class Reject(PeerEffect, frozen=True):
    """The device may not enter under the nick it requested."""

    code: str
    detail: tuple[str, ...] = ()


class ChangeNick(PeerEffect, frozen=True):
    """The request `counter` gives the device another nick of its key."""

    counter: int
    nick: str


class ChangeTopic(Value, frozen=True):
    """The topic of a room changes."""

    room: str
    topic: str
    nick: str


class FollowPrivate(Value, frozen=True):
    """All entered devices of these keys follow a log that is theirs: a conversation, an inbox."""

    log: str
    keys: tuple[bytes, ...]


class ReplaceEntry(Value, frozen=True):
    """An earlier entry of a log is another now (SPEC 7.5): what is in memory or under way of it is outdated."""

    log: str
    sequence: int


class EndSessions(Value, frozen=True):
    """The sessions of these devices of an account end; `code` is that of the EnterRefused that says why.

    `request`: to which this is an effect; if its own session ends, it is answered before.
    """

    account: bytes
    devices: tuple[bytes, ...]
    code: str
    request: RequestId


class ForgetNicks(Value, frozen=True):
    """What is stored of who went by these nicks is to be erased."""

    nicks: tuple[str, ...]


class Announcement(Value, frozen=True):
    """An entry of the roster of a room, or, if that is empty, of the server."""

    room: str
    entry: RoleSet | ModesSet | SanctionSet | Announced


class Exclude(Value, frozen=True):
    """Who may not be in a room any more leaves it. Empty: all rooms of the account; all people of the room."""

    room: str
    account: bytes
    by: str
    why: str = ""


class KickOut(Value, frozen=True):
    """A person leaves a room, or, if that is empty, all their sessions end."""

    room: str
    account: bytes
    by: str
    why: str


class ShutOut(Value, frozen=True):
    """The sessions end of those who are banned from the server by this."""

    sanction: SanctionRecord


OrderEffect = Announcement | Exclude | KickOut | ShutOut
Effect = PeerEffect | ChangeTopic | FollowPrivate | ReplaceEntry | EndSessions | ForgetNicks | OrderEffect


class Settlement(Value, frozen=True, gc=False):
    """The outcome of a proposal; `size`: about how many bytes it writes."""

    proposal: Proposal
    appends: tuple[Append, ...]
    effects: tuple[Effect, ...]
    size: int = 0


# --- For settlers ----------

# (log, sequence, what the entry holds) in order; the last one records the request
Entries = list[tuple[str, int, Message | ReadMark | Invited | LoginsFailed | Act | Record]]
Outcome = tuple[Entries, list[Effect]]


def records(state: State, *records: Record) -> Entries:
    """The entries of the directory that hold these."""
    head = state.head(DIRECTORY_LOG)
    return [(DIRECTORY_LOG, head + at, record) for at, record in enumerate(records, 1)]


def answered(proposal: ActionProposal, result: ResultBody) -> SendResult:
    """The effect that answers a request."""
    return SendResult(proposal.author.client_id, proposal.counter, result)
