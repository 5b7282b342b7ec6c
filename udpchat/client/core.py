"""The client's core: what a person types in, datagrams and writes out, events back (SPEC 6.3, 6.4). Pure.

Each mutation, `receive`, `handle_timeout`, `persisted`, `rejected` or a verb, is followed by `drain_writes`,
`drain_transmits` and `drain_events`. A request is asked only once it is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from udpchat.chat import events
from udpchat.chat.ids import ROOM_PREFIX
from udpchat.chat.text import clean_text, fits, kept_text
from udpchat.client.history import Recalled
from udpchat.client.link import KeyRefused, Link, LinkLost, LinkRenewed, LinkSettings
from udpchat.client.membership import Membership
from udpchat.client.own_messages import Said
from udpchat.client.profile import Profile
from udpchat.client.requests import Requests, Source
from udpchat.client.stored import ClientState, Write
from udpchat.client.timeline import Timeline
from udpchat.session.noise import fingerprint
from udpchat.session.timers import earliest
from udpchat.sync.uplink import Uplink
from udpchat.wire import content, frames, requests
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import Down, encode
from udpchat.wire.limits import AWAY_BYTES_MAX, TEXT_BYTES_MAX, TOPIC_BYTES_MAX
from udpchat.wire.packets import Address

FINAL_REFUSALS = frozenset({"nick_taken", "bad_nick", "too_many_nicks", "too_many_devices", "banned"})


class LocalError(Exception):
    """What the person asked cannot be done; the text says why, and `code` does for programs."""

    def __init__(self, text: str, code: str = "refused") -> None:
        super().__init__(text)
        self.code = code


class ClientCore:
    """One person at one device, at one server."""

    def __init__(
        self, now: float, *, profile: Profile, saved: ClientState, address: Address, random: Callable[[int], bytes]
    ) -> None:
        self._profile = profile
        self._events: list[events.ClientEvent] = []
        self._link = Link(now, LinkSettings(profile.static, saved.instance, address, self._is_approved, random))
        self._uplink = Uplink(random)
        self._timeline = Timeline(self._uplink, profile=profile, saved=saved)
        self._requests = Requests(saved, self._timeline)
        self._urgent: list[bytes] = []  # frames for the next packet
        self._membership = Membership(
            profile.nick, profile.rooms, profile.agent, is_returning=profile.is_returning
        )
        self._rooms_kept = saved.rooms  # as they stand on the disk
        self._has_connected = False
        self.is_lost = False  # the server was there and is not: what is asked waits
        self._kept = ""  # how long the server keeps what is said, for people
        for room in profile.rooms:
            self._timeline.want(room)

    def _is_approved(self, key: bytes) -> bool:
        return not self._profile.check_server(key)

    # --- What the person wants ----------

    @property
    def nick(self) -> str:
        """The nick that the server knows this client by, or is asked for."""
        return self._membership.nick

    @property
    def server(self) -> str:
        """The server's address, as `Connected` has it."""
        return self._profile.server

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms that this client is in or wants to be in."""
        return self._membership.rooms

    @property
    def is_entered(self) -> bool:
        """Whether the server has let this client in, in the session of the moment."""
        return self._membership.is_welcome and not self._link.is_lost

    @property
    def is_over(self) -> bool:
        """Whether this client has taken its leave, or may not enter."""
        return self._membership.is_over

    @property
    def has_session(self) -> bool:
        """Whether the server has ever answered this client with its key."""
        return self._link.session is not None or self._has_connected

    @property
    def version_mismatch(self) -> int | None:
        """The protocol version that the server claims to speak, if it is not ours."""
        return self._link.version_mismatch

    def unconfirmed(self) -> list[str]:
        """What was said and is not known to be in its log."""
        return [said.text for said in self._timeline.own.unconfirmed()]

    def said_unconfirmed(self) -> list[Said]:
        """The same with where it was said, and the line of the input that it comes from."""
        return self._timeline.own.unconfirmed()

    def lines_unanswered(self) -> list[int]:
        """Lines of the input that asked for something and have no answer yet."""
        return self._requests.lines_unanswered()

    def on_behalf_of(self, source: Source) -> AbstractContextManager[None]:
        """What is asked inside comes from this line of the input, which errors name."""
        return self._requests.on_behalf_of(source)

    @property
    def is_idle(self) -> bool:
        """Whether we are in, everything asked is answered, everything said confirmed, and all that is shown is here."""
        is_here = self._has_connected and self._membership.is_complete and not self._timeline.awaits_shown()
        return is_here and self._requests.is_idle and not self._timeline.own.unconfirmed()

    def say(self, now: float, room: str, text: str, is_action: bool = False) -> None:
        """Say something in a room. LocalError if it is empty or too long."""
        self._requests.ask(requests.Say(room, int(is_action), _checked(text)))
        self._flush(now)

    def tell(self, now: float, nick: str, text: str, is_action: bool = False) -> None:
        """Tell a person something. LocalError if it is empty or too long."""
        self._requests.ask(requests.Tell(nick, int(is_action), _checked(text)))
        self._flush(now)

    def join(self, now: float, room: str) -> None:
        """Be in a room."""
        if self._membership.want(now, room, line=self._requests.line):
            self._timeline.want(room)
        self._flush(now)

    def part(self, now: float, room: str) -> None:
        """Be in a room no longer."""
        if not self._membership.drop(room):
            raise LocalError(f"you are not in {room}", "not_in_room")
        self.ask(now, requests.Part(room))

    def ask(self, now: float, request: requests.RequestBody, here: Recalled | None = None) -> None:
        """Send a request; `here` is what the replicas hold of the past that it asks for. See the events."""
        self._requests.ask(request, here=here)
        self._flush(now)

    def rename(self, now: float, nick: str) -> None:
        """Change the nick."""
        self.ask(now, requests.Rename(nick))

    def set_away(self, now: float, reason: str) -> None:
        """Be away for a reason; empty: be back. LocalError if it is too long."""
        self.ask(now, requests.SetAway(_bounded(reason, AWAY_BYTES_MAX, "reason")))

    def whois(self, now: float, nick: str) -> None:
        """Ask who has a nick."""
        self.ask(now, requests.Whois(nick))

    def list_members(self, now: float, room: str) -> None:
        """Ask who is in a room."""
        self.ask(now, requests.ListMembers(room, ""))

    def list_rooms(self, now: float) -> None:
        """Ask which rooms there are."""
        self.ask(now, requests.ListRooms(""))

    def get_topic(self, now: float, room: str) -> None:
        """Ask for the topic of a room."""
        self.ask(now, requests.GetTopic(room))

    def set_topic(self, now: float, room: str, topic: str) -> None:
        """Set the topic of a room; empty: none. LocalError if it is too long."""
        self.ask(now, requests.SetTopic(room, _bounded(topic, TOPIC_BYTES_MAX, "topic")))

    def log_of(self, target: str) -> str | None:
        """The log of a room, or of the conversation with `@nick` as far as one is known."""
        return self._timeline.log_of(target)

    @property
    def timeline(self) -> Timeline:
        """What is here of the logs, to be read only."""
        return self._timeline

    def recall(self, items: list[tuple[str, int, bytes]]) -> list[events.MessageReceived]:
        """(log, sequence, entry) from the disk, as messages."""
        return self._timeline.recall(requests.LogEntry(*item) for item in items)

    def ignore(self, nick: str) -> bool:
        """Show nothing that this person says, by whatever nick; False if that is so already."""
        return self._timeline.people.ignore(nick)

    def unignore(self, nick: str) -> bool:
        """Show again what this person says; False if it was shown."""
        return self._timeline.people.unignore(nick)

    def ignored(self) -> list[str]:
        """Nicks that are ignored."""
        return self._timeline.people.ignored()

    def quit(self, now: float) -> None:
        """Say goodbye; `is_over` once it is answered, or soon."""
        self._membership.leave(now)
        self._after_link(now)
        self._flush(now)

    # --- In ----------

    def receive(self, now: float, datagrams: Sequence[tuple[bytes, Address]]) -> None:
        """A batch of datagrams; what is wrong with one changes nothing, and nothing does once all is over."""
        for datagram, _ in () if self.is_over else datagrams:
            try:
                self._receive_untrusted(now, datagram)
            except BadDatagram:
                continue
        self._after_link(now)
        self._flush(now)

    def _receive_untrusted(self, now: float, datagram: bytes) -> None:
        received, counter = self._link.receive_untrusted(now, datagram)
        self._after_link(now)
        is_taken = True
        for frame in received:
            is_taken = self._on_frame(now, frame) and is_taken
        if counter is not None and is_taken:
            self._uplink.on_packet(now, counter)

    def _on_frame(self, now: float, frame: Down) -> bool:
        """One frame; False if its content could not be taken and must come again."""
        match frame:
            case frames.Entries():
                is_taken = self._uplink.receive_entries(now, frame)
                self._timeline.take_in()
                return is_taken
            case frames.EntryFragment():
                is_taken = self._uplink.receive_fragment(now, frame)
                self._timeline.take_in()
                return is_taken
            case frames.Heads():
                self._on_heads(now, frame)
            case frames.Result():
                self._on_result(now, frame)
            case frames.ResultFragment():
                self._events += self._requests.on_fragment(now, frame)
                self._on_answered(now)
            case frames.Welcome():
                self._on_welcome(now, frame)
            case frames.Refused():
                self._on_refused(now, frame)
            case frames.PathCheck():
                # The only sign here that our address has changed. The path may be another one, so it is measured;
                # the Ping goes first, for a reply that comes late voids what is behind it.
                self._urgent += [self._link.probe(now), encode(frames.PathReply(frame.token))]
            case frames.Goodbye():
                self._on_goodbye(now, frame)
            case frames.Pong():
                if (sample_s := self._link.on_pong(now, frame)) is not None:
                    self._requests.outbox.change_path(sample_s)
        return True

    def _on_heads(self, now: float, frame: frames.Heads) -> None:
        is_awaited = False  # the server waits to hear what is held of a log that is new here
        for head in frame.heads:
            room = head.log[1:]
            is_awaited = is_awaited or head.log not in self._uplink
            is_first = not self._timeline.follows(room)
            is_taken = self._timeline.on_head(head)
            if is_taken and head.log.startswith(ROOM_PREFIX) and self._membership.on_followed(room) and is_first:
                self._on_joined(room)
            elif not is_taken and self._membership.is_stray(head.log):
                self._requests.ask(requests.Part(room))
        self._uplink.on_heads(now, 0.0 if is_awaited else frame.ack_delay_ms / 1000)
        self._report_connected()

    def _on_joined(self, room: str) -> None:
        self._requests.ask(requests.GetTopic(room), is_quiet=True)
        if self._has_connected:
            self._events += [events.MemberJoined(room, self.nick), self._kept_in(room)]

    def _on_welcome(self, now: float, frame: frames.Welcome) -> None:
        if not self._membership.is_welcome:  # a copy that comes late knows the nick of then
            self._membership.nick = frame.nick
        self._timeline.people.me = frame.user
        self._link.set_heartbeat(now, frame.heartbeat_ms / 1000)
        self._membership.is_welcome = True
        self._membership.server_capabilities = frozenset(frame.capabilities)
        self._kept = kept_text(frame.kept_s, frame.kept_entries)
        self._report_reconnected()
        self._report_connected()

    def _report_reconnected(self) -> None:
        if self.is_lost and self.is_entered:
            self.is_lost = False
            self._events.append(events.Reconnected("the server is there again"))

    def _report_connected(self) -> None:
        """Once, when the server has let us in and answered for each room that was asked for."""
        if self._has_connected or (session := self._link.session) is None or not self._membership.is_complete:
            return
        self._has_connected = True
        key = fingerprint(session.remote_static)
        self._events.append(events.Connected(self._profile.server, key, self.nick, self.rooms))
        if self.rooms:
            self._events.append(self._kept_in(", ".join(self.rooms)))
        if resumed := self._requests.resumed:
            lines, are = ("line", "was") if resumed == 1 else ("lines", "were")
            text = f"{resumed} {lines} of an earlier run {are} not confirmed; now sent again (--discard drops them)"
            self._events.append(events.Notice("outbox", text))

    def _kept_in(self, rooms: str) -> events.Notice:
        return events.Notice("kept", f"what is said in {rooms} {self._kept}")

    def _on_refused(self, now: float, frame: frames.Refused) -> None:
        if frame.log:
            room = frame.log[1:]
            wish = self._membership.wish(room)
            self._membership.drop(room)
            self._timeline.drop(room)
            if wish.is_returning:
                self._events.append(events.Notice(frame.code, f"{room} cannot be joined again: {frame.text}"))
            else:
                self._events.append(events.Error(frame.code, frame.text, wish.line))
            self._report_connected()
        elif frame.code == "unwritable":
            self._events += self._requests.on_unwritable(now, frame.text)
        elif frame.code in FINAL_REFUSALS:
            self._reject(frame.code, frame.text)

    def _reject(self, code: str, text: str) -> None:
        """The end, and why."""
        if not self.is_over:
            self._events.append(events.Rejected(code, text))
        self._membership.is_over = True

    def _on_goodbye(self, now: float, frame: frames.Goodbye) -> None:
        if self._membership.is_leaving:
            self._membership.is_over = True
        elif not self.is_over:
            self._link.on_goodbye(now, frame.reason)

    def _on_result(self, now: float, frame: frames.Result) -> None:
        self._events += self._requests.on_result(now, frame)
        self._on_answered(now)

    def _on_answered(self, now: float) -> None:
        """What an answer changes in what is wanted."""
        self._membership.nick = self._requests.answers.take_renamed() or self._membership.nick
        for room in self._requests.answers.drain_parted():
            self._on_parted(now, room)

    def _on_parted(self, now: float, room: str) -> None:
        if self._membership.on_left(now, room) and self._timeline.drop(room):
            self._events.append(events.MemberLeft(room, self.nick, content.Reason.PARTED))

    # --- Time ----------

    def handle_timeout(self, now: float) -> None:
        """Ask again what is overdue, acknowledge what is due, give a sign of life."""
        self._link.handle_timeout(now)
        self._after_link(now)
        self._flush(now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""
        if self.is_over:
            return None
        timeouts = [self._link.next_timeout()]
        if self._link.session is not None:
            timeouts += [self._membership.next_timeout(), self._uplink.next_timeout()]
            if self.is_entered:
                timeouts.append(self._requests.outbox.next_timeout())
        return earliest(*timeouts)

    def _after_link(self, now: float) -> None:
        """What changed in the link: a refused key, a loss, a new session."""
        for event in self._link.drain_events():
            match event:
                case KeyRefused(key):
                    self._reject("server_key", self._profile.check_server(key))
                case LinkLost(reason):
                    self._on_lost(reason or "the server does not answer")
                case LinkRenewed(round_trip_s):
                    self._membership.renew(now)
                    self._uplink.on_session(now)
                    self._requests.outbox.restart(now)
                    self._requests.outbox.seed_round_trip(round_trip_s)
        if self._membership.is_leaving and self._link.is_forgotten:
            self._membership.is_over = True  # nobody is there to take leave of
        self._report_reconnected()

    def _on_lost(self, reason: str) -> None:
        if self._has_connected and not self.is_lost:
            self.is_lost = True
            self._events += [events.Disconnected(reason), *self._requests.on_lost()]

    # --- Durability ----------

    def drain_writes(self) -> list[Write]:
        """What is to be written as one batch; then say `persisted` or `rejected`."""
        if self._has_connected and self.rooms != self._rooms_kept:
            self._rooms_kept = self.rooms
            self._requests.keep_rooms(self.rooms)
        return self._requests.drain_writes(is_shown=self._has_connected)

    def persisted(self, now: float, count: int) -> None:
        """The `count` oldest writes drained are on the disk: what was asked may be sent."""
        self._events += self._requests.persisted(now, count)
        self._flush(now)

    def rejected(self, now: float, reason: str) -> None:
        """Nothing drained could be written. It is sent all the same, and the person knows what that means."""
        self._events += self._requests.rejected(now, reason)
        self._flush(now)

    # --- Out ----------

    def _flush(self, now: float) -> None:
        """Seal what is due."""
        link = self._link
        if link.session is None or self.is_over:
            return
        due, self._urgent = self._urgent, []
        asking = self._membership.drain_frames(now)
        if self.is_entered:
            asking += self._requests.outbox.drain_frames(now)
        asking += link.drain_pings()
        due += asking
        acks = self._uplink.drain_acks(now, is_sending=bool(due))
        link.send(now, acks + due, is_asking=bool(asking))

    def drain_transmits(self) -> list[tuple[bytes, Address]]:
        """Datagrams to be sent, in order."""
        return self._link.drain_transmits()

    def drain_events(self) -> list[events.ClientEvent]:
        """What happened, in order."""
        drained, self._events = self._events, []
        if self._has_connected:  # not a message before it is told where we are
            drained += self._timeline.drain_events()
        return drained


def _checked(text: str) -> str:
    cleaned = clean_text(text)
    if cleaned is None:
        raise LocalError("there is nothing to send", "empty")
    return _bounded(cleaned, TEXT_BYTES_MAX, "message")


def _bounded(text: str, bytes_max: int, noun: str) -> str:
    """The text. LocalError if it has more than `bytes_max` bytes in UTF-8."""
    if fits(text, bytes_max):
        return text
    size = len(text.encode("utf-8", "surrogatepass"))
    raise LocalError(f"not sent: a {noun} has at most {bytes_max} bytes, this one {size}", "too_long")
