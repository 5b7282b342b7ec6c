from __future__ import annotations

import pytest

from udpchat.shell import interfaces
from udpchat.shell.interfaces import LocalHost, hosts_to_name, is_loopback, local_hosts, reachable_hosts, source_host

LOOPBACK = (LocalHost("127.0.0.1", 8), LocalHost("::1", 128))
PRIVATE, OTHER_PRIVATE = LocalHost("192.168.7.5", 24), LocalHost("10.1.2.3", 16)
PUBLIC = LocalHost("8.8.4.4", 24)
SELF_ASSIGNED = LocalHost("169.254.9.9", 16)
UNIQUE_LOCAL, GLOBAL = LocalHost("fd00:7::5", 64), LocalHost("2a00:7::5", 64)
LINK_LOCAL = LocalHost("fe80::5%eth0", 64)
ALL = (*LOOPBACK, LINK_LOCAL, SELF_ASSIGNED, UNIQUE_LOCAL, GLOBAL, PUBLIC, OTHER_PRIVATE, PRIVATE)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


class Machine:
    """Has the addresses given, all of them up but `down`; the default routes lead out from `defaults`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch

    def has(self, *local: LocalHost, defaults: tuple[str, ...] = (), down: tuple[LocalHost, ...] = ()) -> None:
        def choose(peer: str) -> str:
            if peer in interfaces.FAR_AWAY:
                return next((host for host in defaults if (":" in host) == (":" in peer)), "")
            near = [one for one in local if one not in down and peer[:4] == one.host[:4]]
            return near[0].host if near else ""

        self._patch.setattr(interfaces, "local_hosts", lambda: list(local))
        self._patch.setattr(interfaces, "source_host", choose)


def test_the_address_of_the_default_route_comes_first(machine: Machine) -> None:
    machine.has(*ALL, defaults=("10.1.2.3", "2a00:7::5"))
    assert reachable_hosts() == ["10.1.2.3", "192.168.7.5", "8.8.4.4", "2a00:7::5", "fd00:7::5"]


def test_without_a_gateway_a_private_address_comes_first_and_the_systems_order_holds(machine: Machine) -> None:
    machine.has(*ALL)
    assert reachable_hosts() == ["10.1.2.3", "192.168.7.5", "8.8.4.4", "fd00:7::5", "2a00:7::5"]


def test_link_local_addresses_are_named_only_if_there_is_nothing_else(machine: Machine) -> None:
    machine.has(*LOOPBACK, LINK_LOCAL, SELF_ASSIGNED)
    assert reachable_hosts() == ["169.254.9.9", "fe80::5%eth0"]


def test_an_interface_that_is_down_is_not_named(machine: Machine) -> None:
    machine.has(*LOOPBACK, PRIVATE, OTHER_PRIVATE, down=(PRIVATE,))
    assert reachable_hosts() == ["10.1.2.3"]


def test_a_tunnel_has_no_neighbours_and_is_named(machine: Machine) -> None:
    machine.has(LocalHost("10.8.0.6", 32), LocalHost("fd00:8::6", 128))
    assert reachable_hosts() == ["10.8.0.6", "fd00:8::6"]


@pytest.mark.parametrize(
    ("bound", "named"),
    [
        (["::"], ["192.168.7.5", "fd00:7::5"]),
        (["0.0.0.0"], ["192.168.7.5"]),
        (["0.0.0.0", "fd00:7::5"], ["192.168.7.5", "fd00:7::5"]),
        (["127.0.0.1"], ["127.0.0.1"]),
        (["::1", "127.0.0.1"], ["::1", "127.0.0.1"]),
        (["127.0.0.1", "fd00:7::5", "192.168.7.5"], ["192.168.7.5", "fd00:7::5"]),
    ],
)
def test_a_server_names_what_it_is_bound_to_best_first(machine: Machine, bound: list[str], named: list[str]) -> None:
    machine.has(*LOOPBACK, PRIVATE, UNIQUE_LOCAL)
    assert hosts_to_name(bound) == named


def test_a_machine_without_a_network_names_itself(machine: Machine) -> None:
    machine.has(*LOOPBACK)
    assert hosts_to_name(["::"]) == ["127.0.0.1"] and is_loopback("127.0.0.1") and is_loopback("::1")
    assert not is_loopback("fe80::1%eth0")


def test_the_addresses_of_this_machine_include_loopback() -> None:
    assert "127.0.0.1" in [local.host for local in local_hosts()]
    assert source_host("127.0.0.1") == "127.0.0.1" and source_host("no host") == ""


def test_a_system_that_lists_no_addresses_has_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> list[object]:
        raise OSError("not here")

    monkeypatch.setattr(interfaces.ifaddr, "get_adapters", fail)
    assert local_hosts() == list(LOOPBACK)
