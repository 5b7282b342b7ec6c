"""The rooms, requests and replicas of this client: everything above its packets (SPEC 6.3, 6.4). Pure.

The core receives and sends. Here each frame of the server changes the membership, the timeline and the requests, and
becomes events. This module does not use sessions; the core only reports when a new one begins.
"""

from __future__ import annotations

from collections.abc import Sequence

from udpchat.chat import events
from udpchat.chat.ids import ROOM_PREFIX
from udpchat.chat.names import is_nick, nick_key
from udpchat.chat.phrase import Phrase
from udpchat.chat.refusals import refusal
from udpchat.client import compose
from udpchat.client.entering import EnterAnswers
from udpchat.client.login import Login
from udpchat.client.membership import Membership
from udpchat.client.order_entry_events import ban_event, removal_event
from udpchat.client.own_requests import Requests
from udpchat.client.profile import Profile
from udpchat.client.receipts import Receipts
from udpchat.client.stored import AccountKnown, ClientState, RoomsChanged, Write
from udpchat.client.timeline import Timeline
from udpchat.client.typing import TypingNotices
from udpchat.session.timers import earliest
from udpchat.sync.uplink import Uplink
from udpchat.wire import content, frames, requests
from udpchat.wire.errors import BadDatagram, Drop

SANCTIONS = frozenset({"kicked", "banned"})
REMOVALS = SANCTIONS | {"not_allowed"}  # refusals that end a membership


