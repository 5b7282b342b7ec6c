"""What `udpchat doctor` says on healthy networks and on broken ones: what is broken is named, and nothing else."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import documents
from tests.documents import README
from tests.lan.network import Machine, Network, network, why_not
from tests.shell.waiting import Program, url_of

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

SERVER, CLIENT, GATEWAY = "10.77.0.1", "10.77.0.9", "10.77.0.254"
PORT = 47747
DOCTOR = ("udpchat", ("doctor",))
AT_ONCE = 5  # networks, which mostly wait
FLOOD = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(30_000):
    s.sendto(bytes(600), (sys.argv[1], int(sys.argv[2])))
"""
PROBED = f"udp dport {PORT}"


@dataclass
class Lan:
    """A server and a client that are to be broken."""

    network: Network
    server: Machine
    client: Machine
    serving: Program
    url: str
    undo: contextlib.ExitStack
    data: Path  # of the client


@dataclass
class Case:
    """How to break a network; what the doctor finds wrong then; words of what it says; whether one can chat."""

    breaks: Callable[[Lan], object]
    wrong: str = ""
    says: str = ""
    ok: bool = False
    doctor: tuple[str, ...] = (SERVER,)
    module: str = "udpchat"
    server: str = f"{SERVER}/24"
    client: str = f"{CLIENT}/24"


def nothing(lan: Lan) -> None:
    """Leave it healthy."""


def isolated(lan: Lan) -> None:
    gateway = lan.network.machine("gateway", f"{GATEWAY}/24")
    lan.client.has_gateway(GATEWAY)
    lan.network.isolates(lan.server, lan.client)
    assert gateway.name


def without_fragments(lan: Lan) -> None:
    lan.client.ip("link", "set", "dev", "eth0", "mtu", "1000")
    lan.server.drop("prerouting", "ip frag-off & 0x3fff != 0")


def with_another_key(lan: Lan) -> None:
    (lan.data / "known_servers").write_text(f"{SERVER}:{PORT} {'a' * 32}\n")


def narrow_everywhere(lan: Lan) -> None:
    for machine in (lan.server, lan.client):
        machine.ip("link", "set", "dev", "eth0", "mtu", "1000")


def moved(lan: Lan) -> None:
    (lan.data / "last_server").write_text(f"udpchat://10.77.0.55:{PORT}\n")
    (lan.data / "known_servers").write_text(f"10.77.0.55:{PORT} {lan.url.partition('#')[2]}\n")


def behind_a_vpn(lan: Lan) -> None:
    lan.client.ip("link", "add", "name", "tun0", "type", "veth", "peer", "name", "tun1")
    lan.client.ip("link", "set", "dev", "tun1", "up")
    lan.client.ip("link", "set", "dev", "tun0", "up")
    lan.client.ip("address", "add", "10.99.0.2/24", "dev", "tun0")
    lan.client.ip("route", "add", f"{SERVER}/32", "dev", "tun0", "src", "10.99.0.2")


def in_another_subnet(lan: Lan) -> None:
    other = lan.undo.enter_context(network())
    router = lan.network.machine("router", f"{GATEWAY}/24")
    router.set("net/ipv4/ip_forward", "1")
    other.connect(router, "10.78.0.254/24")
    lan.server.has_gateway(GATEWAY)
    lan.client = other.machine("far", "10.78.0.7/24")
    lan.client.has_gateway("10.78.0.254")


def overtaking(lan: Lan) -> None:
    lan.undo.enter_context(lan.network.delaying(lan.client, 0.08, at_once=0.3))


CASES = {
    "healthy": Case(nothing, ok=True),
    "healthy, and the server is found": Case(nothing, ok=True, doctor=()),
    "healthy, on the server's own machine": Case(lambda lan: setattr(lan, "client", lan.server), ok=True),
    "healthy, by its host name": Case(nothing, ok=True, doctor=(f"udpchat://{SERVER}:{PORT}",)),
    "healthy, in another subnet": Case(in_another_subnet, ok=True),
    "healthy, and the server used last has another address": Case(moved, ok=True, doctor=()),
    "narrow interfaces, and fragments pass": Case(narrow_everywhere, ok=True),
    "UDP dropped at the server": Case(
        lambda lan: lan.server.receives_no("meta l4proto udp"),
        "firewall reach",
        f"{SERVER} is there, and its firewall drops",
    ),
    "UDP dropped at the client": Case(
        lambda lan: lan.client.receives_no("meta l4proto udp"), "firewall reach", "the firewall of this machine drops"
    ),
    "UDP kept in at the client": Case(
        lambda lan: lan.client.sends_no(PROBED), "firewall reach", "does not let the packets out"
    ),
    "UDP rejected at the server": Case(
        lambda lan: lan.server.rejects(PROBED), "reach refused", "a firewall refuses in its place"
    ),
    "UDP forbidden at the server": Case(
        lambda lan: lan.server.rejects(PROBED, reason="admin-prohibited"), "firewall reach", "its firewall rejects"
    ),
    "broadcasts blocked": Case(
        lambda lan: lan.network.passes_no(f"ether daddr ff:ff:ff:ff:ff:ff {PROBED}"),
        "broadcast",
        "no broadcast",
        ok=True,
    ),
    "multicasts blocked": Case(
        lambda lan: lan.network.passes_no(f"ether daddr 33:33:75:64:70:63 {PROBED}"),
        "multicast",
        "no multicast",
        ok=True,
    ),
    "a stateful firewall at the client": Case(
        lambda lan: lan.client.has_stateful_firewall(), "broadcast multicast", "sport 47747 accept", ok=True
    ),
    "machines isolated": Case(isolated, "isolation reach", "only the router answers"),
    "a wrong port": Case(nothing, "reach refused", f"a server there has port {PORT}", doctor=(f"{SERVER}:5000",)),
    "a wrong mask at the client": Case(nothing, "address reach", "wrong address or mask", client="10.77.0.200/25"),
    "a wrong mask, and no server named": Case(
        nothing, "address reach", "wrong address or mask", doctor=(), client="10.77.0.200/25"
    ),
    "a narrow port of the switch": Case(
        lambda lan: lan.network.has_narrow_port(lan.server, 1000), "mtu", "more than 800 bytes are lost"
    ),
    "a narrow interface, and fragments dropped": Case(without_fragments, "mtu", "more than 800 bytes are lost"),
    "a fifth lost": Case(
        lambda lan: lan.network.passes_no("meta l4proto udp numgen random mod 100 < 20"),
        "loss",
        "on the way back",
        ok=True,
    ),
    "overtaking after 80 ms": Case(overtaking, "reordering", "overtaken", ok=True),
    "another key": Case(with_another_key, "key", f"{'a' * 32} is known for it"),
    "another version": Case(nothing, "version", "speaks 5 version", module="tests.lan.other_version"),
    "a VPN in the way": Case(behind_a_vpn, "interfaces reach", "leaves by tun0"),
    "no server": Case(lambda lan: lan.network.passes_no(PROBED), "reach", "none was found", doctor=()),
}


