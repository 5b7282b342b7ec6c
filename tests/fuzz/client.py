"""The client's core under a fuzzer, with its store and its line mode: a server that says anything, and a person.

The handshakes are real ones, also with a server of another key. After each step: no exception, no datagram longer than
DATAGRAM_BYTES_MAX or to anybody but the server, nothing that the server cannot open and read, no timer that is always
due, a bound on what is sent in a second. The next run with the same store must start, whatever the server sent; and the
core holds no more memory than a multiple of what it was sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from contextlib import ExitStack
from random import Random
from typing import Any

from tests.fuzz.cases import Choices
from tests.fuzz.device import SERVER
from tests.fuzz.narrow import small_limits
from tests.fuzz.server import NICKS, ROOMS
from tests.fuzz.values import TEXTS, Maker, bent_bytes, near, one_of
from tests.sim import audit
from tests.sizes import size_of
from tests.wire.shapes import DOWN, ENTRIES, RESULTS
from udpchat.chat.ids import conversation_log, inbox_log, message_id
from udpchat.chat.permissions import Action, Role
from udpchat.chat.phrase import Phrase
from udpchat.client.core import ClientCore
from udpchat.client.profile import Profile
from udpchat.client.stored import Write
from udpchat.session.noise import KeyPair, user_id
from udpchat.session.responder import HandshakeResponder
from udpchat.session.session import Session
from udpchat.shell.client_state import remembered, restore, write_contiguous
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.store_interfaces import StoreError
from udpchat.ui.commands import COMMANDS
from udpchat.ui.exit_rule import ExitRule
from udpchat.ui.line_mode import LineMode
from udpchat.ui.printing import Printer
from udpchat.ui.prompt import Prompt
from udpchat.wire import content, frames, limits, requests
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import encode, encode_message, pack, parse_introduction_untrusted, parse_up_untrusted
from udpchat.wire.packets import (
    DATA_KIND,
    Address,
    Cookie,
    Finish,
    Hello,
    Kind,
    Reset,
    data_index,
    parse_packet_untrusted,
)

NICK = "ada"
CLIENT = Address("10.0.0.2", 2)
OTHER_KEYS = 2
TIMEOUTS_AT_ONCE_MAX = 64
TIMEOUTS_PER_S_MAX = 1_000
SENT_AT_ONCE_MAX = 1_500  # datagrams: a window of large requests, with all their fragments
SENT_PER_S_MAX = 1_000
SESSIONS_MAX = 4
RECORDED_MAX = 32
HELD_BYTES_MIN = 4_000_000
HELD_PER_BYTE_MAX = 60
CODES = (
    "",
    "nick_taken",
    "bad_nick.space",
    "too_fast",
    "kicked",
    "no_such_room",
    "banned",
    "banned.room",
    "muted",
    "not_allowed.role",
    "not_allowed.invite_only",
    "wrong_password",
    "key_revoked",
    "too_fast.wait",
    "x" * 32,
    "\x1b[2J",
    "{nick}",
)
HEART = "\u2764\ufe0f"
LINES = (
    "hello", "/me waves", "/msg bob psst", "/query bob hi", "/query", "/say //x", "/history", "/history 20 before 1h",
    "/search hi from:bob in:tea", "/search x", "/join tea", "/join a", "/join b", "/part", "/part tea",
    "/room lobby", "/room @bob", "/rooms", "/names", "/names tea", "/topic", "/topic a topic", "/topic #tea -",
    "/nick carol", "/nick ada",
    "/whois bob", "/away", "/away for tea", "/back", "/ignore bob", "/ignore", "/unignore bob", "/help", "/help join",
    "/reply indeed", "/reply 0 indeed", "/edit other words", "/react +1", "/react \u2764\ufe0f", "/react ffff :tada:",
    "/unreact", "/unreact heart", "/delete", "/redact 0000000000000000 a slip", "/ids", "/ids 500",
    "x" * 3_000, "é" * 8_000, "/msg @ada me", "two\nlines",
    "/receipts", "/receipts 0000", "see https://a.b", "/open",
    "/op bob", "/deop bob", "/voice bob", "/devoice bob", "/mode", "/mode +moderated slow=30", "/mode tea -invite_only",
    "/invite bob", "/invite bob tea", "/kick bob enough", "/ban bob for 2h enough", "/ban --server bob", "/unban bob",
    "/bans", "/bans --server", "/mute bob for 90s", "/mute --server bob", "/unmute bob", "/announce tea is ready",
    "/whoami", "/audit", "/audit 5", "/password correct horse", "/link", "/devices", "/revoke aaaa", "/accept contacts",
    "/ban bob for 2x", "/kick", "/mode slow=-1", "/accept", "/revoke",
)  # fmt: skip


class _Server:
    """What answers the client: handshakes with one key, and the sessions that they made."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.key = KeyPair(random.randbytes(32))
        self.sessions: list[Session] = []
        self.restart()

    def restart(self) -> None:
        """A new process: it knows no session."""
        self._handshakes = HandshakeResponder(
            static=self.key, random=self._random.randbytes,
            is_index_free=lambda index: all(index != session.index for session in self.sessions),
        )  # fmt: skip

    def receive(self, now: float, datagram: bytes) -> tuple[list[bytes], list[frames.Up]]:
        """A datagram of the client: answers to a handshake, and the frames of a session."""
        if datagram[:1] == DATA_KIND:
            index = data_index(datagram)
            for session in self.sessions:
                if session.index == index:
                    return [], parse_up_untrusted(session.open_untrusted(now, datagram, CLIENT))
            return [], []
        packet = parse_packet_untrusted(datagram)
        if isinstance(packet, Hello):
            return [self._handshakes.receive_hello(now, CLIENT, packet)], []
        assert isinstance(packet, Finish), f"a client sends a {type(packet).__name__}"
        accepted = self._handshakes.receive_finish(now, CLIENT, packet)
        session = accepted.session
        parse_introduction_untrusted(accepted.payload)
        if session not in self.sessions:
            self.sessions = [session, *self.sessions][:SESSIONS_MAX]
        return [session.seal(pack([encode(frames.Pong(0))]))], []


