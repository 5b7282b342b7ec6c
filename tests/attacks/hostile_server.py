"""A server that keeps no promise: it finishes handshakes as it should, and then sends well-formed frames full of lies.

    server = HostileServer(random)
    server.receive(now, datagrams)      # what a client sent
    server.lie(now, packets=10)         # to each client
    server.drain_transmits()

`Liar` makes the frames. It knows what a client has sent, so that some of its frames are what an honest server would
answer, and the client comes to states in which the next lie may harm it.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from udpchat.chat.ids import CONVERSATION_PREFIX, ROOM_PREFIX, ROSTER_PREFIX, inbox_log
from udpchat.session.noise import KeyPair, user_id
from udpchat.session.responder import HandshakeResponder
from udpchat.session.session import Session
from udpchat.sync.packing import FRAME_BYTES_MAX, packed
from udpchat.wire import content, frames, requests
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import Down, Up, encode
from udpchat.wire.limits import FRAGMENT_BYTES, FRAGMENTS_MAX, SEQUENCE_MAX
from udpchat.wire.packets import Address, Data, Finish, Hello, parse_packet_untrusted

ESCAPES: Final = "\x1b]0;owned\x07\x1b[2J\x9b31m"
TEXTS: Final = ("", "hello", ESCAPES, "\a" * 30, "\u202etxt.exe", "one\ntwo\r\nthree", "[lobby] <alice> hi", "x" * 400,
                "\u0301" * 60, "{key} %s {0}", "\x00", "\ufffe")  # fmt: skip
NICKS: Final = ("alice", "\u0430lice", "bob", "Bob", "admin", ESCAPES, "\n", "a b", "\u202eecila", "x" * 32, "../../x")
LOGS: Final = (
    "#lobby", "%lobby", "#", "%", "@", "~", "!directory", "#attic", "%attic", "#" + "x" * 128, "lobby", "#a b",
    "#\x1b[2J", "#../../x", "#Lobby", "##lobby", "@" + "0" * 20, "@" + "F" * 20, "@" + "1" * 19, "~" + "0" * 20,
    "\n", "#" + "\U0001f600" * 128,
)  # fmt: skip
NUMBERS: Final = (0, 1, 2, 3, 64, 513, 4_096, 2**31, 2**32, 2**40 - 1, 2**40, 2**40 + 1, SEQUENCE_MAX - 1, SEQUENCE_MAX)
CODES: Final = ("nick_taken", "nick_taken.alike", "too_fast", "bad_room.character", "refused", "", ".", "..", "a.b.c",
                "of_later", "lost", "text", ESCAPES, "no_such_room", "too_long.message")  # fmt: skip
UNREADABLE: Final = (b"\xc0", b"\x90", b"\x91\x05", b"\xcc\xff", b"\x91\xcc\xc8", b"\x92\x02\xa1x")
FINAL: Final = (frames.EnterRefused, frames.Goodbye)  # frames that end a client, or its session


class Liar:
    """Frames for one client, whose key is `key`. `ends`: some of them end the client or its session."""

    def __init__(self, random: Random, key: bytes, *, ends: bool = True) -> None:
        self.random = random
        self._user = user_id(key)
        self._inbox = inbox_log(key)
        self._ends = ends
        self._nick = "alice"
        self._logs: list[str] = []  # that the client follows, or has named
        self._asked: dict[int, requests.RequestBody] = {}  # open requests
        self._generation = 7
        self._heads: dict[str, int] = {}

    # --- What the client sends ----------

    def hear(self, frame: Up) -> list[Down]:
        """A frame of the client came; what an honest server would answer at once, in one case of two."""
        match frame:
            case frames.Enter(nick):
                self._nick = nick
                return [self.welcome()] if self.random.random() < 0.8 else []
            case frames.Follow(log):
                self._know(log, ROSTER_PREFIX + log[1:])
                return [self.heads(log, ROSTER_PREFIX + log[1:])] if self.random.random() < 0.8 else []
            case frames.Request(counter, _, body):
                self._asked[counter] = body
                if len(self._asked) > 64:
                    del self._asked[min(self._asked)]
                return [frames.Result(counter, self._answer(body))] if self.random.random() < 0.5 else []
            case frames.Ack(_, cursors):
                self._know(*(cursor.log for cursor in cursors))
            case frames.Ping(number):
                return [frames.Pong(number)]
        return []

    def _know(self, *logs: str) -> None:
        self._logs += [log for log in logs if log not in self._logs]
        del self._logs[:-64]

    def welcome(self) -> frames.Welcome:
        """As an honest server would send it."""
        return frames.Welcome(self._nick, self._user, "honest", 10_000, 30_000)

    def heads(self, *logs: str) -> frames.Heads:
        """As an honest server would send them, of logs that reach to where this one has told before."""
        heads = []
        for log in logs:
            head = self._heads.setdefault(log, self.random.randrange(20))
            heads.append(frames.Head(log, self._generation, 0, head, head))
        return frames.Heads(0, heads)

    # --- Lies ----------

    def frame(self) -> Down:
        """Any frame within the limits of its fields."""
        kinds = [kind for kind in LIES if self._ends or kind not in FINAL]
        frame = LIES[self.random.choice(kinds)](self)
        return frame if len(encode(frame)) <= FRAME_BYTES_MAX else frames.Pong(self.number())

    def text(self, characters_max: int = 400) -> str:
        return self.random.choice(TEXTS)[:characters_max]

    def nick(self) -> str:
        return self.random.choice((self._nick, *NICKS))

    def log(self) -> str:
        """One that the client knows, one that it may take for its own, one of another's, or no log at all."""
        random = self.random
        other = CONVERSATION_PREFIX + random.randbytes(10).hex()
        room = random.choice((ROOM_PREFIX, ROSTER_PREFIX)) + random.randbytes(4).hex()
        return random.choice((*self._logs, *self._logs, self._inbox, other, room, random.choice(LOGS)))

    def number(self, least: int = 0) -> int:
        random = self.random
        return max(least, random.choice((random.choice(NUMBERS), random.randrange(40), random.randrange(SEQUENCE_MAX))))

    def generation(self) -> int:
        return self.random.choice((self._generation, self._generation, self._generation, self.number()))

    def first(self, log: str) -> int:
        """The sequence of an entry: often one that comes next, or soon."""
        head = self._heads.setdefault(log, 0)
        self._heads[log] = min(head + self.random.randrange(3), SEQUENCE_MAX)
        return self.random.choice((max(head, 1), head + 1, head + self.random.randrange(1, 50), self.number(1)))

    def user(self) -> bytes:
        return self.random.choice((self._user, bytes(8), self.random.randbytes(8)))

    def identity(self) -> bytes:
        """Of a message: one of few, so that others can be about it."""
        return bytes(7) + bytes((self.random.randrange(6),))

    def extra(self) -> content.Extra:
        """What a message is about, or not."""
        random = self.random
        data, edited_by = random.choice((b"", b"-", b"x" * 500)), random.choice((0, 0, self.number()))
        return content.Extra(self.identity(), data, random.choice((self.number(), random.randrange(30))), edited_by)

    def entry(self) -> content.Entry:
        """Any entry."""
        random = self.random
        reason = random.choice((None, self.text(200) or "x"))
        choices: tuple[Callable[[], content.Entry], ...] = (
            lambda: content.Message(
                random.choice((0, -(2**63), 2**63 - 1, 1_700_000_000_000)), self.user(), self.nick(),
                self.identity(), random.choice((0, 0, 1, 2, 3, 4, 77)), random.choice((self.text(), "\u2665")),
                random.choice((None, self.nick())), random.choice((None, self.extra())),
            ),
            lambda: content.Tombstone(random.choice((0, -(2**63), 2**63 - 1))),
            lambda: content.Tombstone(1, self.user(), self.nick(), self.identity()),
            lambda: content.Joined(self.nick(), self.user(), random.random() < 0.5),
            lambda: content.Left(self.nick(), self.user(), self.text(32)),
            lambda: content.Renamed(self.nick(), self.nick(), self.user()),
            lambda: content.TopicSet(self.text(), self.nick()),
            lambda: content.ReadMark(self.log(), self.generation(), self.number()),
            lambda: content.AwaySet(self.nick(), self.user(), reason),
        )  # fmt: skip
        return random.choice(choices)()

    def raw_entry(self) -> bytes:
        """An entry, or what is none."""
        return self.random.choice(UNREADABLE) if self.random.random() < 0.2 else encode(self.entry())

    def _answer(self, body: requests.RequestBody) -> requests.ResultBody:
        match body:
            case requests.Say(room):
                return requests.Stored(ROOM_PREFIX + room, self.number())
            case requests.Tell():
                return requests.Stored(self.log(), self.number(), requests.Away(self.text(200) or "x"))
            case requests.ListMembers():
                return requests.MemberPage(self.number(), self._members(), True)
            case requests.ListHolders():
                return requests.Holders([self.nick()], [self.nick() for _ in range(4)])
            case requests.ListRooms():
                return requests.Page([self.log()[1:33] for _ in range(4)], True)
            case requests.GetTopic():
                return content.TopicSet(self.text(), self.nick())
            case requests.GetHistory() | requests.Search():
                return self._entry_list()
        return requests.Done()

    def _members(self) -> list[requests.Member]:
        return [requests.Member(self.nick(), self.user(), self.text(200) or None) for _ in range(4)]

    def _entry_list(self) -> requests.EntryList:
        return requests.EntryList([requests.LogEntry(self.log(), self.number(1), self.raw_entry()) for _ in range(3)])

    def result(self) -> requests.ResultBody:
        """Any result."""
        rooms = [self.text(32) or "x"]
        choices: tuple[Callable[[], requests.ResultBody], ...] = (
            lambda: requests.Stored(self.log(), self.number()),
            requests.Done,
            lambda: requests.Failed(self.random.choice(CODES), self.detail()),
            lambda: requests.Person(self.nick(), self.text(), requests.Here(), self.number(), rooms),
            lambda: requests.Page([self.text(32) or "x"], self.random.random() < 0.7),
            lambda: content.TopicSet(self.text(), self.nick()),
            self._entry_list,
            lambda: requests.MemberPage(self.number(), self._members(), self.random.random() < 0.7),
        )
        return self.random.choice(choices)()

    def detail(self) -> tuple[str, ...]:
        return tuple(self.text() for _ in range(self.random.randrange(5)))

    def counter(self) -> int:
        """That of a request of the client, or one near it, or any."""
        open_now = [*self._asked, max(self._asked, default=0) + 1]
        return self.random.choice((self.random.choice(open_now), self.random.choice(open_now), self.number(1)))

    def head(self) -> frames.Head:
        """How far a log reaches, or does not."""
        log = self.log()
        if self.random.random() < 0.5:
            return self.heads(log).heads[0]
        return frames.Head(log, self.generation(), self.number(), self.number(), self.number())

    def fragment(self) -> tuple[int, int, bytes]:
        """Index, count and data of a fragment."""
        count = self.random.randint(2, FRAGMENTS_MAX)
        size = self.random.choice((1, FRAGMENT_BYTES))
        return self.random.randrange(FRAGMENTS_MAX), count, self.random.randbytes(size)


