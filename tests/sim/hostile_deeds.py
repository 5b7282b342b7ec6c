"""What hostile members do, by name: each a burst of well-formed things, of which an honest client sends none or few."""

from __future__ import annotations

from tests.sim.hostile import Deed, HostileNode, request_frames
from tests.sim.network import Address
from tests.sim.order_deeds import ORDER_DEEDS
from tests.sim.wellformed import REQUESTS, UP, draw
from udpchat.chat.amendments import TAKEN_BACK
from udpchat.chat.ids import ROOM_PREFIX, message_id
from udpchat.session.noise import KeyPair
from udpchat.storage.entry_words import message_of
from udpchat.wire import frames, requests
from udpchat.wire.content import EDIT, REACTION, REDACTION, TEXT, Extra, Message, Reason
from udpchat.wire.frames import AckedPackets, Cursor, encode
from udpchat.wire.limits import ACK_RANGES_MAX, FRAMES_MAX, KEY_BYTES, PROTOCOL_VERSION, REQUESTS_IN_FLIGHT_MAX
from udpchat.wire.packets import Finish, Hello

LARGE = "large " * 600
REACTIONS = ("\u2665", "\u2b50", "\U0001f600\u200d\u2764\ufe0f", "no emoji", "\u202e", "\u200d")
PORTS = range(2_000, 2_006)  # of its host, from which it sends as well


def _log(node: HostileNode) -> str:
    log: str = node.random.choice(node.known.values["log"])
    return log


def _room(node: HostileNode) -> str:
    room: str = node.random.choice(node.known.values["room"])
    return room


def _head(node: HostileNode, log: str) -> frames.Head:
    return node.heads.get(log, frames.Head(log, 0, 0, 0, 0))


# --- Requests and frames at any rate ----------


def _ask_anything(node: HostileNode) -> None:
    node.ask(*(draw(node.random, node.random.choice(REQUESTS), node.known) for _ in range(node.random.randint(1, 64))))


def _send_anything(node: HostileNode) -> None:
    """Ack and Goodbye too: its session ends more often than not."""
    node.send(*(draw(node.random, node.random.choice(UP), node.known) for _ in range(node.random.randint(1, 20))))


def _talk(node: HostileNode) -> None:
    texts = [
        node.random.choice(("", LARGE)) + str(node.counter + number) for number in range(node.random.randint(1, 20))
    ]
    node.ask(*(requests.Say(_room(node), 0, text) for text in texts))


def _amend(node: HostileNode) -> None:
    """React to, edit and remove what is in a room, whoever said it, and what is not there; edits of edits too."""
    room = _room(node)
    log = node.world.server.log
    extent = log.extent(ROOM_PREFIX + room)
    for _ in range(node.random.randint(1, REQUESTS_IN_FLIGHT_MAX)):
        sequence = node.random.randint(extent.base, max(extent.head, extent.base) + 2)
        found = [message_of(entry) for entry in log.read(ROOM_PREFIX + room, sequence, 1)]
        identity = found[0].id if found and isinstance(found[0], Message) else node.random.randbytes(8)
        kind = node.random.choice((TEXT, REACTION, REACTION, EDIT, EDIT, REDACTION))
        text = node.random.choice(REACTIONS) if kind == REACTION else node.random.choice(("other", LARGE))
        about = Extra(identity, node.random.choice((b"", b"", TAKEN_BACK)), sequence, node.random.choice((0, 0, 1)))
        node.ask(requests.Say(room, kind, text, about))


def _tell_everybody(node: HostileNode) -> None:
    people = [client.nick for client in node.world.clients] + [each.nick for each in node.world.strangers]
    node.ask(*(requests.Tell(nick, 0, "hear, hear") for nick in people))


def _claim_nicks(node: HostileNode) -> None:
    node.ask(*(requests.Rename(f"{node.nick}{node.random.randrange(100)}") for _ in range(10)))


def _set_topics(node: HostileNode) -> None:
    node.ask(*(requests.SetTopic(_room(node), node.random.randbytes(50).hex()) for _ in range(20)))


def _change_presence(node: HostileNode) -> None:
    node.ask(*(requests.SetAway(node.random.choice((None, "gone", "x" * 200))) for _ in range(32)))


def _join_and_part(node: HostileNode) -> None:
    for _ in range(8):
        room = _room(node)
        node.send(frames.Follow(ROOM_PREFIX + room))
        node.ask(requests.Part(room))


def _of_its_own(node: HostileNode) -> requests.ListHolders:
    """Who has something that it may have said, where that may be?"""
    log = _log(node)
    said = message_id(node.instance, node.random.randint(1, node.counter + 1))
    return requests.ListHolders(log, node.random.randint(1, _head(node, log).head + 1), said)


def _look_up(node: HostileNode) -> None:
    """The dearest questions there are, as many as go."""
    words = " ".join("abcdefgh")
    questions = (
        requests.Search(words, None, None, 0),
        requests.GetHistory(_log(node), None, None, 200),
        requests.ListRooms(""),
        requests.ListMembers(_room(node), ""),
        requests.Whois(node.random.choice(node.world.clients).nick),
        _of_its_own(node),
    )
    node.ask(*node.random.choices(questions, k=REQUESTS_IN_FLIGHT_MAX))


def _open_rooms(node: HostileNode) -> None:
    names = [node.random.randbytes(6).hex() for _ in range(40)]
    node.send(*(frames.Follow(ROOM_PREFIX + name) for name in names))
    node.ask(*(requests.Say(name, 0, "mine") for name in names[:8]))


