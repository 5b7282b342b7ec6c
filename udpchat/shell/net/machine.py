"""What the system says of this machine's network to anybody who asks: neighbours, routers, counters, firewall.

All of it is optional: where a system does not say something, it is None or empty. Linux says most, in /proc.
"""

from __future__ import annotations

import re
import shutil
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from udpchat.wire.fields import Value

PROC: Final = Path("/proc/net")
COMMAND_S_MAX: Final = 2.0
COMPLETE: Final = 0x2  # ATF_COM of /proc/net/arp: the neighbour has answered
GATEWAY: Final = 0x2  # RTF_GATEWAY of /proc/net/route
UFW: Final = Path("/etc/ufw/ufw.conf")
FIREWALLD: Final = Path("/run/firewalld")
_ARP_LINE: Final = re.compile(
    r"(\d+\.\d+\.\d+\.\d+)\)?\s+(?:at\s+)?((?:[0-9a-f]{1,2}[:-]){5}[0-9a-f]{1,2})", re.IGNORECASE
)


class Counters(Value, frozen=True):
    """Since the start of the system. `firewalled`: IPv4 packets that came in and reached no program; `overruns`:
    datagrams for which a receive buffer had no room."""

    firewalled: int
    overruns: int


def counters() -> Counters | None:
    """As they are now; None where the system does not count them."""
    found: dict[str, int] = {}
    lines = [line.split() for line in _text(PROC / "snmp").splitlines()]
    for names, numbers in zip(lines[::2], lines[1::2], strict=False):
        found |= {names[0] + name: int(number) for name, number in zip(names[1:], numbers[1:], strict=False)}
    ipv6 = dict(line.split() for line in _text(PROC / "snmp6").splitlines())
    try:
        firewalled = found["Ip:InReceives"] - found["Ip:InDelivers"] - found["Ip:ForwDatagrams"]
        return Counters(firewalled, found["Udp:RcvbufErrors"] + int(ipv6.get("Udp6RcvbufErrors", 0)))
    except KeyError:
        return None


def socket_drops(port: int) -> int | None:
    """How many datagrams the sockets bound to this UDP port had no room for; None where the system does not say."""
    lines = [line.split() for name in ("udp", "udp6") for line in _text(PROC / name).splitlines()[1:]]
    found = [int(words[-1]) for words in lines if words[1].endswith(f":{port:04X}")]
    return sum(found) if found else None


def neighbours() -> dict[str, str] | None:
    """The IPv4 hosts of our networks that have answered, with their hardware addresses; None if that is not said."""
    table = _text(PROC / "arp")
    if table:
        lines = [line.split() for line in table.splitlines()[1:]]
        return {words[0]: words[3] for words in lines if int(words[2], 16) & COMPLETE}
    command = shutil.which("arp")  # which Linux does not need, and seldom has
    with suppress(OSError, subprocess.SubprocessError):
        if command is not None:
            run = subprocess.run([command, "-a"], capture_output=True, text=True, timeout=COMMAND_S_MAX, check=True)
            return neighbours_in(run.stdout)
    return None


def neighbours_in(said: str) -> dict[str, str]:
    """The same in what the command `arp -a` of macOS, BSD or Windows prints."""
    return {host: hardware.replace("-", ":") for host, hardware in _ARP_LINE.findall(said)}


def gateways() -> set[str]:
    """The IPv4 routers that this machine sends to; none where the system does not say."""
    found = set()
    for line in _text(PROC / "route").splitlines()[1:]:
        words = line.split()
        if int(words[3], 16) & GATEWAY:
            found.add(socket.inet_ntoa(struct.pack("=I", int(words[2], 16))))
    return found


def link_local_of(hardware: str, zone: str) -> str:
    """The IPv6 address that a host with this hardware address has on a link, if it makes it of that (RFC 4291, A)."""
    octets = bytearray.fromhex("".join(part.zfill(2) for part in hardware.split(":")))
    octets[0] ^= 0x02
    packed = b"\xfe\x80" + bytes(6) + octets[:3] + b"\xff\xfe" + octets[3:]
    return f"{socket.inet_ntop(socket.AF_INET6, packed)}%{zone}"


def firewall() -> str:
    """What guards this machine, or may: `ufw`, `firewalld`, `nft`, `iptables`, `windows`, `macos`, `pf`."""
    if sys.platform in ("win32", "darwin"):
        return "windows" if sys.platform == "win32" else "macos"
    if sys.platform != "linux":
        return "pf"
    if re.search(r"^ENABLED=yes", _text(UFW), re.MULTILINE | re.IGNORECASE):
        return "ufw"
    if FIREWALLD.exists():
        return "firewalld"
    sbin = "/usr/sbin:/sbin:/usr/bin"  # often not in the PATH of a person
    return "iptables" if not shutil.which("nft", path=sbin) and shutil.which("iptables", path=sbin) else "nft"


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="ascii", errors="replace")
    return ""