def _entries(liar: Liar) -> frames.Entries:
    log = liar.log()
    entries = [frames.raw(liar.raw_entry()) for _ in range(liar.random.randrange(1, 6))]
    return frames.Entries(
        log, liar.generation(), min(liar.first(log), SEQUENCE_MAX), liar.random.randrange(50), entries
    )


def _entry_fragment(liar: Liar) -> frames.EntryFragment:
    log = liar.log()
    return frames.EntryFragment(log, liar.generation(), min(liar.first(log), SEQUENCE_MAX), 0, *liar.fragment())


def _welcome(liar: Liar) -> frames.Welcome:
    kept = liar.random.choice((None, 1, SEQUENCE_MAX))
    ms = liar.random.choice((0, 1, 3_600_000))
    return frames.Welcome(liar.nick(), liar.user(), liar.text(), ms, ms, kept, kept, 9, (1, 7), liar.number())


LIES: Final[dict[type, Callable[[Liar], Down]]] = {
    frames.Welcome: _welcome,
    frames.EnterRefused: lambda liar: frames.EnterRefused(liar.random.choice(CODES), liar.detail()),
    frames.Result: lambda liar: frames.Result(liar.counter(), liar.result()),
    frames.Entries: _entries,
    frames.EntryFragment: _entry_fragment,
    frames.Heads: lambda liar: frames.Heads(
        liar.random.randrange(50), [liar.head() for _ in range(liar.random.randrange(1, 5))]
    ),
    frames.Pong: lambda liar: frames.Pong(liar.number()),
    frames.PathCheck: lambda liar: frames.PathCheck(liar.random.randbytes(8)),
    frames.Goodbye: lambda liar: frames.Goodbye(liar.text()),
    frames.ResultFragment: lambda liar: frames.ResultFragment(liar.counter(), *liar.fragment()),
    frames.FollowRefused: lambda liar: frames.FollowRefused(
        liar.log(), liar.random.choice(CODES), liar.detail()
    ),
    frames.Unwritable: lambda liar: frames.Unwritable(liar.text()),
    frames.UserTyping: lambda liar: frames.UserTyping(liar.log(), liar.nick()),
    frames.Receipt: lambda liar: frames.Receipt(liar.log(), liar.number(1), liar.number(), liar.number()),
}  # fmt: skip
"""One way to lie for each kind of frame."""


