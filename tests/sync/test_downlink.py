"""Downlink, replicas and acks together over a link that misbehaves: all arrives, once, in order, within bounds."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.link import ELSEWHERE, HERE, Link, Way
from udpchat.wire.limits import LAG_BYTES_MAX
from udpchat.wire.packets import Address

LOG = "#lobby"


def link(seed: int = 1, *, down: Way | None = None, up: Way | None = None) -> Link:
    return Link(Random(seed), down or Way(), up or Way())


def texts(count: int, size: int = 100, start: int = 1) -> list[bytes]:
    """Entries that are bytes of msgpack, each different."""
    return [b"\xc5" + size.to_bytes(2, "big") + b"%0*d" % (size, number) for number in range(start, start + count)]


def test_what_is_said_arrives_within_a_delay() -> None:
    here = link()
    here.follow(LOG)
    here.run(0.1)
    for entry in texts(10):
        here.say(LOG, entry)
        said_at = here.now
        here.run(0.05)
        assert here.arrived_at[LOG, here.stream(LOG).head] - said_at == pytest.approx(0.001)
    here.check_complete(LOG)
    assert here.downlink.next_timeout(here.now) is None, "nothing is under way, and nothing due"
    assert here.downlink.loss_detection.bytes_in_flight == 0


@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.05, 0.3, 0.6]),
    repeat=st.sampled_from([0.0, 0.5]),
    jitter_s=st.sampled_from([0.0, 0.002, 0.04]),
    history=st.integers(0, 300),
    live=st.integers(0, 40),
    size=st.sampled_from([5, 100, 1_500, 6_000]),
)
def test_over_a_bad_link_everything_arrives_once_and_in_order(
    seed: int, loss: float, repeat: float, jitter_s: float, history: int, live: int, size: int
) -> None:
    down, up = (Way(loss=loss, repeat=repeat, jitter_s=jitter_s) for _ in range(2))
    here = link(seed, down=down, up=up)
    history = history if size < 1_000 else history // 10
    here.write(LOG, texts(history, size))
    here.follow(LOG)
    for entry in texts(live, size, start=history + 1):
        here.run(here.random.choice([0.0, 0.001, 0.02]))
        here.say(LOG, entry)
    down.loss = up.loss = min(loss, 0.3)
    here.run(30.0, until=lambda: here.is_complete(LOG))
    here.check_complete(LOG)
    down.loss = up.loss = 0.0
    here.run(5.0)
    assert here.downlink.loss_detection.bytes_in_flight == 0
    assert not here.downlink.has_packets


def test_a_lost_last_message_is_repaired_soon_though_nobody_speaks_again() -> None:
    here = link()
    here.follow(LOG)
    here.run(0.2)
    for entry in texts(5):
        here.say(LOG, entry)
        here.run(0.05)
    here.down.is_open = False
    here.say(LOG, *texts(1, start=6))
    lost_at = here.now
    here.run(0.0001)
    here.down.is_open = True
    here.run(1.0, until=lambda: here.is_complete(LOG))
    assert here.now - lost_at <= 0.1  # scenario S12


@pytest.mark.parametrize("is_one_way", [True, False])
def test_after_a_blackout_it_catches_up_within_a_probe_or_two(is_one_way: bool) -> None:
    here = link()
    here.follow(LOG)
    here.run(0.2)
    here.down.is_open = False
    here.up.is_open = is_one_way
    for entry in texts(100):
        here.say(LOG, entry)
        here.run(0.02)
    here.down.is_open = here.up.is_open = True
    healed_at = here.now
    here.run(5.0, until=lambda: here.is_complete(LOG))
    assert here.now - healed_at <= 0.4
    here.check_complete(LOG)


def test_more_than_is_repaired_at_once_is_repaired_though_the_room_is_never_silent() -> None:
    here = link(down=Way(delay_s=0.02))
    here.write(LOG, texts(8_000))
    here.follow(LOG)
    here.run(5, until=lambda: here.downlink.loss_detection.bytes_in_flight > 128 * 1024)
    here.down.is_open = False  # in the middle of a fast catch-up: all that is in flight is lost, far more than 64 KiB
    assert here.downlink.loss_detection.bytes_in_flight > 128 * 1024
    here.run(0.04)
    here.down.is_open = True
    for entry in texts(1_000, start=8_001):
        here.say(LOG, entry)
        here.run(0.004)
    here.run(0.3)
    here.check_complete(LOG)


def test_a_burst_of_any_size_is_told_in_full() -> None:
    here = link()
    here.follow(LOG)
    here.run(0.1)
    here.say(LOG, *texts(2_000, 20))
    here.run(2.0)
    here.check_complete(LOG)


def test_a_slow_peer_is_not_sent_more_than_it_takes() -> None:
    slow = Way(bytes_per_s=20_000, queue_bytes=10**9)
    here = link(down=slow)
    here.follow(LOG)
    for entry in texts(4_000):
        here.say(LOG, entry)
        here.run(0.001)
        assert here.downlink.loss_detection.bytes_in_flight <= 200_000
    slow.bytes_per_s = 1e6
    slow.free_at = here.now
    here.run(30.0, until=lambda: here.is_complete(LOG))
    here.check_complete(LOG)


def test_live_messages_outrank_a_history_of_a_thousand() -> None:
    here = link(down=Way(bytes_per_s=50_000, queue_bytes=30_000, delay_s=0.01))
    here.write("#old", texts(1_000))
    here.follow("#old")
    here.follow(LOG)
    here.run(0.5)
    waits = []
    for entry in texts(20):
        here.say(LOG, entry)
        said_at = here.now
        here.run(0.05)
        waits.append(said_at)
    assert not here.is_complete("#old")
    here.run(30.0, until=lambda: here.is_complete("#old"))
    here.check_complete("#old")
    delays = sorted(here.arrived_at[LOG, number] - said for number, said in enumerate(waits, 1))
    assert delays[-1] <= 0.4


def test_the_shortest_backlog_is_read_first() -> None:
    here = link(down=Way(bytes_per_s=50_000, queue_bytes=30_000))
    here.write("#long", texts(2_000))
    here.write("#short", texts(20))
    here.follow("#long")
    here.follow("#short")
    here.run(60.0, until=lambda: here.is_complete("#short"))
    assert here.sequence("#long") < 500
    here.run(60.0, until=lambda: here.is_complete("#long"))
    here.check_complete("#long")


def test_large_entries_arrive_in_parts_among_small_ones() -> None:
    here = link(down=Way(loss=0.1), up=Way(loss=0.1))
    here.follow(LOG)
    for number in range(1, 61):
        here.say(LOG, *texts(1, 16_000 if number % 3 == 0 else 50, start=number))
        here.run(0.01)
    here.run(10.0, until=lambda: here.is_complete(LOG))
    here.check_complete(LOG)


def test_a_history_of_large_entries_is_read_in_spite_of_loss() -> None:
    here = link(down=Way(loss=0.1, delay_s=0.02), up=Way(delay_s=0.02))
    here.write(LOG, texts(200, 16_000))
    here.follow(LOG)
    here.run(60.0, until=lambda: here.is_complete(LOG))
    here.check_complete(LOG)
    assert here.down.bytes_sent < 2 * 200 * 16_000


@pytest.mark.parametrize("is_last", [True, False])
@pytest.mark.parametrize("size", [50, 3_000, 15_000])
@pytest.mark.parametrize("lost", [1, 5, 17])
def test_an_entry_that_was_replaced_while_fragments_of_it_were_lost_arrives_soon(
    lost: int, size: int, is_last: bool
) -> None:
    here = link(down=Way(delay_s=0.005), up=Way(delay_s=0.005))
    here.follow(LOG)
    here.run(0.1)
    sent = here.down.packets_sent + 17
    here.down.lost = range(sent - lost + 1, sent + 1)
    here.say(LOG, *texts(1, 16_200))
    here.replace(LOG, 1, *texts(1, size, start=9))
    if not is_last:
        here.say(LOG, *texts(1, 200, start=2))
    here.run(0.5, until=lambda: here.is_complete(LOG))
    here.check_complete(LOG)


def test_a_new_session_goes_on_where_the_replica_stands() -> None:
    here = link(down=Way(loss=0.1, repeat=0.2, jitter_s=0.01), up=Way(loss=0.1))
    here.write(LOG, texts(500))
    here.follow(LOG)
    for number in range(5):
        here.run(0.05)
        here.say(LOG, *texts(20, start=501 + 20 * number))
        here.new_session()
    here.run(10.0, until=lambda: here.is_complete(LOG))
    here.check_complete(LOG)


def test_a_replica_below_the_base_is_told_where_the_log_begins() -> None:
    here = link()
    here.write(LOG, texts(100))
    here.follow(LOG)
    here.down.is_open = False
    here.reader.prune(LOG, 60)
    here.stream(LOG).base = 60
    here.run(0.5)
    here.down.is_open = True
    here.run(2.0, until=lambda: here.is_complete(LOG))
    assert here.is_complete(LOG)
    assert [sequence for sequence, _ in here.received[LOG]] == list(range(61, 101))


def test_a_base_that_rises_while_a_replica_waits_is_told_with_the_next_ack() -> None:
    here = link(down=Way(delay_s=0.02))
    here.write(LOG, texts(3_000))
    here.follow(LOG)
    here.run(0.15)
    got = here.sequence(LOG)
    assert 0 < got < 2_000
    here.reader.prune(LOG, 2_500)
    here.stream(LOG).base = 2_500
    here.run(5.0, until=lambda: here.is_complete(LOG))
    assert here.is_complete(LOG)
    sequences = [sequence for sequence, _ in here.received[LOG]]
    assert sequences == sorted(set(sequences))
    assert set(range(2_501, 3_001)) <= set(sequences)
    written = texts(3_000)
    assert all(entry == written[sequence - 1] for sequence, entry in here.received[LOG])


def test_another_generation_is_another_replica() -> None:
    here = link()
    here.write(LOG, texts(10))
    here.follow(LOG)
    here.run(0.5)
    here.downlink.unfollow(LOG)
    here.reader.generation = 2
    del here.streams[LOG]
    here.follow(LOG)
    here.run(0.5)
    here.check_complete(LOG)
    assert here.uplink.get(LOG).generation == 2


def test_what_is_not_followed_any_more_is_not_sent_and_not_probed_for() -> None:
    here = link()
    here.follow(LOG)
    here.run(0.2)
    here.down.is_open = False
    here.say(LOG, *texts(3))
    here.downlink.unfollow(LOG)
    here.down.is_open = True
    before = here.down.packets_sent
    here.run(10.0)
    assert here.down.packets_sent == before
    assert here.downlink.next_timeout(here.now) is None
    assert not here.stream(LOG).followers


def test_what_was_under_way_on_the_former_path_goes_again_under_the_window_of_the_next() -> None:
    """From a fast path to one with little room, amid a history: no burst, and all of it arrives."""
    here = link(down=Way(delay_s=0.02, bytes_per_s=10e6, queue_bytes=10**6), up=Way(delay_s=0.02))
    here.write(LOG, texts(2_000, 1_000))
    here.follow(LOG)
    here.run(5.0, until=lambda: here.downlink.loss_detection.bytes_in_flight > 2 * LAG_BYTES_MAX)
    here.down = here.up = Way(is_open=False)
    here.run(0.02)
    here.down, here.up = Way(delay_s=0.05, bytes_per_s=200e3, queue_bytes=60_000), Way(delay_s=0.05)
    here.change_path()
    here.run(0.5)
    assert here.down.queue_s_max <= 0.15, "less than the initial window and a doubling of it"
    here.run(30.0, until=lambda: here.is_complete(LOG))
    here.check_complete(LOG)


@pytest.mark.parametrize("address", [ELSEWHERE, HERE._replace(port=2)])
def test_the_last_message_before_a_move_is_repaired_on_the_new_path_at_once(address: Address) -> None:
    here = link(down=Way(delay_s=0.3), up=Way(delay_s=0.3))
    here.follow(LOG)
    for entry in texts(5):
        here.run(1.0)
        here.say(LOG, entry)
    here.run(2.0)
    here.down.is_open = False
    here.say(LOG, *texts(1, start=6))
    here.run(0.01)
    here.down, here.up = Way(), Way()
    moved_at = here.now
    here.change_path(address)
    here.run(5.0, until=lambda: here.is_complete(LOG))
    assert here.now - moved_at <= 0.01
