"""The client's core: what a person types in, datagrams and writes out, events back (SPEC 6.3, 6.4). Pure.

Each mutation, `receive`, `handle_timeout`, `persisted`, `rejected` or a verb, is followed by `drain_writes`,
`drain_transmits` and `drain_events`. A request is asked only once it is written down.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from udpchat.chat import events
from udpchat.chat.answers import Answers
from udpchat.chat.link import Link
from udpchat.chat.message import ROOM_PREFIX, message_id
from udpchat.chat.names import nick_key
from udpchat.chat.text import clean_text, fits
from udpchat.chat.transcript import Said, Transcript
from udpchat.chat.writes import Answered, Asked, Saved, Write
from udpchat.session.handshake import KeyPair, fingerprint
from udpchat.sync.requests import Outbox
from udpchat.wire import bodies, frames
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import Down, encode, parse_request_untrusted
from udpchat.wire.limits import ACK_LOGS_MAX, BODY_BYTES_MAX, FRAMES_MAX, TEXT_BYTES_MAX
from udpchat.wire.packets import Address

ENTER_RESEND_S = 0.05  # grows by half up to ENTER_RESEND_S_MAX
ENTER_RESEND_S_MAX = 1.0
GOODBYE_RESEND_S = 0.06
GOODBYES_MAX = 6
UNWRITABLE_RETRY_S = 2.0
PACK_BYTES_MAX = BODY_BYTES_MAX - 3
FINAL_REFUSALS = frozenset({"nick_taken", "bad_nick", "too_many_nicks", "banned"})


class LocalError(Exception):
    """What the person asked cannot be done; the text says why."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Who this client is and what it wants; `check_server` yields why a server's key is not approved, or nothing."""

    static: KeyPair
    nick: str
    rooms: tuple[str, ...]
    server: str
    check_server: Callable[[bytes], str]
    history: int = 0
    agent: str = ""