class ClientTarget:
    """One client, and what a server and a person do to it. The first step chooses limits and options."""

    def __init__(self) -> None:
        audit.begin()
        self._random = Random(2)
        self._stack = ExitStack()
        self._now = 1_000.0
        self._static = KeyPair(self._random.randbytes(32))
        self._others = [KeyPair(self._random.randbytes(32)).public for _ in range(OTHER_KEYS)]
        self._server = _Server(self._random)
        self._impostor = _Server(self._random)
        self._core: ClientCore | None = None
        self._store: SqliteClientStore
        self._lines: LineMode
        self._options: dict[str, Any] = {}
        self._history = 0
        self._is_honest = True
        self._is_full = False
        self._is_holding = False
        self._collected: list[Write] = []
        self._asked: dict[int, requests.RequestBody] = {}
        self._logs: dict[str, tuple[int, int]] = {}  # by log: the generation and the head that the server reports
        self._recorded: deque[bytes] = deque(maxlen=RECORDED_MAX)
        self._bytes = 0  # that the client was sent
        self._noted: set[Hashable] = set()
        self._maker = self._new_maker()
        self._actions: tuple[Callable[[Choices], None], ...] = (
            self._frames, self._frames, self._frames, self._frames, self._frames, self._grow, self._grow, self._grow,
            self._result, self._result, self._prune, self._mood, self._rebirth, self._clear, self._clear,
            self._replay, self._type, self._type, self._type, self._look, self._disk, self._restart, self._pass,
            self._pass, self._pass, self._jump,
        )  # fmt: skip

    def _new_maker(self) -> Maker:
        me = self._static.public
        private = [inbox_log(me), *(conversation_log(me, other) for other in self._others), conversation_log(me, me)]
        logs = [
            *("#" + room for room in ROOMS),
            *("%" + room for room in ROOMS),
            *private,
            "!directory",
            "#",
            "%",
            "@",
            "~",
        ]
        users = [user_id(me), *map(user_id, self._others), b"12345678"]
        pools = {
            "nick": one_of(NICK, *NICKS), "room": one_of(*ROOMS), "log": one_of(*logs[:3], *private, *logs),
            "old": one_of(*NICKS), "by": one_of(NICK, *NICKS), "subject": one_of(NICK, *NICKS),
            "account": one_of(b"", me, *self._others, b"x"), "action": one_of(*Action, "later"),
            "role": one_of(*Role, 15), "user": one_of(*users), "author": one_of(*users), "id": self._id,
            "refers_to": self._id, "to": one_of(None, *NICKS),
            "generation": self._generation, "sequence": self._sequence, "first": self._sequence, "head": self._sequence,
            "base": one_of(0, 0, 0, 1, 5, 2**53), "entered": self._sequence, "counter": self._counter,
            "entries": self._entries,
            "kind": one_of(0, 0, 1, 2, 3, 4, 7, 255), "text": one_of(*TEXTS, HEART, HEART),
            "data": one_of(b"", b"", b"-", b"x"), "edited_by": self._sequence,
            "time_ms": one_of(0, 1_700_000_000_000, -1, 2**63 - 1, 2**53, -(2**62)),
            "heartbeat_ms": one_of(10_000, 0, 1, 3_600_000), "ack_delay_ms": one_of(0, 25, 3_600_000),
            "raw": self._entry, "entry": self._entry, "number": one_of(0, 0, 1, 2**53),
            "reason": one_of("", "stopping", "kicked", "x" * 400), "code": one_of(*CODES),
        }  # fmt: skip
        return Maker(pools)

    # --- What the server knows ----------

    def _id(self, choices: Choices) -> bytes:
        instance = self._store.load().instance if choices.chance(5) else b"12345678" * 2
        return message_id(instance, choices.pick([*self._asked, 1]))

    def _generation(self, choices: Choices) -> int:
        return choices.pick([7, 7, 7, 8, 0, 2**53])

    def _sequence(self, choices: Choices) -> int:
        return near(lambda: [head for _, head in self._logs.values()])(choices)

    def _counter(self, choices: Choices) -> int:
        return choices.pick([*self._asked, 1, 2**20 + 1, 2**53])

    def _entry(self, choices: Choices) -> bytes:
        shape = content.Message if choices.chance(50) else choices.pick(ENTRIES)
        return self._maker.encoded(choices, shape)

    def _entries(self, choices: Choices) -> list[Any]:
        return [frames.raw(self._entry(choices)) for _ in range(choices.pick((1, 1, 2, 5, 0)))]

    # --- The client ----------

    @property
    def core(self) -> ClientCore:
        """The core of this run of the client."""
        assert self._core is not None
        return self._core

    def _begin(self, choices: Choices) -> None:
        if choices.chance(50):
            self._stack.enter_context(small_limits())
        self._store = SqliteClientStore(None)
        self._stack.callback(self._store.close)
        self._history = choices.pick((0, 5, 200))
        self._options = {
            "capabilities": choices.pick(((), (1,), (1, 2))),
            "wants_receipts": choices.chance(50),
            "is_returning": choices.chance(50),
            "shown_max": choices.pick((None, 3)),
        }
        self._start(choices)
        self._pass_for(1.5)

    def _start(self, choices: Choices) -> None:
        """A new process of the client, as `shell.client_app` starts it."""
        try:
            saved = remembered(self._store, (), self._history)
        except StoreError as error:
            raise AssertionError("the store cannot be read any more") from error
        rooms = saved.rooms or ("lobby", "tea")
        profile = Profile(self._static, NICK, rooms, "udpchat://den:1", self._check_key, self._history, **self._options)
        self._collected = []
        self._is_full = self._is_holding = False
        self._core = ClientCore(self._now, profile=profile, saved=saved, address=SERVER, random=self._random.randbytes)
        restore(self._core, self._store)
        prompt = Prompt(self._core, COMMANDS, archive=self._store, parse_time=lambda text: 1_700_000_000_000)
        printer = Printer(self._on_line, self._on_line, as_json=choices.chance(30))
        is_person = choices.chance(50)
        self._lines = LineMode(
            prompt, printer, ExitRule(follow=True), is_for_person=is_person, marks_read=is_person, numbers_lines=True
        )
        self._after()

    def _check_key(self, key: bytes) -> Phrase | None:
        return None if key == self._server.key.public else Phrase("key_changed")

    def _on_line(self, text: str) -> None:
        assert "\x1b" not in text, "an escape sequence reaches the terminal"

    def step(self, choices: Choices) -> None:
        """One thing happens."""
        if self._core is None:
            return self._begin(choices)
        choices.pick(self._actions)(choices)

    # --- What the server does ----------

    def _session(self, choices: Choices) -> Session | None:
        sessions = self._server.sessions
        return None if not sessions else choices.pick(sessions) if choices.chance(12) else sessions[0]

    def _frames(self, choices: Choices) -> None:
        session = self._session(choices)
        encoded = [self._maker.encoded(choices, choices.pick(DOWN)) for _ in range(choices.pick((1, 1, 2, 3, 20)))]
        for frame in encoded if session is not None else ():
            self._send_frame(session, frame)

    def _send_frame(self, session: Session | None, frame: bytes) -> None:
        if session is not None and len(frame) + 3 <= limits.BODY_BYTES_MAX:
            self._deliver([session.seal(pack([frame]))])

    def _result(self, choices: Choices) -> None:
        """A result of any shape, whole or in fragments, to what was asked."""
        body = self._maker.encoded(choices, choices.pick(RESULTS))
        counter = self._counter(choices)
        self._answer(choices, counter, body)

    def _answer(self, choices: Choices, counter: int, body: bytes) -> None:
        session = self._session(choices)
        if len(body) <= 1_000 and not choices.chance(10):
            return self._send_frame(session, frames.encode_result(counter, body))
        parts = [body[at : at + 1_000] for at in range(0, len(body), 1_000)][: limits.FRAGMENTS_MAX]
        count = max(len(parts), 2)
        for index, part in enumerate(parts):
            self._send_frame(session, encode(frames.ResultFragment(counter, index, count, part)))

    def _grow(self, choices: Choices) -> None:
        """A log grows, as logs do: the next entries, some of them maybe before those in front of them."""
        log = choices.pick([*self._logs] or ["#lobby"])
        generation, head = self._logs.get(log, (7, 0))
        for _ in range(choices.pick((1, 1, 3, 30))):
            entry = self._entry(choices)
            gap = choices.pick((0, 0, 0, 0, 1, 4))
            head += 1 + gap
            self._logs[log] = generation, head
            self._push(choices, log, generation, head, entry)
        if choices.chance(40):
            self._heads(choices, log)

    def _push(self, choices: Choices, log: str, generation: int, sequence: int, entry: bytes) -> None:
        session = self._session(choices)
        if len(entry) <= 1_000:
            return self._send_frame(session, encode(frames.Entries(log, generation, sequence, 25, [frames.raw(entry)])))
        parts = [entry[at : at + 1_000] for at in range(0, len(entry), 1_000)][: limits.FRAGMENTS_MAX]
        for index, part in enumerate(parts):
            self._send_frame(
                session, encode(frames.EntryFragment(log, generation, sequence, 25, index, len(parts), part))
            )

    def _heads(self, choices: Choices, log: str, base: int = 0) -> None:
        generation, head = self._logs.setdefault(log, (7, 0))
        entered = choices.pick((head, 0))
        self._send_frame(
            self._session(choices), encode(frames.Heads(25, [frames.Head(log, generation, base, head, entered)]))
        )

    def _prune(self, choices: Choices) -> None:
        log = choices.pick([*self._logs] or ["#lobby"])
        generation, head = self._logs.get(log, (7, 0))
        if choices.chance(30):
            self._logs[log] = generation + 1, choices.pick((0, head, 3))
            return self._heads(choices, log)
        self._heads(choices, log, base=max(head - choices.below(5), 0))

    def _on_up(self, frame: frames.Up) -> list[bytes]:
        """What an honest server answers."""
        match frame:
            case frames.Enter(nick):
                return [
                    encode(frames.Welcome(nick, user_id(self._static.public), "den", 10_000, 30_000, 100, 100, 0, (1,)))
                ]
            case frames.Follow(log):
                found = []
                for name in (log, "%" + log[1:]):
                    generation, head = self._logs.setdefault(name, (7, 0))
                    found.append(frames.Head(name, generation, 0, head, head))
                return [encode(frames.Heads(0, found))]
            case frames.Request(counter, _, body):
                assert not isinstance(body, requests.Malformed), "a request that cannot be read"
                self._asked[counter] = body
                if isinstance(body, requests.Say):
                    return self._store_message(counter, body)
                return [encode(frames.Result(counter, requests.Done()))]
            case frames.Ping(number):
                return [encode(frames.Pong(number))]
        return []

    def _store_message(self, counter: int, said: requests.Say) -> list[bytes]:
        log = "#" + said.room
        generation, head = self._logs.setdefault(log, (7, 0))
        self._logs[log] = generation, head + 1
        me = user_id(self._static.public)
        identity = message_id(self._instance, counter)
        message = content.Message(1, me, NICK, identity, said.kind, said.text[:100], None, said.extra)
        entry = encode_message(message)
        pushed = encode(frames.Entries(log, generation, head + 1, 25, [frames.raw(entry)]))
        return [encode(frames.Result(counter, requests.Stored(log, head + 1))), pushed]

    @property
    def _instance(self) -> bytes:
        return b"12345678" * 2

    def _mood(self, choices: Choices) -> None:
        self._is_honest = choices.chance(60)

    def _rebirth(self, choices: Choices) -> None:
        """The server is another process now, maybe with another key and all its logs gone."""
        self._server.sessions = []
        self._server.restart()
        if choices.chance(30):
            self._logs = {}

    def _clear(self, choices: Choices) -> None:
        """A packet that is not sealed: Reset, Cookie, an answer of an impostor, noise."""
        session = self.core.session
        index = session.peer_index if session is not None and choices.chance(70) else choices.below(2**32)
        match choices.below(4):
            case 0:
                self._deliver([Reset(index).encode()])
            case 1:
                version = choices.pick((limits.PROTOCOL_VERSION, 99))
                self._deliver([Cookie(version, index, choices.pick((bytes(20), b"x" * 20))).encode()])
            case 2:
                self._impostor, self._server = self._server, self._impostor
                self._pass_for(0.2)
                self._impostor, self._server = self._server, self._impostor
            case 3:
                kind = bytes((choices.pick([*map(int, Kind), choices.below(256)]),))
                self._deliver([kind + choices.data(choices.pick((0, 4, 25, 28, 100, 125, 199, 1199, 1200)))])

    def _replay(self, choices: Choices) -> None:
        for _ in range(choices.pick((1, 2, 8)) if self._recorded else 0):
            datagram = choices.pick(self._recorded)
            self._deliver([bent_bytes(choices, datagram) if choices.chance(50) else datagram])

    # --- What the person and the machine do ----------

    def _type(self, choices: Choices) -> None:
        for _ in range(choices.pick((1, 1, 2, 40))):
            self._lines.on_line(self._now, choices.pick(LINES))
            self._after()

    def _look(self, choices: Choices) -> None:
        """What a screen draws."""
        model = self.core.model
        for conversation in model.conversations():
            model.items(conversation.name), model.typing(conversation.name)
            list(model.members(conversation.name))
            self.core.mark_read(self._now, conversation.name)
        self.core.notify_typing(self._now, choices.pick(("lobby", "@bob", "")))
        assert model.connection.missing >= 0
        self._after()

    def _disk(self, choices: Choices) -> None:
        match choices.below(4):
            case 0:
                self._is_full = True
            case 1:
                self._is_holding = True
            case _:
                self._is_full = self._is_holding = False
        self._after()

    def _restart(self, choices: Choices) -> None:
        if choices.chance(30):
            self._lines.on_line(self._now, "/quit")
            self._after()
            self._pass_for(0.5)
        self._start(choices)

    def _pass(self, choices: Choices) -> None:
        self._pass_for(choices.pick((0.001, 0.03, 0.3, 0.3, 1.5, 4.0, 12.0)))

    def _jump(self, choices: Choices) -> None:
        self._now += choices.pick((3.0, 31.0, 3_601.0, 1e7))
        self._after()

    # --- In and out ----------

    def _deliver(self, batch: list[bytes]) -> None:
        self._bytes += sum(map(len, batch))
        self._recorded.extend(batch)
        self.core.receive(self._now, [(datagram, SERVER) for datagram in batch])
        self._after()

    def _after(self) -> int:
        """Drain the core, answer it; how many datagrams it sent."""
        sent = 0
        while True:
            self._write()
            transmits = self.core.drain_transmits()
            happened = self.core.drain_events()
            self._noted.update(map(type, happened))
            self._lines.on_events(self._now, happened)
            transmits += self.core.drain_transmits()
            if not transmits and not happened:
                return sent
            sent += len(transmits)
            assert sent <= SENT_AT_ONCE_MAX, "client and server keep each other at work"
            for datagram, address in transmits:
                assert len(datagram) <= limits.DATAGRAM_BYTES_MAX, f"a datagram of {len(datagram)} bytes"
                assert address == SERVER
                self._on_sent(datagram)

    def _on_sent(self, datagram: bytes) -> None:
        try:
            answers, received = self._server.receive(self._now, datagram)
        except BadDatagram:
            return  # a handshake with the impostor, or begun with a process that is gone
        session = self._server.sessions[0] if self._server.sessions else None
        for frame in received:
            replies = self._on_up(frame)
            if self._is_honest and session is not None:
                answers += [session.seal(pack([reply])) for reply in replies]
        for answer in answers:
            self._bytes += len(answer)
            self._recorded.append(answer)
            self.core.receive(self._now, [(answer, SERVER)])

    def _write(self) -> None:
        self._collected += self.core.drain_writes()
        while self._collected and not self._is_holding:
            batch, self._collected = self._collected, []
            if self._is_full:
                self.core.rejected(self._now, "the disk is full")
            else:
                write_contiguous(self._store, batch)
                self.core.persisted(self._now, len(batch))
            self._collected += self.core.drain_writes()

    def _pass_for(self, seconds: float) -> None:
        calls = at_once = sent = 0
        end = self._now + seconds
        while (due := self.core.next_timeout()) is not None and due <= end:
            calls += 1
            at_once = at_once + 1 if due <= self._now else 0
            assert at_once <= TIMEOUTS_AT_ONCE_MAX, f"always due: {due} at {self._now}"
            assert calls <= TIMEOUTS_AT_ONCE_MAX + TIMEOUTS_PER_S_MAX * seconds, f"{calls} timeouts in {seconds} s"
            self._now = max(self._now, due)
            self.core.handle_timeout(self._now)
            sent += self._after()
            assert sent <= SENT_AT_ONCE_MAX + SENT_PER_S_MAX * seconds, f"{sent} datagrams in {seconds} s"
        self._now = max(self._now, end)

    # --- What must hold ----------

    def finish(self) -> None:
        """It holds no more than it was sent, and starts again."""
        if self._core is None:
            return
        held = size_of(self.core)
        assert held <= HELD_BYTES_MIN + HELD_PER_BYTE_MAX * self._bytes, f"{held} bytes held of {self._bytes} received"
        self._start(Choices(b""))
        self._pass_for(0.5)

    def noted(self) -> set[Hashable]:
        """The events that happened."""
        return self._noted

    def close(self) -> None:
        """The store is closed, and limits are as they were."""
        self._stack.close()
        audit.end()