class Participant:
    """One user at one device, connected to one server."""

    def __init__(self, profile: Profile, saved: ClientState, uplink: Uplink, login: Login | None = None) -> None:
        self.profile = profile
        self.timeline = Timeline(uplink, profile=profile, saved=saved)
        self.requests = Requests(saved, self.timeline)
        self.membership = Membership(profile.nick, profile.rooms, profile.agent, is_returning=profile.is_returning)
        self.admission = EnterAnswers(profile, self.membership, login)
        self.typing = TypingNotices()
        self.receipts = Receipts()
        self._rooms_saved = saved.rooms  # as last added to the writes
        self._events: list[events.ClientEvent] = []
        for room in profile.rooms:
            self.timeline.want(room)

    @property
    def is_idle(self) -> bool:
        is_here = self.has_connected and self.membership.is_complete and not self.timeline.awaits_shown()
        return is_here and self.requests.is_idle and not self.timeline.own.unconfirmed()

    @property
    def has_connected(self) -> bool:
        """Whether the server has accepted our Enter and answered each Follow, once."""
        return self.admission.has_connected

    # --- The server's presence ----------

    def begin_session(self, now: float, server_key: bytes, round_trip_s: float | None) -> None:
        """A new session is in use: Enter, Follows, acks and open requests are sent again in it."""
        self.admission.begin_session(server_key)
        self.membership.renew(now)
        self.timeline.uplink.on_session(now)
        self.requests.outbox.restart(now)
        self.requests.outbox.seed_round_trip(round_trip_s)

    def on_lost(self, reason: str) -> None:
        """The server no longer answers, or has sent a Goodbye with this reason."""
        if lost := self.admission.on_lost(reason):
            self._events += [*lost, *self.requests.on_lost()]

    def on_goodbye(self, reason: str) -> None:
        """The server has ended the session. Who was kicked comes back only if the person wants it."""
        if reason == content.Reason.KICKED:
            self._events += self.admission.reject(Phrase("kicked.server"))

    def on_found(self) -> None:
        """The server answers, and has accepted our Enter."""
        self._events += self.admission.on_found()

    def on_keys_refused(self, keys: Sequence[bytes]) -> None:
        """The server's key is not approved, or several servers answered."""
        self._events += self.admission.on_keys_refused(keys)

    def prove(self, now: float, secret: str, *, is_code: bool) -> None:
        """The person who was asked for a secret has given one, or none."""
        self._events += self.admission.prove(now, secret, is_code=is_code)

    # --- Frames ----------

    def receive(self, now: float, frame: frames.Down, counter: int) -> None:
        """A frame that is not about the session or its entries, in the packet `counter`."""
        match frame:
            case frames.Welcome():
                self.on_welcome(frame)
            case frames.EnterRefused():
                self._events += self.admission.on_refused(now, frame)
            case frames.Heads():
                self.on_heads(now, frame, counter)
            case frames.FollowRefused():
                self.on_follow_refused(frame, counter)
            case frames.Result() | frames.ResultFragment():
                self.on_result(now, frame, counter)
            case frames.Unwritable(reason):
                self._events += self.requests.delays.on_unwritable(now, reason)
            case frames.Hold(wait_ms):
                self._events += self.requests.delays.on_held(now, wait_ms / 1000)
            case frames.UserTyping(log, nick) if (room := self.timeline.room_of(log)) is not None:
                self._events += self.typing.receive(now, room, nick)
            case frames.Receipt():
                self._events += self.receipts.receive(now, frame)

    def on_welcome(self, frame: frames.Welcome) -> None:
        """The server has accepted our Enter.

        The nick may be another than requested: an earlier run changed it, and the server still has us from then.
        """
        if not self.membership.is_welcome:  # a late copy carries an outdated nick
            if nick_key(frame.nick) != nick_key(self.membership.nick) and not is_nick(frame.nick):
                raise BadDatagram(Drop.IMPOSSIBLE)
            self._events += self.requests.on_latest(frame.latest_counter)
            if self.timeline.identify(frame.standing.account):
                self.requests.keep(AccountKnown(self.timeline.inbox.joined))
            self.membership.nick = self.timeline.people.nick = frame.nick
            self.timeline.people.standings.role = frame.standing.role
            self.timeline.await_private()
        self._events += self.admission.on_welcome(frame)
        self.timeline.logs.has_order = self.admission.has_order
        self._ask_what_holds()
        self._report_connected()

    def on_heads(self, now: float, frame: frames.Heads, counter: int) -> None:
        """How far logs reach, in the packet `counter`. If one is of a room that is not wanted, send a Part for it."""
        is_awaited = False  # the server waits for the cursor of a log that is new here
        for head in frame.heads:
            room = head.log[1:]
            is_awaited = is_awaited or head.log not in self.timeline.uplink
            is_first = not self.timeline.follows(room)
            if self.timeline.is_change(head) and not self.timeline.logs.may_change(now):
                raise BadDatagram(Drop.RATE_LIMITED)
            is_taken = self.timeline.on_head(head)
            if is_taken and head.log.startswith(ROOM_PREFIX):
                if self.membership.on_followed(room, counter) and is_first:
                    self._on_joined(room)
            elif not is_taken and self.membership.is_stray(head.log):
                self.requests.ask(requests.Part(room))
        self.timeline.uplink.on_heads(now, 0.0 if is_awaited else frame.ack_delay_ms / 1000)
        self._leave_removed()
        self._ask_what_holds()
        self._report_connected()

    def receive_entries(self, now: float, frame: frames.Entries | frames.EntryFragment) -> bool:
        """Entries of a log; False if they were not accepted and must be sent again."""
        if self.timeline.is_full:
            return False
        is_taken = self.timeline.uplink.receive_entries(now, frame)
        self.timeline.take_in()
        self._ask_what_holds()
        self._leave_removed()
        return is_taken

    def _ask_what_holds(self) -> None:
        """Request modes and role in rooms whose roster has just begun, and roles of others that are not known."""
        if self.membership.is_welcome and self.admission.has_order:
            for room, nick in self.timeline.people.drain_unknown():
                self.requests.ask(compose.get_member(room, nick) if nick else compose.get_modes(room), is_quiet=True)

    def _leave_removed(self) -> None:
        """Rosters report that this user was removed from rooms. A Part ends what is still sent of them."""
        for left in self.timeline.people.drain_removals():
            if self._remove(left):
                self.requests.ask(requests.Part(left.room), is_quiet=True)

    def _remove(self, left: events.MemberLeft) -> bool:
        """We are not in a room any more, and do not come back by ourselves, also not in the next run."""
        if not self.membership.drop(left.room):
            return False
        self.timeline.drop(left.room)
        self.timeline.report(left)
        return True

    def _on_joined(self, room: str) -> None:
        self.requests.ask(requests.GetTopic(room), is_quiet=True)
        if self.has_connected:
            self._events += [events.MemberJoined(room, self.membership.nick), self.admission.kept_in((room,))]

    def _report_connected(self) -> None:
        self._events += self.admission.connected(self.requests.resumed)

    def on_follow_refused(self, frame: frames.FollowRefused, counter: int) -> None:
        """The server refuses a Follow, or has removed us from a room, in the packet `counter`."""
        room, reason = frame.log.removeprefix(ROOM_PREFIX), refusal(frame.code, frame.detail)
        wish = self.membership.wish(room)
        is_removal = counter > wish.followed_at if wish.is_followed else wish.was_followed  # while we were away
        if is_removal and reason.code in (REMOVALS if wish.is_followed else SANCTIONS):
            if reason.code == "banned":
                self.timeline.report(ban_event(room, self.membership.nick, reason))
            self._remove(removal_event(room, self.membership.nick, reason))
            return self._report_connected()
        if not self.membership.awaits(room) or reason.code == "kicked":
            return  # late, or never requested
        self.membership.drop(room)
        self.timeline.drop(room)
        if wish.is_returning:
            self._events.append(events.notice(f"{reason.code}.not_rejoined", room=room, reason=reason))
        else:
            self._events.append(events.Error(reason.key, reason.values, wish.line))
        self._report_connected()

    def on_result(self, now: float, frame: frames.Result | frames.ResultFragment, counter: int) -> None:
        """A result or a fragment of one, in the packet `counter`; a Rename or Part that is done changes membership."""
        if isinstance(frame, frames.Result):
            self._events += self.requests.on_result(now, frame)
        else:
            self._events += self.requests.on_fragment(now, frame)
        self.membership.nick = self.requests.answers.take_renamed() or self.membership.nick
        self.timeline.people.nick = self.membership.nick
        for room in self.requests.answers.drain_parted():
            if self.membership.on_left(now, room, counter) and self.timeline.drop(room):
                self._events.append(events.MemberLeft(room, self.membership.nick, content.Reason.PARTED))

    # --- Time ----------

    def next_timeout(self) -> float | None:
        """When a request, a read mark, the end of a notice or a request for a receipt is due; while we have entered."""
        parts = (self.requests.outbox, self.timeline.marks, self.typing, self.receipts)
        return earliest(*(part.next_timeout() for part in parts))

    def handle_timeout(self, now: float) -> None:
        """Request what is due, and end what is over."""
        due = self.timeline.marks.next_timeout()
        if due is not None and now >= due:
            self.send_marks()
        self._events += self.typing.handle_timeout(now)

    def send_marks(self) -> None:
        """Request that the read marks be stored."""
        for mark in self.timeline.marks.drain():
            self.requests.ask(mark, is_quiet=True)

    # --- Durability ----------

    def drain_writes(self) -> list[Write]:
        """What is to be written as one batch; with the rooms, if they changed."""
        rooms = self.membership.rooms
        if self.has_connected and rooms != self._rooms_saved:
            self._rooms_saved = rooms
            self.requests.keep(RoomsChanged(rooms))
        return self.requests.drain_writes(is_shown=self.has_connected)

    def persisted(self, now: float, count: int) -> None:
        self._events += self.requests.persisted(now, count)

    def rejected(self, now: float, reason: str) -> None:
        self._events += self.requests.rejected(now, reason)

    def drain_events(self) -> list[events.ClientEvent]:
        """What happened; events of the timeline come last, and only after `Connected`."""
        drained, self._events = self._events, []
        if self.has_connected:
            for event in self.timeline.drain_events():
                drained.append(event)
                drained += self._follow_up(event)
        return drained

    def _follow_up(self, event: events.ClientEvent) -> Sequence[events.ClientEvent]:
        """Who has sent a message types no longer. Of one's own messages, receipts are requested if they are wanted."""
        match event:
            case events.MessageReceived(room=room, nick=nick) | events.MemberLeft(room, nick):
                return self.typing.end(room, nick)
            case events.MessageSent(room, sequence, identity) if self.profile.wants_receipts:
                if (log := self.timeline.log_of(room)) is not None:
                    self.receipts.on_sent(log, room, sequence, identity)
        return ()