class Guest:
    """A client in its session, and the liar who talks to it."""

    def __init__(self, session: Session, liar: Liar) -> None:
        self.session = session
        self.liar = liar
        self.heard: list[Up] = []  # taken by whoever counts


class HostileServer:
    """Its handshakes are honest, and nothing else; `answers`: sometimes it says what an honest server would."""

    def __init__(
        self, random: Random, *, static: KeyPair | None = None, ends: bool = True, answers: bool = True
    ) -> None:
        self.static = static or KeyPair(random.randbytes(32))
        self._random = random
        self._ends = ends
        self._answers = answers
        self.guests: dict[int, Guest] = {}  # by the index of the session
        self._transmits: list[tuple[bytes, Address]] = []
        self._handshakes = HandshakeResponder(
            static=self.static, random=random.randbytes, is_index_free=lambda index: index not in self.guests
        )

    def receive(self, now: float, datagrams: list[tuple[bytes, Address]]) -> None:
        """Datagrams of clients."""
        for datagram, address in datagrams:
            try:
                self._receive(now, datagram, address)
            except BadDatagram:
                continue

    def _receive(self, now: float, datagram: bytes, address: Address) -> None:
        match parse_packet_untrusted(datagram):
            case Hello() as hello:
                self._transmits.append((self._handshakes.receive_hello(now, address, hello), address))
            case Finish() as finish:
                session = self._handshakes.receive_finish(now, address, finish).session
                liar = Liar(self._random, session.remote_static, ends=self._ends)
                guest = self.guests.setdefault(session.index, Guest(session, liar))
                self.send(guest, frames.Pong(0))
            case Data() as data if (known := self.guests.get(data.index)) is not None:
                for frame in frames.parse_up_untrusted(known.session.open_untrusted(now, datagram, address)):
                    known.heard.append(frame)
                    answers = known.liar.hear(frame)
                    if self._answers and answers:
                        self.send(known, *answers)

    def latest(self) -> Guest | None:
        """The client that came last."""
        return next(reversed(self.guests.values()), None)

    def send(self, guest: Guest, *told: Down) -> None:
        """Send these frames, in as few packets as possible."""
        for body, _ in packed((encode(frame), None) for frame in told):
            self._transmits.append((guest.session.seal(body), guest.session.path.address))

    def lie(self, now: float, *, packets: int = 1, frames_max: int = 4) -> None:
        """Send so many packets of lies to each client."""
        for guest in list(self.guests.values())[-4:]:
            for _ in range(packets):
                self.send(guest, *(guest.liar.frame() for _ in range(self._random.randint(1, frames_max))))

    def drain_transmits(self) -> list[tuple[bytes, Address]]:
        """Datagrams to be sent, in order."""
        transmits, self._transmits = self._transmits, []
        return transmits
