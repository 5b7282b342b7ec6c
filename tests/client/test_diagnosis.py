"""The table of checks: what is observed, what is found wrong, and whether one can chat."""

from __future__ import annotations

import pytest

from tests.client.runs import SOURCE, in_order, run_of
from udpchat.client.diagnosis import (
    CHECKS,
    FRAGMENTS,
    LINK_LOCAL,
    TO_ALL,
    UNICAST,
    Contact,
    Interface,
    Observed,
    Own,
    Served,
    judge,
    judge_server,
    no_server,
)
from udpchat.client.probe_runs import Run
from udpchat.client.server_search import FoundServer, Way
from udpchat.ui.doctor_report import report_lines
from udpchat.ui.phrases import text_of
from udpchat.wire.limits import PROTOCOL_VERSION
from udpchat.wire.packets import Address

KEY, OTHER = "a" * 32, "b" * 32
ETH0 = Interface("eth0", ("10.77.0.9/24", "fe80::9%eth0/64"))
TUN0 = Interface("tun0", ("10.9.0.2/24",), "tunnel")
OWN = Own((ETH0,), "10.77.0.9", frozenset({"10.77.0.1"}), frozenset(), 0, 0, 400_000)
FOUND = FoundServer(KEY, "den", 2, PROTOCOL_VERSION, (SOURCE,), (Way.BROADCAST, Way.MULTICAST))
ANSWERED, SILENT = in_order(50, 50), in_order(50, 0)
ONE, NONE = in_order(1, 1), in_order(6, 0)
SIZES = {1000: ONE, 1200: ONE, 1472: ONE}
HEALTHY = Observed(
    OWN, "10.77.0.1:47747", SOURCE, Contact("serves", KEY, KEY),
    {UNICAST: ANSWERED, LINK_LOCAL: ONE, FRAGMENTS: ONE}, SIZES, (FOUND,),
)  # fmt: skip
DEAD = HEALTHY.changed(contact=Contact("silence"), runs={UNICAST: SILENT}, sizes={}, found=())
ALONE = DEAD.changed(own=OWN.changed(neighbours=frozenset({"10.77.0.254"}), gateways=frozenset({"10.77.0.254"})))
NOWHERE = Observed(OWN, found=())
FAR = Address("10.78.0.7", 47747)
UNBROADCAST = HEALTHY.changed(found=(FOUND.changed(ways=(Way.MULTICAST,)),))
BACK_DROPPED = UNBROADCAST.changed(
    runs={**HEALTHY.runs, TO_ALL: run_of(12, [(number, number + 1) for number in range(1, 12, 2)])}
)


def unicast(run: Run) -> Observed:
    return HEALTHY.changed(runs={**HEALTHY.runs, UNICAST: run})