def _repeat_small_frames(node: HostileNode) -> None:
    log = _log(node)
    choices: tuple[frames.Up, ...] = (
        frames.Ping(7), frames.Enter(node.nick, ""), frames.Follow(log), frames.Typing(log),
        frames.GetReceipt(log, 1), frames.PathReply(bytes(8)),
    )  # fmt: skip
    node.send(*[node.random.choice(choices)] * FRAMES_MAX * node.random.randint(1, 8))


# --- Lies about what it has ----------


def _ack_what_was_not_sent(node: HostileNode) -> None:
    """The end of its session."""
    log = _log(node)
    head = _head(node, log)
    beyond = Cursor(log, head.generation, head.head + 1_000, [])
    packets = AckedPackets(node.largest + 10_000, 0, 0, 0)
    node.send(frames.Ack(*node.random.choice(((packets, []), (None, [beyond])))))


def _ack_one_by_one(node: HostileNode) -> None:
    """Every packet by an ack of its own, the oldest first, each as late and as reordered as an ack may claim."""
    first = max(node.largest - 300, 0)
    counters = range(first, node.largest + 1)
    late, reordering = node.random.choice(((0, 0), (10_000_000, 1_000)))
    node.send(*(frames.Ack(AckedPackets(counter, 0, late, reordering), []) for counter in counters))


def _move_cursors(node: HostileNode) -> None:
    """To and fro: what it had, it has no more."""
    acks = []
    for _ in range(FRAMES_MAX):
        head = _head(node, _log(node))
        sequence = node.random.choice((0, head.head, node.random.randint(0, head.head)))
        acks.append(frames.Ack(None, [Cursor(head.log, head.generation, sequence, [])]))
    node.send(*acks)


def _claim_ranges(node: HostileNode) -> None:
    """Every other entry."""
    head = _head(node, _log(node))
    start = node.random.randint(0, max(head.head - 2 * ACK_RANGES_MAX, 0))
    ranges = [(at, at) for at in range(start + 2, head.head, 2)][:ACK_RANGES_MAX]
    node.send(*[frames.Ack(None, [Cursor(head.log, head.generation, start, ranges)])] * 8)


def _only_listen(node: HostileNode) -> None:
    """Follow everything there is, and acknowledge nothing."""
    names = {ROOM_PREFIX + room.name for room in node.world.server.view.chat.rooms}
    node.send(frames.Ping(1), *map(frames.Follow, sorted(names)[:64]))


def _withhold(node: HostileNode) -> None:
    """All of a window but its first, in full size; and fragments of what is never finished."""
    first = node.counter + 1
    counters = range(first + 1, first + REQUESTS_IN_FLIGHT_MAX)
    body = requests.Say(_room(node), 0, LARGE)
    parts = [frame for counter in counters for frame in request_frames(counter, first, body)]
    leaves_out = node.random.random() < 0.5
    for datagram in node.seal(*(part for number, part in enumerate(parts) if not leaves_out or number % 4)):
        node.send_raw(datagram)


# --- Sessions and addresses ----------


def _roam(node: HostileNode) -> None:
    """Each packet from another address, of its own host and of others."""
    for number in range(node.random.randint(1, 20)):
        host = node.random.choice((node.address.host, f"far{number}"))
        source = Address(host, node.random.choice(PORTS))
        node.send_from(source, node.seal(encode(frames.Ping(number + 1))))


def _repeat_itself(node: HostileNode) -> None:
    """What it sent before, in this session and in others: a Finish too, from here and from elsewhere."""
    for datagram in node.random.choices(node.sent, k=10) if node.sent else []:
        if node.random.random() < 0.5:
            node.send_raw(datagram)
        else:
            node.send_from(Address(node.address.host, node.random.choice(PORTS)), [datagram])


def _come_and_go(node: HostileNode) -> None:
    if node.random.random() < 0.7:
        node.send(frames.Goodbye(Reason.QUIT))
    node.connect(static=node.random.choice((None, KeyPair(node.random.randbytes(KEY_BYTES)))))


def _half_open(node: HostileNode) -> None:
    """Handshakes that get as far as the server keeps something, and what is no Finish."""
    for _ in range(10):
        ephemeral = KeyPair(node.random.randbytes(KEY_BYTES)).public
        index = node.random.getrandbits(32)
        node.hellos[index] = ephemeral
        node.send_raw(Hello(PROTOCOL_VERSION, index, ephemeral).encode())
    for cookie in node.cookies:
        if (known := node.hellos.pop(cookie.receiver_index, None)) is not None:
            node.send_raw(Hello(PROTOCOL_VERSION, cookie.receiver_index, known, cookie.cookie).encode())
    node.cookies.clear()
    node.send_raw(Finish(node.random.getrandbits(32), node.random.randbytes(100)).encode())


DEEDS: dict[str, Deed] = {
    "asks anything": _ask_anything,
    "sends anything": _send_anything,
    "talks": _talk,
    "amends": _amend,
    "tells everybody": _tell_everybody,
    "claims nicks": _claim_nicks,
    "sets topics": _set_topics,
    "changes presence": _change_presence,
    "joins and parts": _join_and_part,
    "looks up": _look_up,
    "opens rooms": _open_rooms,
    "repeats small frames": _repeat_small_frames,
    "acks what was not sent": _ack_what_was_not_sent,
    "acks one by one": _ack_one_by_one,
    "moves cursors": _move_cursors,
    "claims ranges": _claim_ranges,
    "only listens": _only_listen,
    "withholds": _withhold,
    "roams": _roam,
    "repeats itself": _repeat_itself,
    "comes and goes": _come_and_go,
    "half opens": _half_open,
    **ORDER_DEEDS,
}
