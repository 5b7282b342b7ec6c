"""scripts/lossy: the pure part by its counts, the relay by real sockets."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scripts.loading import SCRIPTS, load

lossy = load("lossy")
WAIT_S_MAX = 10.0


def direction(seed: int = 1, **faults: float) -> lossy.Direction:
    return lossy.Direction(lossy.Faults(**faults), random.Random(seed))


def test_a_clean_line_changes_nothing() -> None:
    line = direction()
    assert [line.decide(2.0, 100) for _ in range(50)] == [[(2.0, False)]] * 50
    assert (line.counts.came, line.counts.lost) == (50, 0)


def test_each_fault_hits_its_share() -> None:
    line = direction(loss=0.2, duplicate=0.1, reorder=0.3, corrupt=0.05)
    copies = sum(len(line.decide(0.0, 100)) for _ in range(10_000))
    counts = line.counts
    assert counts.lost == pytest.approx(2_000, rel=0.1)
    assert counts.duplicated == pytest.approx(800, rel=0.1)  # of those that were not lost
    assert counts.reordered == pytest.approx(0.3 * copies, rel=0.1)
    assert counts.corrupted == pytest.approx(0.05 * copies, rel=0.1)
    assert counts.came + counts.duplicated == copies + counts.lost


def test_the_same_seed_decides_the_same() -> None:
    faults = {"loss": 0.2, "duplicate": 0.2, "reorder": 0.2, "corrupt": 0.2, "jitter_s": 0.1}
    one, two = direction(7, **faults), direction(7, **faults)
    assert [one.decide(0.0, 9) for _ in range(200)] == [two.decide(0.0, 9) for _ in range(200)]


def test_delay_and_jitter_bound_the_time_under_way() -> None:
    line = direction(delay_s=0.05, jitter_s=0.02)
    dues = [line.decide(1.0, 10)[0][0] for _ in range(500)]
    assert 1.05 <= min(dues) < 1.052
    assert 1.068 < max(dues) <= 1.07


def test_a_reordered_datagram_is_held_back_no_longer_than_told() -> None:
    line = direction(reorder=1.0, reorder_s=0.04)
    dues = [line.decide(0.0, 10)[0][0] for _ in range(500)]
    assert max(dues) <= 0.04
    assert dues != sorted(dues)


def test_the_rate_spaces_datagrams_and_its_queue_is_bounded() -> None:
    line = direction(bytes_per_s=1000.0)
    assert [line.decide(0.0, 500) for _ in range(3)] == [[(0.5, False)], [(1.0, False)], [(1.5, False)]]
    for _ in range(1_000):
        line.decide(0.0, 500)
    assert line.counts.dropped == 1_003 - lossy.QUEUE_BYTES_MAX // 500
    assert line.decide(1_000.0, 500) == [(1_000.5, False)], "a queue that has drained takes datagrams again"


@given(data=st.binary(min_size=1, max_size=50), seed=st.integers())
def test_corruption_changes_one_to_three_bytes(data: bytes, seed: int) -> None:
    damaged = direction(seed).corrupted(data)
    assert len(damaged) == len(data)
    assert 1 <= sum(a != b for a, b in zip(data, damaged, strict=True)) <= 3


def test_an_empty_datagram_cannot_be_corrupted() -> None:
    assert direction(corrupt=1.0).decide(0.0, 0) == [(0.0, False)]


@pytest.mark.parametrize(("text", "value"), [("0.2", 0.2), ("20%", 0.2), ("0", 0), ("1", 1), ("100%", 1)])
def test_a_share_is_a_fraction_or_a_percentage(text: str, value: float) -> None:
    assert lossy.share(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["20", "-0.1", "101%", "nan", "x", ""])
def test_other_shares_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        lossy.share(text)


@pytest.mark.parametrize("text", ["localhost", ":5000", "localhost:0", "localhost:70000", "localhost:x"])
def test_a_destination_needs_host_and_port(text: str) -> None:
    with pytest.raises(ValueError):
        lossy.address(text)


def udp_socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.settimeout(WAIT_S_MAX)
    return sock


@contextmanager
def relaying(server: socket.socket, *options: str) -> Iterator[tuple[subprocess.Popen[str], tuple[str, int]]]:
    """A relay process towards this server, and the address it listens at."""
    command = [sys.executable, str(SCRIPTS / "lossy"), "--listen", "0", "--to", f"127.0.0.1:{server.getsockname()[1]}"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as relay:
        try:
            assert relay.stdout
            word, host, port = relay.stdout.readline().strip().replace(":", " ").split()
            assert word == "ready"
            yield relay, (host, int(port))
        finally:
            relay.kill()


def counts_at_exit(relay: subprocess.Popen[str], number: int) -> dict[str, dict[str, int]]:
    relay.send_signal(number)
    out, _ = relay.communicate(timeout=WAIT_S_MAX)
    assert relay.returncode == 0
    counts: dict[str, dict[str, int]] = {}
    for line in out.splitlines():
        name, _, rest = line.partition(": ")
        counts[name] = {key: int(value) for key, value in (pair.split("=") for pair in rest.split())}
    return counts


posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that a process can take politely")


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_many_clients_each_get_their_own_answers(number: int) -> None:
    with udp_socket() as server, relaying(server, "--delay", "1") as (relay, address):
        clients = [udp_socket() for _ in range(20)]
        for index, client in enumerate(clients):
            client.sendto(b"from %d" % index, address)
        for _ in clients:
            data, source = server.recvfrom(100)
            server.sendto(b"answer " + data, source)
        for index, client in enumerate(clients):
            with client:
                assert client.recvfrom(100) == (b"answer from %d" % index, address)
        counts = counts_at_exit(relay, number)
        assert counts["up"] == counts["down"]
        assert counts["up"] == dict.fromkeys(counts["up"], 0) | {"in": 20, "out": 20}


@posix
def test_faults_are_done_in_both_directions_and_counted() -> None:
    faults = ["--loss", "20%", "--duplicate", "0.1", "--reorder", "0.2", "--corrupt", "0.1", "--seed", "5"]
    with udp_socket() as server, udp_socket() as client, relaying(server, *faults) as (relay, address):
        source = None
        for index in range(200):
            client.sendto(b"%09d" % index, address)
        while source is None:
            source = server.recvfrom(100)[1]
        for index in range(200):
            server.sendto(b"%09d" % index, source)
        client.recvfrom(100)
        client.sendto(b"last", address)
        for sock in (server, client):  # until 150 ms are quiet: every datagram has come, or never will
            sock.settimeout(0.15)
            with pytest.raises(TimeoutError):
                while True:
                    sock.recvfrom(100)
        counts = counts_at_exit(relay, signal.SIGTERM)
    for way in counts.values():
        assert way["in"] + way["duplicated"] == way["out"] + way["lost"] + way["dropped"]
        assert way["in"] in (200, 201)
        assert 20 <= way["lost"] <= 60
        assert min(way["duplicated"], way["reordered"], way["corrupted"]) > 5


def test_a_destination_that_comes_back_is_heard_again() -> None:
    with udp_socket() as server, udp_socket() as client, relaying(server) as (_, address):
        target = server.getsockname()
        server.close()
        client.sendto(b"nobody hears this", address)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as revived:
            revived.bind(target)
            revived.settimeout(0.1)
            for _ in range(50):  # the first may still be answered by the closed port
                client.sendto(b"anyone?", address)
                try:
                    assert revived.recvfrom(100)[0] in (b"anyone?", b"nobody hears this")
                    return
                except TimeoutError:
                    continue
        pytest.fail("nothing came through")


def test_a_port_in_use_is_one_line_and_exit_1() -> None:
    with udp_socket() as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, str(SCRIPTS / "lossy"), "--listen", port, "--to", "127.0.0.1:9"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S_MAX, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert port in done.stderr
