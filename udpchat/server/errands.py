"""What the operator asks of the program that runs the server: its status, to reload, to stop, to erase (SPEC 6.12).

The core checks who asks, and gives each errand to the program, which answers with a `Report`, maybe after a while.
"""

from __future__ import annotations

from typing import Final

from udpchat.chat.ids import AUDIT_LOG
from udpchat.chat.permissions import Action
from udpchat.server.proposals import Author, NoteProposal
from udpchat.server.registry import Peer, Registry
from udpchat.server.repeated_requests import answer
from udpchat.wire.content import Act
from udpchat.wire.fields import Value
from udpchat.wire.limits import ERRANDS_MAX, TOPIC_BYTES_MAX
from udpchat.wire.requests import ERASURE, RELOAD, STATUS, STOP, Failed, Report, ResultBody

RECORDED: Final = (RELOAD, STOP)  # that are acts of order; who erases is recorded with the account
ERRAND_ACTIONS: Final = {STATUS: Action.STATUS, RELOAD: Action.RELOAD, STOP: Action.STOP, ERASURE: Action.ERASE}
"""The action that a person must be allowed, for each errand that there is."""


class Errand(Value, frozen=True):
    """One errand, and the request that it answers; `by`: the nick of who asks."""

    author: Author
    counter: int
    kind: int  # STATUS, RELOAD, STOP, ERASURE
    by: str


class Errands:
    """Those that wait until the program takes them, and those that it has taken and not answered."""

    def __init__(self) -> None:
        self._waiting: list[Errand] = []
        self._taken: set[Errand] = set()

    def ask(self, peer: Peer, counter: int, kind: int) -> None:
        """An entered peer, which may, asks for one; it is refused while too many are not answered."""
        assert peer.nick is not None
        errand = Errand(peer.author, counter, kind, peer.nick)
        if len(self._waiting) + len(self._taken) >= ERRANDS_MAX:
            return answer(peer, counter, Failed("too_fast"))
        peer.window.expect_read(counter)
        self._waiting.append(errand)

    def drain(self) -> list[Errand]:
        """Those to carry out; then call `on_done` for each."""
        drained, self._waiting = self._waiting, []
        self._taken.update(drained)
        return drained

    def on_done(self, registry: Registry, errand: Errand, result: ResultBody) -> Peer | None:
        """A drained errand has this result: answer it; the peer that was answered, unless it has gone."""
        self._taken.discard(errand)
        peer = registry.find_client(errand.author.client_id)
        if peer is None or not peer.window.is_read(errand.counter):
            return None
        answer(peer, errand.counter, result)
        return peer


def act_of(errand: Errand, result: ResultBody, time_ms: int) -> NoteProposal | None:
    """What is to be recorded of an errand that is done; None if it only read, or changed nothing."""
    if errand.kind not in RECORDED or not isinstance(result, Report):
        return None
    found = {item.name: item.value for item in result.items}
    if found.get("problem"):
        return None
    changed = found.get("changed", ())
    detail = " ".join(changed) if isinstance(changed, tuple) else ""
    author, action = errand.author, ERRAND_ACTIONS[errand.kind]
    act = Act(time_ms, errand.by, author.user, action.value, "", "", detail[:TOPIC_BYTES_MAX])
    return NoteProposal(author, AUDIT_LOG, act)
