from __future__ import annotations

from pathlib import Path

import pytest

from udpchat.shell.net import machine

SNMP = """Ip: Forwarding InReceives InDelivers ForwDatagrams
Ip: 2 100 80 5
Udp: InDatagrams RcvbufErrors
Udp: 60 4
"""
ARP = """IP address       HW type     Flags       HW address            Mask     Device
10.77.0.1        0x1         0x2         02:fc:00:00:00:05     *        eth0
10.77.0.7        0x1         0x0         00:00:00:00:00:00     *        eth0
"""
ROUTE = """Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
eth0 00000000 FE004D0A 0003 0 0 0 00000000 0 0 0
eth0 00004D0A 00000000 0001 0 0 0 00FFFFFF 0 0 0
"""
UDP = """   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode ref drops
    2: 00000000:BA83 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 934125 2 17
    3: 00000000:0050 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 934126 2 9
"""


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(machine, "PROC", tmp_path)
    return tmp_path


def test_what_linux_says_is_read(proc: Path) -> None:
    for name, text in {"snmp": SNMP, "snmp6": "Udp6RcvbufErrors 3\n", "arp": ARP, "route": ROUTE, "udp": UDP}.items():
        (proc / name).write_text(text)
    assert machine.counters() == machine.Counters(firewalled=15, overruns=7)
    assert machine.neighbours() == {"10.77.0.1": "02:fc:00:00:00:05"}
    assert machine.gateways() == {"10.77.0.254"}
    assert machine.socket_drops(0xBA83) == 17
    assert machine.socket_drops(1) is None


def test_where_the_system_says_nothing_nothing_is_known(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "which", lambda command, **_: None)
    assert machine.counters() is machine.socket_drops(5) is machine.neighbours() is None
    assert machine.gateways() == set()


@pytest.mark.parametrize(
    "said",
    [
        "? (10.77.0.1) at 2:fc:0:0:0:5 on en0 ifscope [ethernet]\n? (10.77.0.7) at (incomplete) on en0 ifscope",
        "Interface: 10.77.0.9 --- 0x5\n  Internet Address  Physical Address\n  10.77.0.1  02-fc-00-00-00-05  static",
    ],
)
def test_other_systems_have_a_command_for_neighbours(said: str) -> None:
    [(host, hardware)] = machine.neighbours_in(said).items()
    assert host == "10.77.0.1"
    assert machine.link_local_of(hardware, "en0") == "fe80::fc:ff:fe00:5%en0"


def test_the_firewall_is_one_of_those_that_there_are_commands_for() -> None:
    assert machine.firewall() in ("ufw", "firewalld", "nft", "iptables", "windows", "macos", "pf")