CASES = {
    "healthy": (HEALTHY, "", True),
    "first contact": (HEALTHY.changed(contact=Contact("serves", KEY)), "", True),
    "a server that answers no probes": (
        HEALTHY.changed(runs={UNICAST: SILENT}, sizes={}, found=()), "", True,
    ),
    "a server that has no IPv6": (
        HEALTHY.changed(runs={UNICAST: ANSWERED}, found=(FOUND.changed(ways=(Way.BROADCAST,)),)), "", True,
    ),
    "a server elsewhere": (HEALTHY.changed(place=FAR, server="far", found=()), "", True),
    "a server here": (
        HEALTHY.changed(place=Address("127.0.0.1", 5), own=OWN.changed(interfaces=()), found=()), "interfaces", True,
    ),
    "a system that says nothing": (
        HEALTHY.changed(own=Own((ETH0,), "10.77.0.9")), "", True,
    ),
    "a VPN and containers": (
        HEALTHY.changed(own=OWN.changed(interfaces=(ETH0, TUN0))), "", True,
    ),
    "two lost": (unicast(in_order(50, 48)), "", True),
    "one overtaken": (unicast(run_of(50, [(1, 1), (0, 2), *((n, n + 1) for n in range(2, 50))])), "", True),
    "silence of a neighbour": (DEAD, "reach firewall", False),
    "silence of a far host": (DEAD.changed(place=FAR, server="far"), "reach firewall", False),
    "silence of nobody": (DEAD.changed(own=OWN.changed(neighbours=frozenset({"10.77.0.5"}))), "reach", False),
    "own firewall": (DEAD.changed(own=OWN.changed(firewalled=50)), "reach firewall", False),
    "packets held in": (DEAD.changed(contact=Contact("forbidden")), "reach firewall", False),
    "rejected": (DEAD.changed(contact=Contact("no_host")), "reach firewall", False),
    "refused": (DEAD.changed(contact=Contact("refused")), "reach refused", False),
    "a server at another port": (
        DEAD.changed(contact=Contact("refused"), place=SOURCE._replace(port=5), found=(FOUND,)), "reach refused", False,
    ),
    "isolated": (ALONE, "reach isolation", False),
    "nobody found, and alone": (NOWHERE.changed(own=ALONE.own), "reach", False),
    "nobody found": (NOWHERE, "reach", False),
    "no such name": (NOWHERE.changed(server="den"), "reach", False),
    "no address": (
        NOWHERE.changed(own=OWN.changed(interfaces=(Interface("eth0", ("169.254.3.4/16",)),))), "address reach", False,
    ),
    "no interface": (NOWHERE.changed(own=OWN.changed(interfaces=())), "address interfaces reach", False),
    "no route": (
        DEAD.changed(contact=Contact("no_route"), place=FAR), "address reach", False,
    ),
    "a stray": (
        DEAD.changed(contact=Contact("no_route"), place=FAR, found=(FOUND.changed(addresses=(FAR,)),)), "address reach",
        False,
    ),
    "a detour": (
        DEAD.changed(own=OWN.changed(interfaces=(ETH0, TUN0), source="10.9.0.2")),
        "interfaces reach", False,
    ),
    "no broadcasts": (UNBROADCAST, "broadcast", True),
    "answers to broadcasts dropped here": (BACK_DROPPED, "broadcast", True),
    "no multicasts": (HEALTHY.changed(found=(FOUND.changed(ways=(Way.BROADCAST,)),)), "multicast", True),
    "by mDNS too": (HEALTHY.changed(found=(FOUND.changed(ways=(*FOUND.ways, Way.MDNS)),)), "", True),
    "a narrow path": (
        HEALTHY.changed(sizes={1000: ONE, 1200: NONE}, runs={**HEALTHY.runs, FRAGMENTS: NONE}), "mtu", False,
    ),
    "a path that divides": (HEALTHY.changed(sizes={1000: ONE, 1200: NONE}), "", True),
    "a fifth lost each way": (unicast(run_of(50, [(n, max(n - 9, 0) + 1) for n in range(32)])), "loss", True),
    "many overtaken": (
        unicast(run_of(50, [(n ^ 1, n + 1) for n in range(50)])), "reordering", True,
    ),
    "slow": (unicast(run_of(20, [(n, n + 1) for n in range(20)], round_trips_s=[0.5] * 20)), "round_trip", True),
    "a clock that is wrong": (unicast(run_of(20, [(n, n + 1) for n in range(20)], ahead_s=-3_600)), "clock", True),
    "a small buffer": (HEALTHY.changed(own=OWN.changed(buffer_bytes=8_192)), "buffers", True),
    "a full buffer": (HEALTHY.changed(own=OWN.changed(overruns=3)), "buffers", True),
    "another key": (HEALTHY.changed(contact=Contact("serves", KEY, OTHER)), "key", False),
    "a later version": (
        unicast(run_of(20, [(n, n + 1) for n in range(20)], version=9)).changed(contact=Contact("other_version")),
        "version", False,
    ),
    "an older version that knows no probes": (
        HEALTHY.changed(contact=Contact("other_version"), runs={UNICAST: SILENT}, sizes={}), "version", False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_named_and_nothing_else(name: str) -> None:
    observed, wrong, can_chat = CASES[name]
    findings = judge(observed)
    assert [finding.check for finding in findings] == list(CHECKS)
    assert sorted(each.check for each in findings if each.ok is False) == sorted(wrong.split())
    assert observed.can_chat == can_chat
    assert all(each.advice for each in findings if each.ok is False), "who reads what is wrong wants to know what to do"
    assert report_lines(findings, findings[0].seen), "every one of them can be said"


def advice_of(observed: Observed, check: str) -> str:
    [finding] = [each for each in judge(observed) if each.check == check]
    return " ".join(map(text_of, finding.advice))


@pytest.mark.parametrize("strangers", [0, 12])
def test_only_what_the_server_counted_shows_that_answers_to_broadcasts_are_dropped_here(strangers: int) -> None:
    """As found: packets for nobody, as those of a group that no program here has joined, were taken for them."""
    own = OWN.changed(firewalled=strangers, firewall="nft")
    assert "udp sport" not in advice_of(UNBROADCAST.changed(own=own), "broadcast")
    assert "sport" in advice_of(BACK_DROPPED.changed(own=own), "broadcast")


@pytest.mark.parametrize(
    ("firewall", "here", "there"),
    [
        ("ufw", "sudo ufw allow proto udp from any port 47747", "sudo ufw allow 47747/udp"),
        ("firewalld", "--add-source-port=47747/udp", "--add-port=47747/udp"),
        ("nft", "udp sport 47747 accept", "udp dport 47747 accept"),
        ("iptables", "--sport 47747 -j ACCEPT", "--dport 47747 -j ACCEPT"),
        ("windows", "-RemotePort 47747", "-LocalPort 47747"),
        ("macos", "socketfilterfw", "socketfilterfw"),
        ("pf", "from any port 47747", "to port 47747"),
    ],
)
def test_the_command_for_a_firewall_is_that_of_this_system(firewall: str, here: str, there: str) -> None:
    own = OWN.changed(firewall=firewall)
    assert here in advice_of(DEAD.changed(own=own.changed(firewalled=50)), "firewall")
    assert there in advice_of(DEAD.changed(own=own), "firewall")
    assert "47747" in advice_of(DEAD.changed(own=own, contact=Contact("forbidden")), "firewall")


def test_a_mask_is_looked_at_with_the_command_of_this_system() -> None:
    stray = CASES["a stray"][0]
    for firewall, command in (("ufw", "ip address"), ("macos", "ifconfig"), ("windows", "ipconfig")):
        assert command in advice_of(stray.changed(own=OWN.changed(firewall=firewall)), "address")


def test_a_server_counts_what_was_lost_for_want_of_room_since_its_start() -> None:
    def wrong(observed: Observed, served: Served) -> list[str]:
        findings = judge_server(observed, served)
        assert report_lines(findings, findings[0].seen)
        return [each.check for each in findings if each.ok is False]

    assert wrong(HEALTHY, Served({"forged": 3}, 5, 7)) == [], "a few in a storm that is over"
    assert wrong(HEALTHY, Served({}, None)) == []
    assert wrong(HEALTHY, Served({}, 500)) == ["buffers"]
    assert wrong(CASES["refused"][0], Served({}, 0)) == ["reach", "refused"]
    [none] = no_server("/data")
    assert none.ok is False and report_lines([none], none.seen)