@contextlib.contextmanager
def broken(case: Case, folder: Path) -> Iterator[Lan]:
    """A network with a server, as the case wants it."""
    data = folder / "client"
    data.mkdir(parents=True)
    with contextlib.ExitStack() as undo:
        lan = undo.enter_context(network())
        server, client = lan.machine("server", case.server), lan.machine("client", case.client)
        options = ("server", "--data", folder / "server")
        serving = undo.enter_context(Program(*options, module=case.module, within=server.namespace))
        made = Lan(lan, server, client, serving, url_of(serving), undo, data)
        case.breaks(made)
        yield made


def examined(case: Case, folder: Path) -> tuple[str, bool, bool]:
    """The checks that the doctor finds wrong there, whether it says what it should, and whether one can chat."""
    with broken(case, folder) as lan:
        found, code = report_of(lan.client, "doctor", *case.doctor, "--data", lan.data)
    assert (code == 0) == found["ok"] and code in (0, 3)
    wrong = [each for each in found["findings"] if each["ok"] is False]
    texts = " ".join(f"{each['text']} {each['advice']}" for each in wrong)
    assert all(each["advice"] for each in wrong)
    return " ".join(wrong_in(found)), case.says in texts or texts, found["ok"]


def report_of(machine: Machine, *words: str | Path) -> tuple[dict[str, Any], int]:
    """What a doctor reports on this machine, and its exit code."""
    with Program(*words, "--json", within=machine.namespace) as doctor:
        found = json.loads(doctor.line())
        return found, doctor.code()


def wrong_in(found: dict[str, Any]) -> list[str]:
    """The checks that a doctor finds wrong."""
    return sorted(each["check"] for each in found["findings"] if each["ok"] is False)


@pytest.mark.timeout(180)
def test_what_is_broken_is_named_and_nothing_else(tmp_path: Path) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        results = threads.map(lambda name: examined(CASES[name], tmp_path / name), CASES)
        found = dict(zip(CASES, results, strict=True))
    assert found == {name: (case.wrong, True, case.ok) for name, case in CASES.items()}


def test_a_server_is_told_what_it_has_lost_for_want_of_room_and_nothing_else(tmp_path: Path) -> None:
    with broken(CASES["healthy"], tmp_path) as lan:
        folder = ("--data", tmp_path / "server")
        found, code = report_of(lan.server, "server", "doctor", *folder)
        assert (code, found["ok"]) == (0, True) and not wrong_in(found)
        lan.serving.process.send_signal(signal.SIGSTOP)
        lan.client.run(sys.executable, "-c", FLOOD, SERVER, str(PORT))
        lan.serving.process.send_signal(signal.SIGCONT)
        found, code = report_of(lan.server, "server", "doctor", *folder)
        assert (code, found["ok"]) == (0, True) and wrong_in(found) == ["buffers"]
        lan.serving.process.terminate()
        lan.serving.code()
        found, code = report_of(lan.server, "server", "doctor", *folder)
        assert (code, found["ok"]) == (3, False) and wrong_in(found) == ["reach"]


def test_a_person_is_told_what_is_shown_in_the_readme(tmp_path: Path) -> None:
    [shown] = [one for one in documents.command_lines(README, ()) if (one.program, one.arguments[:1]) == DOCTOR]
    host = shown.arguments[1]
    case = Case(lambda lan: lan.server.receives_no("meta l4proto udp"), server=f"{host}/24", client="192.168.1.37/24")
    with (
        broken(case, tmp_path) as lan,
        Program(*shown.arguments, "--data", lan.data, within=lan.client.namespace) as doctor,
    ):
        assert doctor.code() == 3
        printed = " ".join(documents.on_one_line(line) for line in doctor.rest_of(doctor.out))
    start = [number for number, line in enumerate(shown.shown) if not line.startswith(" ")]
    for first, end in zip(start, [*start[1:], None], strict=True):
        assert documents.on_one_line(" ".join(shown.shown[first:end])) in printed
