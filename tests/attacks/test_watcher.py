"""Row 8: a watcher on the path who forges Resets, Cookies, HelloReplies and Finishes ends nobody's session.

A session that lives, and a handshake with the server that is pinned, end by time-out only, whatever key, address or
packet else is shown to the client (SPEC 2, 3).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from random import Random

from tests.attacks.watcher import CHANGED, Watcher, pinned_world
from tests.sim.network import LAN, Address
from tests.sim.world import SERVER, World
from udpchat.chat import events
from udpchat.session.noise import fingerprint
from udpchat.wire.limits import (
    COOKIE_BYTES,
    FINISHES_MAX,
    FIRST_CONTACT_S,
    KEY_PATIENCE_LIVE_S,
    KEY_PATIENCE_S,
    PROTOCOL_VERSION,
)
from udpchat.wire.packets import (
    NO_COOKIE,
    Cookie,
    Finish,
    Hello,
    HelloReply,
    Kind,
    Reset,
    parse_packet_untrusted,
)


def test_one_forged_reset_and_one_forged_reply_leave_a_live_session_as_it_was() -> None:
    world = pinned_world(1)
    alice, bob = world.add_clients(2)
    world.run(3)
    watcher = Watcher(world)
    watcher.on_up.append(watcher.answer_hello)
    session = alice.session
    watcher.send_down(alice.address, Reset(session.peer_index).encode())
    world.run(1)
    assert not alice.core.is_over and not alice.of(events.Rejected) and not alice.of(events.Disconnected)
    alice.say("still here")
    world.settle(limit_s=2)
    assert bob.texts() == ["still here"]


def test_resets_and_replies_without_end_do_not_end_a_live_session_nor_tell_of_a_loss() -> None:
    world = pinned_world(2)
    alice, bob = world.add_clients(2)
    world.run(3)
    watcher = Watcher(world)
    watcher.on_up.append(watcher.answer_hello)
    for number in range(600):
        watcher.send_down(alice.address, Reset(alice.session.peer_index).encode())
        if number % 50 == 0:
            alice.say(f"line {number}")
        world.run(0.05)
    world.settle(limit_s=2)
    assert len(bob.texts()) == 12
    assert not alice.of(events.Rejected) and not alice.of(events.Disconnected)


def test_a_client_that_comes_in_waits_for_the_key_it_has_pinned() -> None:
    world = pinned_world(3)
    watcher = Watcher(world)
    watcher.on_up.append(watcher.answer_hello)
    alice = world.add_client("alice")
    world.run_until(lambda: alice.is_in, limit_s=1)
    assert not alice.of(events.Rejected)


def test_one_reply_of_another_key_while_the_server_is_away_ends_nothing() -> None:
    world = pinned_world(4)
    watcher = Watcher(world)
    world.server.pause()
    alice = world.add_client("alice")
    watcher.answer_hello(alice.address, watcher.of(Kind.HELLO)[0])
    world.run(10 * KEY_PATIENCE_S)
    assert not alice.of(events.Rejected)
    world.server.resume()
    world.run_until(lambda: alice.is_in, limit_s=2)


def test_a_key_that_is_shown_for_as_long_as_the_patience_lasts_and_no_other_is_reported_as_changed() -> None:
    world = pinned_world(5)
    other = Watcher(world).static.public
    world.wishes["check_server"] = lambda key: None if key == other else CHANGED
    alice = world.add_client("alice")
    world.run(0.9 * KEY_PATIENCE_S)
    assert not alice.of(events.Rejected)
    world.run_until(lambda: bool(alice.of(events.Rejected)), limit_s=KEY_PATIENCE_S)
    assert alice.of(events.Rejected) == [events.Rejected(CHANGED.key, CHANGED.values)]
    assert alice.core.is_over and not len(world.server.core.chat.registry)


def test_who_had_a_session_outlasts_a_failure_of_the_server_though_another_key_answers_all_the_time() -> None:
    world = pinned_world(11)
    (alice,) = world.add_clients(1)
    watcher = Watcher(world)
    watcher.on_up.append(watcher.answer_hello)
    world.server.pause()
    alice.say("hello?")
    world.run(0.8 * KEY_PATIENCE_LIVE_S)
    assert not alice.of(events.Rejected) and len(watcher.of(Kind.HELLO, source=alice.address)) > 10
    world.server.resume()
    world.settle(limit_s=3)
    world.server.pause()
    alice.say("hello again?")
    world.run_until(lambda: bool(alice.of(events.Rejected)), limit_s=KEY_PATIENCE_LIVE_S + 5)


def test_forged_cookies_do_not_keep_a_client_out() -> None:
    """The first is spent at once, so it costs a round trip; of all that come after it, none is preferred."""
    world = pinned_world(6)
    watcher = Watcher(world)

    def forge(client: Address, data: bytes) -> None:
        hello = parse_packet_untrusted(data)
        if isinstance(hello, Hello):
            for delay_s in (0.0, 0.001, 0.01):  # before the true one, and after it
                forged = Cookie(PROTOCOL_VERSION, hello.sender_index, watcher.random.randbytes(COOKIE_BYTES)).encode()
                world.network.inject(world.now, SERVER, client, forged, delay_s=delay_s)

    watcher.on_up.append(forge)
    for number in range(10):
        client = world.add_client(f"peer{number}")
        world.run_until(partial(getattr, client, "is_in"), limit_s=20)


def test_forged_copies_of_a_finish_do_not_keep_a_client_out() -> None:
    """They are counted, cost no curve operation, and the true Finish behind them is taken."""
    world = pinned_world(7)
    watcher = Watcher(world)

    def forge(client: Address, data: bytes) -> None:
        if data[0] == Kind.FINISH:
            finish = parse_packet_untrusted(data)
            assert isinstance(finish, Finish)
            for number in range(4 * FINISHES_MAX):
                wrong = bytearray(finish.noise)
                wrong[-1 - number % len(wrong)] ^= 1
                watcher.send_up(client, Finish(finish.receiver_index, bytes(wrong)).encode())

    watcher.on_up.append(forge)
    alice = world.add_client("alice")
    world.run_until(lambda: alice.is_in, limit_s=0.5)


RELAY = Address("10.9.9.8", 5)


def test_who_relays_a_hello_faster_than_it_comes_does_not_keep_a_client_out() -> None:
    """As found: the answer to the relay's Hello was good for the client too, but not from the client's address."""
    world = pinned_world(11)
    watcher = Watcher(world)
    hellos: dict[int, Hello] = {}

    def ask(client: Address, data: bytes) -> None:
        """The same Hello from the relay's own address: first without a cookie, to be given one."""
        hello = parse_packet_untrusted(data) if data[0] == Kind.HELLO else None
        if isinstance(hello, Hello) and client != RELAY:
            hellos[hello.sender_index] = hello
            watcher.send_up(RELAY, Hello(hello.version, hello.sender_index, hello.ephemeral).encode())

    def answer(client: Address, data: bytes) -> None:
        packet = parse_packet_untrusted(data) if client == RELAY else None
        if isinstance(packet, Cookie):
            hello = hellos[packet.receiver_index]
            watcher.send_up(RELAY, Hello(hello.version, hello.sender_index, hello.ephemeral, packet.cookie).encode())
        elif isinstance(packet, HelloReply):
            replies.append(data)
            watcher.send_down(alice_address, data)

    alice_address, replies = Address("alice", 1), list[bytes]()
    watcher.on_up.append(ask)
    watcher.on_down.append(answer)
    alice = world.add_client("alice", address=alice_address)
    world.run_until(lambda: alice.is_in, limit_s=1.0)
    assert replies, "and faster than the server's own"


