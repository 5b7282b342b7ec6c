"""Servers are found by themselves on networks of this machine's own kernel: on each way, moved, by name, and by two."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.lan.network import Machine, Network, network, why_not
from tests.shell.waiting import LIMIT_S, Program, url_of, wait_for
from udpchat.shell.net import mdns

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

SERVER, OTHER, CLIENT = "10.77.0.1/24", "10.77.0.2/24", "10.77.0.9/24"
NO_BROADCAST = "ip daddr { 255.255.255.255, 10.77.0.255 } udp dport 47747"
NO_MULTICAST = "ip6 daddr ff12::7564:7063"
NO_MDNS = "udp dport 5353"


@pytest.fixture
def lan() -> Iterator[Network]:
    with network() as made:
        yield made


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """Programs that end with the test."""
    with ExitStack() as ending:
        yield ending




def serve(running: ExitStack, machine: Machine, data: Path, *options: str) -> Program:
    server = running.enter_context(Program("server", "--data", data, *options, within=machine.namespace))
    url_of(server)
    return server


def stop(server: Program) -> None:
    server.process.terminate()
    assert server.code() == 0


def chat(machine: Machine, data: Path, *options: str, code: int = 0) -> tuple[list[dict[str, object]], str]:
    """A client that says one line: its events, and what else it printed."""
    words = ("--nick", "alice", "--data", data, "--json", *options)
    with Program("client", *words, within=machine.namespace) as client:
        client.type("hello")
        client.end_input()
        assert client.code() == code, client.rest_of(client.err)
        printed = "\n".join(client.rest_of(client.err))
        return [json.loads(line) for line in client.rest_of(client.out)], printed


def sent_to(happened: list[dict[str, object]]) -> object:
    """The server with which a line was confirmed."""
    [connected] = [event for event in happened if event["event"] == "connected"]
    assert [event["text"] for event in happened if event["event"] == "sent"] == ["hello"]
    return connected["server"]


@pytest.mark.parametrize(
    ("way", "blocked"),
    [
        ("broadcast", (NO_MULTICAST, NO_MDNS)),
        ("multicast", (NO_BROADCAST, NO_MDNS)),
        pytest.param(
            "mDNS",
            (NO_BROADCAST, NO_MULTICAST),
            marks=pytest.mark.skipif(not mdns.IS_INSTALLED, reason="the library zeroconf is not installed"),
        ),
    ],
)
def test_a_server_is_found_by_each_way_alone(
    lan: Network, running: ExitStack, tmp_path: Path, way: str, blocked: tuple[str, ...]
) -> None:
    server, client = lan.machine("server", SERVER, "fe80::1/64"), lan.machine("client", CLIENT, "fe80::9/64")
    for condition in blocked:
        lan.passes_no(condition)
    serve(running, server, tmp_path / "server", "--name", "den")
    happened, printed = chat(client, tmp_path / "client")
    assert f"found by {way}\n" in printed
    assert sent_to(happened) in ("udpchat://10.77.0.1:47747", "udpchat://[fe80::1%eth0]:47747")


def test_where_nothing_passes_and_where_there_is_none_nothing_is_found(lan: Network, tmp_path: Path) -> None:
    client = lan.machine("client", CLIENT)
    happened, _ = chat(client, tmp_path, code=3)
    assert [event["code"] for event in happened] == ["no_server"]


def test_a_server_of_another_subnet_is_found_at_its_remembered_address_only(
    lan: Network, running: ExitStack, tmp_path: Path
) -> None:
    with network() as away:
        router = lan.machine("router", "10.77.0.254/24")
        away.connect(router, "10.78.0.254/24")
        router.set("net/ipv4/ip_forward", "1")
        server, client = away.machine("server", "10.78.0.1/24"), lan.machine("client", CLIENT)
        server.has_gateway("10.78.0.254")
        client.has_gateway("10.77.0.254")
        serve(running, server, tmp_path / "server")
        chat(client, tmp_path / "client", code=3)
        chat(client, tmp_path / "client", "--server", "10.78.0.1")
        happened, _ = chat(client, tmp_path / "client")
        assert sent_to(happened) == "udpchat://10.78.0.1:47747"


def test_a_server_that_moved_is_followed_with_what_was_stored_though_another_has_its_address(
    lan: Network, running: ExitStack, tmp_path: Path
) -> None:
    server, client = lan.machine("server", SERVER), lan.machine("client", CLIENT)
    den = serve(running, server, tmp_path / "server", "--name", "den")
    assert sent_to(chat(client, tmp_path / "client")[0]) == "udpchat://10.77.0.1:47747"
    stop(den)
    server.readdress(OTHER)
    stranger = lan.machine("stranger", SERVER)
    serve(running, stranger, tmp_path / "stranger", "--name", "attic")
    serve(running, server, tmp_path / "server", "--name", "den")
    happened, printed = chat(client, tmp_path / "client", "--history", "10")
    assert sent_to(happened) == "udpchat://10.77.0.2:47747"
    assert "the server used last, 10.77.0.1:47747, is at 10.77.0.2:47747 now" in printed
    assert (tmp_path / "client" / "last_server").read_text() == "10.77.0.2:47747\n"
    assert len(list((tmp_path / "client" / "clients").glob("*/*.sqlite"))) == 1


def test_a_running_client_follows_its_server_to_another_address_and_nobody_else(
    lan: Network, running: ExitStack, tmp_path: Path
) -> None:
    server, client = lan.machine("server", SERVER), lan.machine("client", CLIENT)
    serve(running, server, tmp_path / "server", "--name", "den", "--heartbeat", "0.5")
    words = ("--nick", "alice", "--data", tmp_path / "client", "--json", "--follow")
    alice = running.enter_context(Program("client", *words, within=client.namespace))
    alice.line(where='"connected"')
    serve(running, lan.machine("impostor", "10.77.0.3/24"), tmp_path / "impostor", "--name", "den")
    server.readdress(OTHER)
    alice.type("where are you?")
    assert json.loads(alice.line(where='"disconnected"'))["reason"]
    assert "udpchat://10.77.0.2:47747" in alice.line(where='"moved"')
    alice.line(where='"reconnected"')
    assert json.loads(alice.line(where='"sent"'))["text"] == "where are you?"


def test_an_impostor_with_the_name_of_a_known_server_is_refused_and_the_known_one_used(
    lan: Network, running: ExitStack, tmp_path: Path
) -> None:
    server, client = lan.machine("server", SERVER), lan.machine("client", CLIENT)
    den = serve(running, server, tmp_path / "server", "--name", "den")
    chat(client, tmp_path / "client")
    serve(running, lan.machine("impostor", OTHER), tmp_path / "impostor", "--name", "Den")
    assert sent_to(chat(client, tmp_path / "client")[0]) == "udpchat://10.77.0.1:47747"
    stop(den)
    happened, printed = chat(client, tmp_path / "client", code=4)
    assert [event["code"] for event in happened] == ["impostor"]
    assert "ANOTHER KEY" in printed and "10.77.0.2" in printed


def test_of_two_servers_a_pipe_uses_none_and_gets_both_and_the_list_of_servers_has_both(
    lan: Network, running: ExitStack, tmp_path: Path
) -> None:
    client = lan.machine("client", CLIENT)
    for name, address in (("den", SERVER), ("attic", OTHER)):
        serve(running, lan.machine(name, address), tmp_path / name, "--name", name)
    happened, printed = chat(client, tmp_path / "client", code=3)
    assert [event["code"] for event in happened] == ["no_server"]
    assert "den at udpchat://10.77.0.1:47747" in printed and "attic at udpchat://10.77.0.2:47747" in printed
    with Program("servers", "--json", within=client.namespace) as servers:
        assert servers.code() == 0
        listed = [json.loads(line) for line in servers.rest_of(servers.out)]
    assert {each["name"]: each["server"] for each in listed} == {
        "den": "udpchat://10.77.0.1:47747",
        "attic": "udpchat://10.77.0.2:47747",
    }


def test_two_who_host_or_join_at_the_same_time_end_on_one_server(
    lan: Network, running: ExitStack, tmp_path: Path
) -> None:
    people = {"ada": lan.machine("ada", SERVER), "bob": lan.machine("bob", OTHER)}
    programs = {}
    try:
        for nick, machine in people.items():
            words = ("--nick", nick, "--data", tmp_path / nick, "--json", "--follow")
            programs[nick] = running.enter_context(Program(*words, within=machine.namespace))
        for program in programs.values():
            program.line(where='"connected"')
        [ada], [bob] = (wait_for(lambda p=each: p.events("connected"), LIMIT_S, "in") for each in programs.values())
        assert ada["fingerprint"] == bob["fingerprint"]
        programs["ada"].type("hello bob")
        programs["bob"].line(where="hello bob")
    finally:
        for nick, machine in people.items():
            with Program("stop", "--data", tmp_path / nick, within=machine.namespace) as stopping:
                stopping.code()
