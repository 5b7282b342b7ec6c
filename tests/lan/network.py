"""Networks for tests: machines are network namespaces, a switch is a bridge in a namespace of its own.

    with network() as lan:
        server = lan.machine("server", "10.77.0.1/24")
        client = lan.machine("client", "10.77.0.9/24")
        server.receives_no("meta l4proto udp")
        with Program("server", within=server.namespace) ...

Nothing outside these namespaces is touched, and all of them are gone at the end of the `with`. What a network does
wrong is written as conditions of nft(8); delay and reordering come from a process (`wire`): not every kernel has netem.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache

from tests.shell.waiting import Program

COMMAND_S_MAX = 10.0
PREFIX = "udpchat"
SYSCTLS = {  # of each machine: addresses can be used at once, and no setting of this computer decides what is routed
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv6/conf/all/disable_ipv6": "0",
    "net/ipv6/conf/default/disable_ipv6": "0",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv4/ip_forward": "0",
}
_numbers = itertools.count()


class Namespace:
    """One namespace; `name` tells it from the others of its test."""

    def __init__(self, name: str) -> None:
        self.namespace = f"{PREFIX}-{os.getpid()}-{next(_numbers)}-{name}"

    def ip(self, *arguments: str) -> None:
        """`ip` in it."""
        _run("ip", "-n", self.namespace, *arguments)

    def run(self, *command: str, given: str = "") -> str:
        """The output of a command that is run in it, with this on its standard input."""
        return _run("ip", "netns", "exec", self.namespace, *command, given=given)

    def drop(self, hook: str, condition: str, *, verdict: str = "drop", family: str = "inet") -> None:
        """Have nft drop what fits, at this hook, as `input` or `forward`."""
        priority = -450 if hook == "prerouting" else 0  # before fragments are put together
        chain = f"chain {hook} {{ type filter hook {hook} priority {priority}; {condition} {verdict}; }}"
        self.run("nft", "-f", "-", given=f"table {family} t{next(_numbers)} {{ {chain}; }}\n")

    def set(self, sysctl: str, value: str) -> None:
        """Set a sysctl of the network."""
        self.run("tee", f"/proc/sys/{sysctl}", given=value)


class Machine(Namespace):
    """A computer of a network. Its interfaces are eth0, eth1 ..., in the order of being connected."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name
        self.addresses: dict[str, tuple[str, ...]] = {}  # by interface

    def receives_no(self, condition: str) -> None:
        """Its firewall drops such packets without a word when they come in."""
        self.drop("input", condition)

    def sends_no(self, condition: str) -> None:
        """They are dropped when they go out."""
        self.drop("output", condition)

    def rejects(self, condition: str, *, reason: str = "port-unreachable") -> None:
        """They are refused when they come in, with an ICMP message."""
        self.drop("input", condition, verdict=f"reject with icmpx type {reason}")

    def has_stateful_firewall(self) -> None:
        """What was not asked for is dropped, as most firewalls of a workstation do; ICMPv6 keeps its neighbours."""
        rules = "iif lo accept; ct state established,related accept; meta l4proto { icmp, ipv6-icmp } accept; drop"
        chain = f"chain input {{ type filter hook input priority 0; {rules}; }}"
        self.run("nft", "-f", "-", given=f"table inet firewall {{ {chain}; }}\n")

    def readdress(self, *addresses: str, interface: str = "eth0") -> None:
        """Its addresses there are these from now on."""
        for address in self.addresses.get(interface, ()):
            self.ip("address", "del", address, "dev", interface)
        for address in addresses:
            self.ip("address", "add", address, "dev", interface, *["nodad"] * (":" in address))
        self.addresses[interface] = addresses

    def has_gateway(self, host: str) -> None:
        """What is of no network of its own goes to this router."""
        self.ip("route", "add", "default", "via", host)


class Network(Namespace):
    """A switch, and the machines at it."""

    def __init__(self, undo: contextlib.ExitStack) -> None:
        super().__init__("switch")
        self._undo = undo
        _make(self, undo)
        self.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        self.ip("link", "set", "br0", "up")

    def machine(self, name: str, *addresses: str) -> Machine:
        """Another machine at it, with these addresses, as `10.77.0.1/24`."""
        made = Machine(name)
        _make(made, self._undo)
        for sysctl, value in SYSCTLS.items():
            made.set(sysctl, value)
        made.ip("link", "set", "lo", "up")
        self.connect(made, *addresses)
        return made

    def connect(self, machine: Machine, *addresses: str) -> None:
        """One more interface of this machine is at this switch."""
        interface, port = f"eth{len(machine.addresses)}", port_of(machine)
        peer = ["peer", "name", interface, "netns", machine.namespace]
        self.ip("link", "add", "name", port, "type", "veth", *peer)
        self.ip("link", "set", "dev", port, "master", "br0", "up")
        machine.ip("link", "set", "dev", interface, "up")
        machine.readdress(*addresses, interface=interface)

    def passes_no(self, condition: str) -> None:
        """It drops such frames."""
        self.drop("forward", condition, family="bridge")

    def isolates(self, *machines: Machine) -> None:
        """These reach each other no more, as on the Wi-Fi of guests."""
        for machine in machines:
            self.ip("link", "set", "dev", port_of(machine), "type", "bridge_slave", "isolated", "on")

    def has_narrow_port(self, machine: Machine, mtu: int) -> None:
        """Longer packets to and from this machine are lost there, without a word."""
        self.ip("link", "set", "dev", port_of(machine), "mtu", str(mtu))

    @contextlib.contextmanager
    def delaying(self, machine: Machine, delay_s: float, *, at_once: float = 0.0) -> Iterator[None]:
        """What goes to and from it takes so long, but for this share of the frames, which overtake the others."""
        port = port_of(machine)
        self.ip("link", "add", "name", "wire0", "type", "veth", "peer", "name", "wire1")
        self.ip("link", "set", "dev", port, "nomaster")
        self.ip("link", "set", "dev", "wire1", "master", "br0", "up")
        self.ip("link", "set", "dev", "wire0", "up")
        arguments = (port, "wire0", str(delay_s), str(at_once))
        with Program(*arguments, module="tests.lan.wire", within=self.namespace) as wire:
            wire.line(where="ready")
            yield


def port_of(machine: Machine) -> str:
    """The interface of a switch at which a machine is."""
    return f"to-{machine.name}"


@cache
def why_not() -> str:
    """Why no such network can be made here; empty if they can."""
    if sys.platform != "linux":
        return "network namespaces are a thing of Linux"
    for command, package in (("ip", "iproute2"), ("nft", "nftables")):
        if not shutil.which(command):
            return f"the command {command} is missing (Debian: apt install {package})"
    try:
        with network() as lan:
            lan.machine("probe").receives_no("meta l4proto udp")
            return ""
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        return f"no network namespace can be made (root is needed): {said.strip()}"


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """A switch without machines."""
    with contextlib.ExitStack() as undo:
        yield Network(undo)


def _make(namespace: Namespace, undo: contextlib.ExitStack) -> None:
    _run("ip", "netns", "add", namespace.namespace)
    undo.callback(_run, "ip", "netns", "del", namespace.namespace)  # and its interfaces with it


def _run(*command: str, given: str = "") -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=COMMAND_S_MAX, input=given)
    return done.stdout