class Client:
    """One person at one device, at one server."""

    def __init__(
        self, now: float, *, profile: Profile, saved: Saved, address: Address, random: Callable[[int], bytes]
    ) -> None:
        self._profile = profile
        self._instance = saved.instance
        self._random = random
        self._events: list[events.ClientEvent] = []
        self._why_not = ""
        self._link = Link(
            now,
            static=profile.static,
            instance=saved.instance,
            check_server=self._check_server,
            address=address,
            random=random,
        )
        unanswered = [(counter, body) for counter, body in saved.unanswered if _is_said(body)]
        self._outbox = Outbox(saved.next_counter, unanswered)
        self._transcript = Transcript(history=profile.history, saved=dict(saved.replicas))
        self._answers = Answers(self._ask)
        self._writing: deque[Write] = deque()
        self._undrained: list[Write] = []
        self._urgent: list[bytes] = []  # frames for the next packet
        self._desired: dict[str, bool] = dict.fromkeys(profile.rooms, False)  # room -> followed in this session
        self._nick = profile.nick
        self._is_welcome = False  # in this session
        self._has_connected = False
        self._was_lost = False
        self._enter_due: float | None = None
        self._enter_wait_s = ENTER_RESEND_S
        self._goodbye_due: float | None = None
        self._goodbyes = 0
        self.is_over = False
        for room in profile.rooms:
            self._transcript.want(room)
        for counter, body in unanswered:
            self._remember_said(counter, parse_request_untrusted(body))

    def _check_server(self, key: bytes) -> bool:
        self._why_not = self._profile.check_server(key)
        return not self._why_not

    # --- What the person wants ----------

    @property
    def nick(self) -> str:
        """The nick that the server knows this client by, or is asked for."""
        return self._nick

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms that this client is in or wants to be in."""
        return tuple(self._desired)

    @property
    def is_entered(self) -> bool:
        """Whether the server has let this client in, in the session of the moment."""
        return self._is_welcome and not self._link.is_lost

    @property
    def has_session(self) -> bool:
        """Whether the server has ever answered this client with its key."""
        return self._link.session is not None or self._has_connected

    @property
    def version_mismatch(self) -> int | None:
        """The protocol version that the server claims to speak, if it is not ours."""
        return None if self._link.connector is None else self._link.connector.version_mismatch

    def unconfirmed(self) -> list[str]:
        """What was said and is not known to be in its log."""
        return [said.text for said in self._transcript.unconfirmed()]

    @property
    def is_idle(self) -> bool:
        """Whether everything asked is answered and everything said confirmed."""
        return not self._outbox and not self._transcript.unconfirmed()

    def say(self, now: float, room: str, text: str, is_action: bool = False) -> None:
        """Say something in a room. LocalError if it is empty or too long."""
        self._remember_said_request(bodies.Say(room, int(is_action), _checked(text)))
        self._flush(now)

    def tell(self, now: float, nick: str, text: str, is_action: bool = False) -> None:
        """Tell a person something. LocalError if it is empty or too long."""
        self._remember_said_request(bodies.Tell(nick, int(is_action), _checked(text)))
        self._flush(now)

    def _remember_said_request(self, request: bodies.Say | bodies.Tell) -> None:
        self._remember_said(self._ask(request), request)

    def _remember_said(self, counter: int, request: bodies.RequestBody) -> None:
        if isinstance(request, bodies.Say | bodies.Tell):
            room = request.room if isinstance(request, bodies.Say) else "@" + request.nick
            identity = message_id(self._instance, counter)
            self._transcript.on_said(Said(room, request.text, request.kind, identity))

    def join(self, now: float, room: str) -> None:
        """Be in a room."""
        if room not in self._desired:
            self._desired[room] = False
            self._transcript.want(room)
            self._enter_due = now
        self._flush(now)

    def part(self, now: float, room: str) -> None:
        """Be in a room no longer."""
        if self._desired.pop(room, None) is None:
            raise LocalError(f"you are not in {room}")
        self._answers.expect_part(self._ask(bodies.Part(room)), room)
        self._flush(now)

    def rename(self, now: float, nick: str) -> None:
        """Go by another nick, if it is free or one's own."""
        self._answers.expect_rename(self._ask(bodies.Rename(nick)), nick)
        self._flush(now)

    def set_topic(self, now: float, room: str, topic: str) -> None:
        """Set a room's topic."""
        self._ask(bodies.SetTopic(room, topic))
        self._flush(now)

    def ask_topic(self, now: float, room: str) -> None:
        """Ask for a room's topic."""
        self._answers.expect_topic(self._ask(bodies.TopicOf(room)), room, is_quiet=False)
        self._flush(now)

    def set_away(self, now: float, reason: str) -> None:
        """Be away for a reason, or back if it is empty."""
        self._answers.expect_away(self._ask(bodies.SetAway(reason)), reason)
        self._flush(now)

    def whois(self, now: float, nick: str) -> None:
        """Ask about a person."""
        self._ask(bodies.Whois(nick))
        self._flush(now)

    def names(self, now: float, room: str) -> None:
        """Ask who is in a room."""
        self._answers.expect_names(self._ask(bodies.Names(room, "")), room)
        self._flush(now)

    def list_rooms(self, now: float) -> None:
        """Ask which rooms there are."""
        self._answers.expect_rooms(self._ask(bodies.Rooms("")))
        self._flush(now)

    def ignore(self, nick: str) -> bool:
        """Show nothing that this person says, by whatever nick; False if that is so already."""
        key = nick_key(nick)
        return self._transcript.ignored.setdefault(key, b"") == b""

    def unignore(self, nick: str) -> bool:
        """Show again what this person says; False if it was shown."""
        return self._transcript.ignored.pop(nick_key(nick), None) is not None

    def ignored(self) -> list[str]:
        """Nicks that are ignored."""
        return sorted(self._transcript.ignored)

    def quit(self, now: float) -> None:
        """Say goodbye; `is_over` once it is answered, or soon."""
        if self._link.session is None or not self._is_welcome:
            self.is_over = True
        elif self._goodbye_due is None:
            self._goodbye_due = now
        self._flush(now)

    def _ask(self, request: bodies.RequestBody) -> int:
        body = encode(request)
        counter = self._outbox.add(body)
        self._undrained.append(Asked(counter, body))
        return counter

    # --- In ----------

    def receive(self, now: float, datagrams: Sequence[tuple[bytes, Address]]) -> None:
        """A batch of datagrams; what is wrong with one changes nothing."""
        for datagram, _ in datagrams:
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
            self._link.acks.on_packet(now, counter)

    def _on_frame(self, now: float, frame: Down) -> bool:
        """One frame; False if its content could not be taken and must come again."""
        match frame:
            case frames.Entries():
                self._link.acks.on_entries(now, frame.ack_ms / 1000, self._share())
                return self._transcript.on_entries(frame)
            case frames.EntryPart():
                self._link.acks.on_entries(now, frame.ack_ms / 1000, self._share())
                return self._transcript.on_part(frame)
            case frames.Heads():
                self._on_heads(now, frame)
            case frames.Result():
                self._on_result(now, frame)
            case frames.Welcome():
                self._on_welcome(now, frame)
            case frames.Refused():
                self._on_refused(now, frame)
            case frames.PathCheck():
                self._urgent.append(encode(frames.PathReply(frame.token)))
            case frames.Goodbye():
                self._on_goodbye(now, frame)
            case frames.Pong():
                pass
        return True

    def _share(self) -> float:
        return int.from_bytes(self._random(2), "big") / 0xFFFF

    def _on_heads(self, now: float, frame: frames.Heads) -> None:
        for head in frame.heads:
            is_first = head.log not in self._answered_logs()
            if not self._transcript.on_head(head):
                continue
            room = head.log[1:]
            if head.log.startswith(ROOM_PREFIX) and self._desired.get(room) is False:
                self._desired[room] = True
                if is_first:
                    self._on_joined(room)
        if self._transcript.has_gap():
            self._link.acks.on_gap(now)
        self._link.acks.on_entries(now, 0.0, 0.0)  # the server waits to hear what is held
        self._report_connected()

    def _answered_logs(self) -> set[str]:
        return {ROOM_PREFIX + room for room in self._desired if self._transcript.follows(room)}

    def _on_joined(self, room: str) -> None:
        self._answers.expect_topic(self._ask(bodies.TopicOf(room)), room, is_quiet=True)
        if self._has_connected:
            self._events.append(events.Joined(room, self._nick))

    def _on_welcome(self, now: float, frame: frames.Welcome) -> None:
        self._nick = self._transcript.nick = frame.nick
        self._transcript.user = frame.user
        self._link.set_heartbeat(now, frame.heartbeat_ms / 1000)
        self._is_welcome = True
        if self._was_lost:
            self._was_lost = False
            self._events.append(events.Reconnected("the server is there again"))
        self._report_connected()

    def _report_connected(self) -> None:
        """Once, when the server has let us in and answered for each room that was asked for."""
        if self._has_connected or not self._is_welcome or not all(self._desired.values()):
            return
        self._has_connected = True
        session = self._link.session
        assert session is not None
        shown = fingerprint(session.remote_static)
        self._events.append(events.Connected(self._profile.server, shown, self._nick, tuple(self._desired)))

    def _on_refused(self, now: float, frame: frames.Refused) -> None:
        if frame.log:
            self._desired.pop(frame.log[1:], None)
            self._events.append(events.Error(frame.code, frame.text))
            self._report_connected()
        elif frame.code == "unwritable":
            if not self._outbox.is_paused(now):
                text = f"{frame.text}; what you say is kept here and sent when it can"
                self._events.append(events.Error(frame.code, text))
            self._outbox.on_refused(now, UNWRITABLE_RETRY_S)
        elif frame.code in FINAL_REFUSALS:
            self._events.append(events.Rejected(frame.code, frame.text))
            self.is_over = True

    def _on_goodbye(self, now: float, frame: frames.Goodbye) -> None:
        if self._goodbye_due is not None:
            self.is_over = True
        else:
            self._link.lose(now, frame.reason)

    def _on_result(self, now: float, frame: frames.Result) -> None:
        body = self._outbox.on_result(now, frame.counter)
        if body is None:
            return
        self._undrained.append(Answered(frame.counter))
        identity = message_id(self._instance, frame.counter)
        match frame.body:
            case bodies.Stored(log, sequence, away):
                self._transcript.on_stored(identity, log, sequence)
                if away:
                    self._events.append(events.Notice("away", _away(parse_request_untrusted(body), away)))
            case bodies.Failed(code, text):
                self._transcript.on_failed(identity)
                self._answers.forget(frame.counter)
                self._events.append(events.Error(code, text))
            case _:
                self._events.extend(self._answers.on_result(frame.counter, frame.body))
        for room in self._answers.drain_parted():
            self._on_parted(now, room)

    def _on_parted(self, now: float, room: str) -> None:
        if room in self._desired:  # joined again meanwhile: the server is asked again
            self._desired[room] = False
            self._enter_due = now
            return
        self._transcript.drop(room)
        self._events.append(events.Left(room, self._nick, "parted"))

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
            timeouts += [self._enter_due, self._goodbye_due, self._link.acks.next_timeout()]
            if self.is_entered:
                timeouts.append(self._outbox.next_timeout())
        return min((timeout for timeout in timeouts if timeout is not None), default=None)

    def _after_link(self, now: float) -> None:
        """What the link has noticed: a refused key, a loss, a new session."""
        link = self._link
        if link.connector is not None and link.connector.refused_key is not None and not self.is_over:
            self._events.append(events.Rejected("server_key", self._why_not))
            self.is_over = True
        if link.is_lost and link.lost_reason:
            if self._has_connected and not self._was_lost:
                self._was_lost = True
                self._events.append(events.Disconnected(link.lost_reason))
            link.lost_reason = ""
        if link.has_renewed:
            link.has_renewed = False
            self._is_welcome = False
            self._desired = dict.fromkeys(self._desired, False)
            self._transcript.mark_all()
            link.acks.on_entries(now, 0.0, 0.0)
            self._enter_due = now
            self._enter_wait_s = ENTER_RESEND_S
            self._outbox.restart(now)
            if link.connector is not None and link.connector.rtt_s is not None and not self._outbox.round_trip.sampled:
                self._outbox.round_trip.on_sample(link.connector.rtt_s)

    # --- Durability ----------

    def drain_writes(self) -> list[Write]:
        """What is to be written as one batch; then say `persisted` or `rejected`."""
        drained = self._undrained + self._transcript.drain_writes()
        self._undrained = []
        self._writing.extend(drained)
        return drained

    def persisted(self, now: float, count: int) -> None:
        """The `count` oldest writes drained are on the disk: what was asked may be sent."""
        for _ in range(count):
            write = self._writing.popleft()
            if isinstance(write, Asked):
                self._outbox.release(now, write.counter)
        self._flush(now)

    def rejected(self, now: float, reason: str) -> None:
        """Nothing drained could be written. It is sent all the same, and the person knows what that means."""
        text = f"cannot write to the data folder: {reason}; what is said now does not survive a restart of this client"
        self._events.append(events.Error("unwritable_here", text))
        self.persisted(now, len(self._writing))

    # --- Out ----------

    def _flush(self, now: float) -> None:
        """Seal what is due."""
        link = self._link
        if link.session is None:
            return
        due, is_asking = self._urgent, False
        self._urgent = []
        if self._enter_due is not None and now >= self._enter_due:
            due += self._enter_frames(now)
            is_asking = True
        if self.is_entered:
            requests = self._outbox.drain_frames(now)
            due += requests
            is_asking = is_asking or bool(requests)
        if self._goodbye_due is not None and now >= self._goodbye_due:
            due += self._goodbye_frames(now)
        if link.is_ping_due:
            due.append(encode(frames.Ping(0)))
            is_asking = True
        ack_due = link.acks.next_timeout()
        if ack_due is not None and (now >= ack_due or due):
            due = self._ack_frames(now) + due
        for group in _grouped(due):
            link.send(now, group, is_asking=is_asking)

    def _enter_frames(self, now: float) -> list[bytes]:
        """Who we are and what we follow, until both are answered."""
        awaited = [room for room, is_followed in self._desired.items() if not is_followed]
        if self._is_welcome and not awaited:
            self._enter_due = None
            return []
        self._enter_due = now + self._enter_wait_s
        self._enter_wait_s = min(1.5 * self._enter_wait_s, ENTER_RESEND_S_MAX)
        entering = [] if self._is_welcome else [encode(frames.Enter(self._nick, self._profile.agent))]
        return entering + [encode(frames.Follow(ROOM_PREFIX + room)) for room in awaited]

    def _goodbye_frames(self, now: float) -> list[bytes]:
        if self._goodbyes == GOODBYES_MAX:
            self.is_over = True
            return []
        self._goodbyes += 1
        self._goodbye_due = now + GOODBYE_RESEND_S
        return [encode(frames.Goodbye("quit"))]

    def _ack_frames(self, now: float) -> list[bytes]:
        cursors = self._transcript.take_cursors()
        has_gap = self._transcript.has_gap()
        acks: list[bytes] = []
        while cursors or not acks:
            count = min(len(cursors), ACK_LOGS_MAX)
            frame = encode(self._link.acks.take(now, cursors[:count], has_gap=has_gap))
            while len(frame) > PACK_BYTES_MAX and count > 1:
                count //= 2
                frame = encode(self._link.acks.take(now, cursors[:count], has_gap=has_gap))
            acks.append(frame)
            cursors = cursors[count:]
        return acks

    def drain_transmits(self) -> list[tuple[bytes, Address]]:
        """Datagrams to be sent, in order."""
        return self._link.drain_transmits()

    def drain_events(self) -> list[events.ClientEvent]:
        """What happened, in order."""
        drained = self._events + self._transcript.drain_events()
        self._events = []
        return drained


def _checked(text: str) -> str:
    cleaned = clean_text(text)
    if cleaned is None:
        raise LocalError("there is nothing to send")
    if not fits(cleaned, TEXT_BYTES_MAX):
        raise LocalError(f"a message has at most {TEXT_BYTES_MAX} bytes, this one {len(cleaned.encode())}: send a file")
    return cleaned


def _is_said(body: bytes) -> bool:
    return isinstance(parse_request_untrusted(body), bodies.Say | bodies.Tell)


def _away(request: bodies.RequestBody, away: str) -> str:
    nick = request.nick if isinstance(request, bodies.Tell) else ""
    return f"{nick} is {away}" if away.startswith("not here") else f"{nick} is away: {away}"


def _grouped(items: list[bytes]) -> list[list[bytes]]:
    """Frames in packets, in order."""
    groups: list[list[bytes]] = []
    size = 0
    for item in items:
        if not groups or size + len(item) > PACK_BYTES_MAX or len(groups[-1]) == FRAMES_MAX:
            groups.append([])
            size = 0
        groups[-1].append(item)
        size += len(item)
    return groups
