"""A client core that enters as the operator of a server, and carries out one dialogue with it (SPEC 6.12).

Whoever can read the key in the data folder of the server is its operator. How datagrams travel is for others.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar, cast

from udpchat import __version__
from udpchat.chat import events
from udpchat.chat.names import HOST_NICK
from udpchat.chat.phrase import Phrase, Problem
from udpchat.client.core import ClientCore
from udpchat.client.operator_dialogues import Dialogue, RequestRefused
from udpchat.client.own_requests import RequestSource
from udpchat.client.profile import Profile
from udpchat.client.stored import ClientState
from udpchat.session.noise import KeyPair, fingerprint
from udpchat.wire.fields import Value
from udpchat.wire.limits import INSTANCE_BYTES
from udpchat.wire.packets import Address
from udpchat.wire.requests import ResultBody

T = TypeVar("T")


class OperatorKeys(Value, frozen=True):
    """The key of the operator, and the public key of the server."""

    operator: KeyPair
    server: bytes


class OperatorClient(Generic[T]):
    """`core` is to be driven; call `on_events` after each drain. It ends with `result`, or with `failure`."""

    def __init__(self, now: float, keys: OperatorKeys, address: Address, dialogue: Dialogue[T]) -> None:
        self._dialogue = dialogue
        self._server = keys.server
        self._results: deque[ResultBody] = deque()
        self._has_begun = False
        self.is_done = False
        self.result: T | None = None
        self.failure: Problem | None = None
        profile = Profile(
            static=keys.operator,
            nick=HOST_NICK,
            rooms=(),
            server=address.host,
            check_server=self._check,
            agent=f"udpchat {__version__}",
        )
        saved = ClientState(os.urandom(INSTANCE_BYTES))
        self.core = ClientCore(now, profile=profile, saved=saved, address=address, random=os.urandom)

    def _check(self, key: bytes) -> Phrase | None:
        if key == self._server:
            return None
        return Phrase("failed.other_server", {"shown": fingerprint(key), "wanted": fingerprint(self._server)})

    def on_events(self, now: float, happened: Sequence[events.ClientEvent]) -> None:
        """The core was drained of these: go on with the dialogue where that is possible."""
        for event in happened:
            match event:
                case events.Rejected(key, values):
                    self.end(RequestRefused(key, **values))
                case events.Error(key, values):
                    self.end(RequestRefused("failed.unwritable" if key == "unwritable" else key, **values))
        if not self._has_begun and self.core.is_entered and not self.is_done:
            self._has_begun = True
            self._go_on(now, None)
        while self._results and not self.is_done:  # also if a goodbye came in the same batch
            self._go_on(now, self._results.popleft())

    def _go_on(self, now: float, result: ResultBody | None) -> None:
        """Give the dialogue a result, and send what it asks next."""
        try:
            request = next(self._dialogue) if result is None else self._dialogue.send(result)
        except StopIteration as ended:
            self.result, self.is_done = ended.value, True
        except Problem as problem:
            self.end(problem)
        else:
            with self.core.on_behalf_of(RequestSource(take=self._take)):
                self.core.ask(now, request)

    def _take(self, result: ResultBody) -> list[events.ClientEvent]:
        self._results.append(result)
        return []

    def end(self, failure: Problem) -> None:
        """It is over without a result."""
        if not self.is_done:
            self.failure, self.is_done = failure, True

    def outcome(self) -> T:
        """What the dialogue returned, once it is done. Raises what it raised, or why it could not be held."""
        if self.failure is not None:
            raise self.failure
        return cast(T, self.result)