def test_who_repeats_a_hello_under_another_cookie_does_not_keep_a_client_out() -> None:
    """Both cookies are those of the client's address and key: the server answers each Hello for itself."""
    world = World(Random(12), replace(LAN, delay_s=0.01))
    watcher = Watcher(world)

    def spoof(client: Address, data: bytes) -> None:
        hello = parse_packet_untrusted(data) if data[0] == Kind.HELLO else None
        if isinstance(hello, Hello) and hello.cookie == NO_COOKIE:
            world.network.inject(world.now, client, SERVER, data, delay_s=0.012)  # behind it: another time, and cookie
            hellos[hello.sender_index] = hello

    def use(client: Address, data: bytes) -> None:
        packet = parse_packet_untrusted(data)
        if isinstance(packet, Cookie):
            cookies.append(packet.cookie)
        if isinstance(packet, Cookie) and len(cookies) == 2:
            hello = hellos[packet.receiver_index]
            watcher.send_up(client, Hello(hello.version, hello.sender_index, hello.ephemeral, packet.cookie).encode())

    hellos: dict[int, Hello] = {}
    cookies: list[bytes] = []
    watcher.on_up.append(spoof)
    watcher.on_down.append(use)
    alice = world.add_client("alice")
    world.run_until(lambda: alice.is_in, limit_s=0.15)
    assert len(set(cookies)) == 2


def test_a_forged_reset_does_not_make_a_client_leave_without_a_goodbye() -> None:
    world = pinned_world(8)
    alice, bob = world.add_clients(2)
    watcher = Watcher(world)
    world.run(3)
    watcher.send_down(alice.address, Reset(alice.session.peer_index).encode())
    world.run(0.0001)
    alice.do("quit")
    world.run(1)
    assert alice.core.is_over
    (left,) = bob.of(events.MemberLeft)
    assert isinstance(left, events.MemberLeft) and left.reason == "quit"


def test_at_first_contact_the_faster_of_two_servers_is_not_believed_and_learns_nothing() -> None:
    world = World(Random(9))
    world.wishes["is_first_contact"] = lambda: True
    watcher = Watcher(world)
    watcher.on_up.append(watcher.answer_hello)
    alice = world.add_client("alice")
    world.run(FIRST_CONTACT_S + 0.1)
    (rejected,) = alice.of(events.Rejected)
    assert isinstance(rejected, events.Rejected) and rejected.key == "server_key.several"
    keys = (watcher.static.public, world.server.static.public)
    assert rejected.values["shown"] == tuple(map(fingerprint, keys))
    assert alice.core.is_over and not watcher.of(Kind.FINISH)


def test_at_first_contact_one_server_is_believed_after_a_moment() -> None:
    world = World(Random(10))
    world.wishes["is_first_contact"] = lambda: True
    alice = world.add_client("alice")
    world.run_until(lambda: alice.is_in, limit_s=FIRST_CONTACT_S + 0.2)
