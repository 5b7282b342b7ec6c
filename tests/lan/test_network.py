"""What the networks for tests do to datagrams: each fault is there, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.lan.network import Machine, Network, network, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

SERVER, CLIENT = "10.77.0.1", "10.77.0.9"
PORT = "47747"
ECHO = """
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", int(sys.argv[1])))
print("ready", flush=True)
while True:
    data, source = s.recvfrom(2000)
    try:
        s.sendto(data, source)
    except OSError:
        pass
"""
ASK = """
import socket, sys
own, host, port, count, size = *sys.argv[1:3], *map(int, sys.argv[3:])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((own, 0))
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.settimeout(0.4)
got = []
try:
    if not host.endswith("255"):
        s.connect((host, port))
        host = ""
    for number in range(count):
        datagram = (b"%04d" % number).ljust(size)
        s.sendto(datagram, (host, port)) if host else s.send(datagram)
    while len(got) < count:
        got.append(int(s.recv(2000)[:4]))
except OSError as error:
    got.append(type(error).__name__)
print(*got)
"""


class Echo:
    """A program on a machine that sends back what it gets."""

    def __init__(self, machine: Machine) -> None:
        command = ["ip", "netns", "exec", machine.namespace, sys.executable, "-c", ECHO, PORT]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout and self._process.stdout.readline()

    def __enter__(self) -> Echo:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def ask(machine: Machine, host: str = SERVER, *, count: int = 1, size: int = 64) -> list[str]:
    """The numbers of the datagrams that came back, in order; last the name of what ended it, if not all did."""
    own = machine.addresses["eth0"][0].partition("/")[0]
    return machine.run(sys.executable, "-c", ASK, own, host, PORT, str(count), str(size)).split()


@pytest.fixture
def lan() -> Iterator[Network]:
    with network() as made:
        yield made


def pair(lan: Network) -> tuple[Machine, Machine]:
    return lan.machine("server", f"{SERVER}/24"), lan.machine("client", f"{CLIENT}/24")


def test_on_a_healthy_network_everything_comes_back_in_order(lan: Network) -> None:
    server, client = pair(lan)
    with Echo(server):
        assert ask(client, count=50) == [str(number) for number in range(50)]
        assert ask(client, "10.77.0.255") == ask(client, "255.255.255.255") == ask(client, size=1472) == ["0"]


def test_what_a_machine_drops_or_rejects_is_lost_or_refused(lan: Network) -> None:
    server, client = pair(lan)
    with Echo(server):
        server.receives_no(f"udp dport {PORT} meta pkttype broadcast")
        assert ask(client, "255.255.255.255") == ["TimeoutError"] and ask(client) == ["0"]
        client.sends_no(f"udp dport {PORT} udp length > 500")
        assert ask(client, size=600) == ["PermissionError"] and ask(client) == ["0"]
        server.rejects(f"udp dport {PORT}")
        assert ask(client) == ["ConnectionRefusedError"]


def test_a_switch_drops_what_it_is_told_to_and_isolates_machines(lan: Network) -> None:
    server, client = pair(lan)
    gateway = lan.machine("gateway", "10.77.0.254/24")
    with Echo(server), Echo(gateway):
        lan.passes_no(f"ether daddr ff:ff:ff:ff:ff:ff udp dport {PORT}")
        assert ask(client, "255.255.255.255") == ["TimeoutError"] and ask(client) == ["0"]
        lan.isolates(server, client)
        assert ask(client) != ["0"] and ask(client, "10.77.0.254") == ["0"]


def test_a_narrow_port_loses_what_is_longer(lan: Network) -> None:
    server, client = pair(lan)
    lan.has_narrow_port(server, 1000)
    with Echo(server):
        assert ask(client, size=900) == ["0"] and ask(client, size=1200) == ["TimeoutError"]


def test_a_part_of_the_packets_is_lost(lan: Network) -> None:
    server, client = pair(lan)
    client.receives_no("meta l4proto udp numgen random mod 100 < 20")
    with Echo(server):
        assert 100 < len(ask(client, count=200)) < 190


def test_frames_are_delayed_and_overtake_each_other(lan: Network) -> None:
    server, client = pair(lan)
    with Echo(server), lan.delaying(client, 0.05, at_once=0.3):
        came = [int(number) for number in ask(client, count=30)]
    assert sorted(came) == list(range(30)) != came


def test_a_machine_of_another_network_is_reached_by_a_router_only(lan: Network) -> None:
    server, client = pair(lan)
    with network() as other:
        other.connect(client, "10.78.0.254/24")
        client.set("net/ipv4/ip_forward", "1")
        far = other.machine("far", "10.78.0.7/24")
        far.has_gateway("10.78.0.254")
        with Echo(server):
            assert ask(far) == ["TimeoutError"]
            server.has_gateway(CLIENT)
            assert ask(far) == ["0"] and ask(far, "255.255.255.255") == ["TimeoutError"]


def test_a_machine_gets_another_address(lan: Network) -> None:
    server, client = pair(lan)
    with Echo(server):
        server.readdress("10.77.0.50/24")
        assert ask(client) != ["0"] and ask(client, "10.77.0.50") == ["0"]


def test_nothing_is_left_also_after_a_failure() -> None:
    with pytest.raises(subprocess.CalledProcessError), network() as made:
        machine = made.machine("server")
        machine.ip("no such thing")
    left = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    assert made.namespace not in left and machine.namespace not in left
