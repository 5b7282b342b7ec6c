"""Clients that look for servers, on networks where only one way leads there, or several servers answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lan.network import Machine, Network, network, why_not
from tests.shell.waiting import Program, url_of
from udpchat.shell.addresses import ServerAddress, parse_server
from udpchat.shell.data_folder import last_server
from udpchat.shell.net.mdns import IS_INSTALLED

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

SERVER, CLIENT, GATEWAY = "10.77.0.1", "10.77.0.9", "10.77.0.254"
NO_BROADCASTS = "ether daddr ff:ff:ff:ff:ff:ff udp dport 47747"
NO_MULTICASTS = "ether daddr 33:33:75:64:70:63 udp dport 47747"
NO_MDNS = "udp dport 5353"
BLOCKED = {  # for each way, what else leads there
    "broadcast": (NO_MULTICASTS, NO_MDNS),
    "multicast": (NO_BROADCASTS, NO_MDNS),
    "mdns": (NO_BROADCASTS, NO_MULTICASTS),
}
needs_mdns = pytest.mark.skipif(not IS_INSTALLED, reason="zeroconf is not installed")


@pytest.fixture
def lan() -> Iterator[Network]:
    with network() as made:
        yield made


@contextmanager
def serving(machine: Machine, data: Path, *options: str) -> Iterator[ServerAddress]:
    with Program("server", "--data", data, *options, within=machine.namespace) as server:
        yield parse_server(url_of(server))


def chats(machine: Machine, data: Path, *options: str) -> tuple[int, str, str]:
    """A client that says nothing and leaves: its exit code, the server it entered, and what it told its person."""
    with Program("client", "--nick", "alice", "--json", "--data", data, *options, within=machine.namespace) as client:
        client.end_input()
        code = client.code()
        said = " ".join(client.rest_of(client.err))
        entered = [str(event["server"]) for event in client.events("connected")]
    return code, "".join(entered), said


def listed(machine: Machine) -> list[dict[str, Any]]:
    """What `udpchat servers` lists."""
    with Program("servers", "--json", within=machine.namespace) as listing:
        assert listing.code() in (0, 3)
        return [json.loads(line) for line in listing.rest_of(listing.out)]


def pair(lan: Network) -> tuple[Machine, Machine]:
    return lan.machine("server", f"{SERVER}/24"), lan.machine("client", f"{CLIENT}/24")


@pytest.mark.parametrize("way", ["broadcast", "multicast", pytest.param("mdns", marks=needs_mdns)])
def test_a_server_is_found_where_one_way_alone_leads_there(lan: Network, tmp_path: Path, way: str) -> None:
    server, client = pair(lan)
    for condition in BLOCKED[way]:
        lan.passes_no(condition)
    with serving(server, tmp_path / "server", "--name", "den") as url:
        [found] = listed(client)
        assert found["ways"] == [way] and found["name"] == "den" and found["fingerprint"] == url.fingerprint
        code, entered, _ = chats(client, tmp_path / "client")
    assert code == 0 and entered.startswith("udpchat://")


def test_where_no_way_leads_there_the_one_used_last_is_joined_and_nobody_else_gets_in(
    lan: Network, tmp_path: Path
) -> None:
    server, client = pair(lan)
    for condition in (NO_BROADCASTS, NO_MULTICASTS, NO_MDNS):
        lan.passes_no(condition)
    with serving(server, tmp_path / "server"):
        assert listed(client) == []
        code, _, said = chats(client, tmp_path / "other")
        assert code == 3 and "--server" in said
        assert chats(client, tmp_path / "client", "--server", SERVER)[0] == 0
        assert chats(client, tmp_path / "client")[:2] == (0, f"udpchat://{SERVER}:47747")


def test_two_servers_are_a_list_and_no_choice_for_a_script(lan: Network, tmp_path: Path) -> None:
    server, client = pair(lan)
    other = lan.machine("other", "10.77.0.2/24")
    with serving(server, tmp_path / "1", "--name", "den"), serving(other, tmp_path / "2", "--name", "attic"):
        code, entered, said = chats(client, tmp_path / "client")
        assert (code, entered) == (3, "") and "den" in said and "attic" in said
        assert {found["name"] for found in listed(client)} == {"den", "attic"}


def test_in_another_subnet_a_server_is_not_found_but_joined_by_its_address_and_then_again(
    lan: Network, tmp_path: Path
) -> None:
    server = lan.machine("server", f"{SERVER}/24")
    router = lan.machine("router", f"{GATEWAY}/24")
    router.set("net/ipv4/ip_forward", "1")
    server.has_gateway(GATEWAY)
    with network() as other, serving(server, tmp_path / "server"):
        other.connect(router, "10.78.0.254/24")
        client = other.machine("client", "10.78.0.7/24")
        client.has_gateway("10.78.0.254")
        assert chats(client, tmp_path / "client")[0] == 3
        assert chats(client, tmp_path / "client", "--server", SERVER)[0] == 0
        assert chats(client, tmp_path / "client")[:2] == (0, f"udpchat://{SERVER}:47747")


def test_a_server_that_has_another_address_is_followed_by_its_key(lan: Network, tmp_path: Path) -> None:
    server, client = pair(lan)
    with serving(server, tmp_path / "server"):
        assert chats(client, tmp_path / "client")[0] == 0
    server.readdress("10.77.0.50/24")
    with serving(server, tmp_path / "server"):
        assert chats(client, tmp_path / "client")[:2] == (0, "udpchat://10.77.0.50:47747")
    last = last_server(tmp_path / "client")
    assert last is not None and last.host == "10.77.0.50"


def test_an_impostor_is_refused_beside_the_true_server_and_without_it(lan: Network, tmp_path: Path) -> None:
    server, client = pair(lan)
    impostor = lan.machine("impostor", "10.77.0.66/24")
    with serving(server, tmp_path / "server", "--name", "den"):
        assert chats(client, tmp_path / "client")[0] == 0
        with serving(impostor, tmp_path / "impostor", "--name", "den"):
            assert chats(client, tmp_path / "client")[:2] == (0, f"udpchat://{SERVER}:47747")
    (tmp_path / "client" / "last_server").unlink()
    with serving(impostor, tmp_path / "impostor", "--name", "den") as url:
        code, entered, said = chats(client, tmp_path / "client")
    assert (code, entered) == (4, "") and url.fingerprint in said


def test_an_impostor_at_the_address_of_a_known_server_is_refused(lan: Network, tmp_path: Path) -> None:
    server, client = pair(lan)
    with serving(server, tmp_path / "server", "--name", "den") as url:
        assert chats(client, tmp_path / "client")[0] == 0
    with serving(server, tmp_path / "impostor", "--name", "den"):
        code, entered, said = chats(client, tmp_path / "client")
    assert code == 4 and entered == "" and url.fingerprint in said
