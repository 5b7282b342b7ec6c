"""The client's core: requests and datagrams in; datagrams, writes and events out (SPEC 6.3, 6.4). Pure.

Each mutation, `receive`, `handle_timeout`, `persisted`, `rejected` or a verb, is followed by `drain_writes`,
`drain_transmits` and `drain_events`. A request is sent only after `persisted` or `rejected` has covered its write.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager

from udpchat.chat import events
from udpchat.chat.codes import CODE_BYTES
from udpchat.client import compose
from udpchat.client.checks import check_frame_untrusted
from udpchat.client.compose import LocalError
from udpchat.client.groups import Groups
from udpchat.client.link import KeyRefused, Link, LinkLost, LinkRenewed, LinkSettings
from udpchat.client.login import Login
from udpchat.client.model import Model
from udpchat.client.own_requests import Recalled, RequestSource
from udpchat.client.participant import Participant
from udpchat.client.profile import Profile
from udpchat.client.stored import ClientState, Write
from udpchat.client.timeline import Timeline
from udpchat.session.session import Session
from udpchat.session.timers import earliest
from udpchat.sync.uplink import Uplink
from udpchat.wire import frames, requests
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import Down
from udpchat.wire.packets import GROUP_KIND, Address


class ClientCore:
    """One user at one device, connected to one server."""

    def __init__(
        self, now: float, *, profile: Profile, saved: ClientState, address: Address, random: Callable[[int], bytes],
        round_trip_s: float | None = None, login: Login | None = None,
    ) -> None:  # fmt: skip
        """`round_trip_s`: to this address, if it was measured just now. `login`: how this device proves that it may go
        by the nick; None: only by its key.
        """
        self._random = random
        self._link = Link(now, LinkSettings(profile, saved.instance, address, random), round_trip_s)
        self._uplink = Uplink(random)
        self._groups = Groups(now, self._uplink)
        self.counters: Counter[str] = Counter()  # of datagrams that were dropped, by reason
        self._chat = Participant(profile, saved, self._uplink, login)
        self.model = Model(self._chat, self._link)
        self._urgent: list[bytes] = []  # frames for the next packet

    # --- What the user wants ----------

    @property
    def is_entered(self) -> bool:
        """Whether the server has accepted our Enter in the current session, and the link is not lost."""
        return self._chat.membership.is_welcome and not self._link.is_lost

    @property
    def is_over(self) -> bool:
        """Whether this client has quit, or was rejected for good."""
        return self._chat.membership.is_over

    @property
    def session(self) -> Session | None:
        """The session in which frames are sent; None before the first handshake is done, and after a Goodbye."""
        return self._link.session

    def lines_unanswered(self) -> list[int]:
        """Lines of the input whose requests have no result yet."""
        return self._chat.requests.lines_unanswered()

    def on_behalf_of(self, source: RequestSource) -> AbstractContextManager[None]:
        """Requests made inside come from this line of the input, which errors name."""
        return self._chat.requests.on_behalf_of(source)

    @property
    def is_idle(self) -> bool:
        """Whether we are in all rooms, no result or confirmation is awaited, and all entries to be shown have come."""
        return self._chat.is_idle

    def say(self, now: float, room: str, text: str, is_action: bool = False) -> None:
        """Send a message to a room. LocalError if it is empty or too long."""
        self.ask(now, compose.say(room, text, is_action=is_action))

    def tell(self, now: float, nick: str, text: str, is_action: bool = False) -> None:
        """Send a private message to a user. LocalError if it is empty or too long."""
        self.ask(now, compose.tell(nick, text, is_action=is_action))

    def join(self, now: float, room: str) -> None:
        if self._chat.membership.want(now, room, line=self._chat.requests.line):
            self._chat.timeline.want(room)
        self._flush(now)

    def part(self, now: float, room: str) -> None:
        """Leave a room. LocalError if this client is not in it."""
        if not self._chat.membership.drop(room):
            raise LocalError("not_in_room", room=room)
        self.ask(now, requests.Part(room))

    def ask(self, now: float, request: requests.RequestBody, here: Recalled | None = None) -> None:
        """Send a request, as `compose` makes them; `here`: the part of the requested history that the replicas hold."""
        self._chat.requests.ask(request, here=here)
        self._flush(now)

    def prove(self, now: float, secret: str, *, is_code: bool = False) -> None:
        """In answer to `PasswordNeeded`: the password or a one-time code; empty: there is none, and the client stops.

        LocalError if a code cannot be one; it can be given again.
        """
        self._chat.prove(now, compose.secret_of(secret, is_code=is_code), is_code=is_code)
        self._flush(now)

    def make_code(self, now: float, purpose: int = requests.LINK, nick: str = "") -> None:
        """Make a one-time code valid: for another device of this user (LINK), for the user of a nick (RESET), or for
        somebody new, under this nick or any (INVITE). A `CodeMade` shows it, once.
        """
        self.ask(now, self._chat.requests.answers.order.make_code(self._random(CODE_BYTES), purpose, nick))

    @property
    def timeline(self) -> Timeline:
        """What the replicas hold, to be read only."""
        return self._chat.timeline

    def mark_read(self, now: float, target: str) -> None:
        """The user has seen all of a room or of the conversation with `@nick`; their other devices learn it."""
        if (sequence := self.model.mark_read(target)) is not None:
            self._chat.timeline.mark_read(now, target, sequence)

    def notify_typing(self, now: float, target: str) -> None:
        """The user has typed something for a room or `@nick`; call it with each key, others see it for some seconds."""
        log = self._chat.timeline.log_of(target)
        if log is not None and self.is_entered and (notice := self._chat.typing.notify(now, log)) is not None:
            self._urgent.append(notice)
            self._flush(now)

    def restore(self, entries: Iterable[requests.LogEntry]) -> None:
        """Entries from the disk, of which the model shows the messages. Call it before the first drain."""
        self.model.apply(self._chat.timeline.told.retell(entries))

    def move(self, now: float, address: Address, server: str, round_trip_s: float) -> None:
        """The server that is lost has shown its key at another address, `server` as people write it: go on there."""
        if self._link.move(now, address, round_trip_s):
            self._chat.on_moved(server)
            self._flush(now)

    def quit(self, now: float) -> None:
        """Send a Goodbye until it is answered; `is_over` is set soon in any case, at once if we had not entered."""
        self._chat.send_marks()
        self._chat.membership.leave(now)
        self._after_link(now)
        self._flush(now)

    # --- In ----------

    def receive(self, now: float, datagrams: Sequence[tuple[bytes, Address]]) -> None:
        """Process a batch of datagrams, then do what is due. Invalid ones are counted, all after `is_over` ignored."""
        for datagram, _ in () if self.is_over else datagrams:
            try:
                self._receive_untrusted(now, datagram)
            except BadDatagram as drop:
                self.counters[drop.reason] += 1
        self.handle_timeout(now)

    def _receive_untrusted(self, now: float, datagram: bytes) -> None:
        if datagram[:1] == GROUP_KIND:
            return self._groups.receive_untrusted(now, datagram, self._chat.receive_entries)
        received, counter = self._link.receive_untrusted(now, datagram)
        self._after_link(now)
        is_taken = True
        for frame in received:
            if counter is None and self.is_entered and isinstance(frame, frames.Result | frames.ResultFragment):
                continue  # of a former session, maybe of a log that is gone: its request is repeated in this one
            is_taken = self._on_frame(now, frame, -1 if counter is None else counter) and is_taken
        if counter is not None and is_taken:
            self._uplink.on_packet(now, counter)

    def _on_frame(self, now: float, frame: Down, counter: int) -> bool:
        """Process one frame of the packet `counter`; False if its content was not accepted and must be sent again."""
        check_frame_untrusted(frame)
        match frame:
            case frames.Entries() | frames.EntryFragment():
                return self._chat.receive_entries(now, frame)
            case frames.GroupKey():
                self._groups.receive_key(now, frame)
            case frames.PathCheck():
                self._urgent += self._link.answer_check(now, frame.token)
            case frames.Goodbye() if self._chat.membership.is_leaving:
                self._chat.membership.is_over = True
            case frames.Goodbye() if not self.is_over:
                self._chat.on_goodbye(frame.reason)
                self._link.on_goodbye(now, frame.reason)
            case frames.Pong():
                if (sample_s := self._link.on_pong(now, frame)) is not None:
                    self._chat.requests.outbox.change_path(sample_s)
            case _:
                if isinstance(frame, frames.Welcome):
                    self._link.set_heartbeat(now, frame.heartbeat_ms / 1000)
                self._chat.receive(now, frame, counter)
        return True

    # --- Time ----------

    def handle_timeout(self, now: float) -> None:
        """Repeat overdue requests, send due acks, and send a Ping after silence."""
        self._link.handle_timeout(now)
        self._after_link(now)
        if self.is_entered:
            self._chat.handle_timeout(now)
        self._flush(now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""
        if self.is_over:
            return None
        timeouts = [self._link.next_timeout()]
        if self._link.session is not None:
            timeouts += [self._chat.membership.next_timeout(), self._uplink.next_timeout()]
            if self.is_entered:
                timeouts.append(self._chat.next_timeout())
        return earliest(*timeouts)

    def _after_link(self, now: float) -> None:
        """Process what changed in the link: a refused key, a loss, a new session, an answer after a loss."""
        for event in self._link.drain_events():
            match event:
                case KeyRefused(keys):
                    self._chat.on_keys_refused(keys)
                case LinkLost(reason):
                    self._chat.on_lost(reason)
                case LinkRenewed(round_trip_s):
                    assert self._link.session is not None
                    self._groups.reset()
                    self._chat.begin_session(now, self._link.session.remote_static, round_trip_s)
        if self._chat.membership.is_leaving and self._link.session is None:
            self._chat.membership.is_over = True  # no Goodbye is needed
        if self.is_entered:
            self._chat.on_found()

    # --- Durability ----------

    def drain_writes(self) -> list[Write]:
        """What is to be written as one batch; then call `persisted` or `rejected`."""
        return self._chat.drain_writes()

    def persisted(self, now: float, count: int) -> None:
        """The `count` oldest writes drained are on the disk: their requests may be sent."""
        self._chat.persisted(now, count)
        self._flush(now)

    def rejected(self, now: float, reason: str) -> None:
        """Nothing drained could be written. Requests without a label are sent anyway; an event informs the user."""
        self._chat.rejected(now, reason)
        self._flush(now)

    # --- Out ----------

    def _flush(self, now: float) -> None:
        """Seal the frames that are due into packets."""
        link, chat = self._link, self._chat
        if link.session is None or self.is_over:
            return
        due, self._urgent = self._urgent, []
        asking = chat.membership.drain_frames(now, renamed_by=chat.requests.renamed_by, login=chat.admission.login)
        if self.is_entered:
            asking += chat.requests.outbox.drain_frames(now)
            due += chat.receipts.drain_frames(now)
        asking += link.drain_pings(now)
        due += asking
        acks = self._uplink.drain_acks(now, is_sending=bool(due))
        due += self._groups.drain_ready() if acks or due else []
        link.send(now, acks + due, is_asking=bool(asking))

    def drain_transmits(self) -> list[tuple[bytes, Address]]:
        """Datagrams to be sent, in order."""
        return self._link.drain_transmits()

    def drain_events(self) -> list[events.ClientEvent]:
        """What happened, in order; `model` shows the result. Changes of messages that it does not hold are left out."""
        return self.model.apply(self._chat.drain_events())
