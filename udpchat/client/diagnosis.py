"""Judges what a doctor has observed: values in, findings out. The table CHECKS has a function for each check.

A finding says whether something is well (None: it could not be tried), what was seen, and what to do. Much of what is
wrong keeps nobody from chatting, as lost packets do; `Observed.can_chat` says whether one can.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from ipaddress import ip_address, ip_interface
from typing import Final

from udpchat.chat.phrase import Phrase
from udpchat.client.probe_runs import Run
from udpchat.client.server_search import FoundServer, Way
from udpchat.wire.fields import Value, field
from udpchat.wire.limits import DATAGRAM_BYTES_MAX, PROTOCOL_VERSION
from udpchat.wire.packets import Address

PROBES_MIN: Final = 20  # of which a share says something
LOST_SHARE_MAX: Final = 0.05  # more than a good Wi-Fi loses
OVERTAKEN_SHARE_MAX: Final = 0.05
ROUND_TRIP_S_MAX: Final = 0.3  # of a LAN, with a Wi-Fi that is busy
CLOCK_S_MAX: Final = 60.0  # times of messages are shown to the minute
BUFFER_BYTES_MIN: Final = 128 * 1024
SERVER_OVERRUNS_MIN: Final = 100  # since its start: a storm that is over is no fault
FIREWALLED_MIN: Final = 5  # packets, and
FIREWALLED_SHARE_MIN: Final = (
    0.5  # of the probes without an answer: if so many reach no program, answers are among them
)
ARRIVED_SHARE_MIN: Final = 0.75  # of the probes of TO_ALL: half of those that were broadcast
LAN, TUNNEL, CONTAINERS = "lan", "tunnel", "containers"
NO_RUN: Final = Run()
SYSTEMS: Final = {"windows": "windows", "macos": "unix", "pf": "unix"}  # by what guards them; others are Linux


class Interface(Value, frozen=True):
    """An interface of this machine; `networks`: its addresses, as `10.77.0.9/24`; `kind`: LAN, TUNNEL or CONTAINERS."""

    name: str
    networks: tuple[str, ...]
    kind: str = LAN

    def has(self, host: str) -> bool:
        """Whether this is its own address."""
        return any(host == network.partition("/")[0] for network in self.networks)

    def holds(self, host: str) -> bool:
        """Whether a numeric host is in a network of this interface; a link-local one needs the zone of it."""
        bare, _, zone = host.partition("%")
        return zone in ("", self.name) and any(ip_address(bare) in ip_interface(each).network for each in self.networks)


class Own(Value, frozen=True):
    """What this machine says of itself; None where it does not say.

    `source`: from where it would send to the server, empty if it knows no way. `neighbours`: hosts of its networks that
    answer. `firewalled`: IPv4 packets that came in while observed and were given to no program; `overruns`: datagrams
    for which a receive buffer had no room. `firewall`: what guards it, one of the kinds of `let_in` sentences.
    """

    interfaces: tuple[Interface, ...]
    source: str = ""
    neighbours: Set[str] | None = None
    gateways: Set[str] = frozenset()
    firewalled: int | None = None
    overruns: int | None = None
    buffer_bytes: int = 0
    firewall: str = "nft"

    def has(self, host: str) -> bool:
        """Whether a host is this machine."""
        return any(each.has(host) for each in self.interfaces) or ip_address(host.partition("%")[0]).is_loopback


class Contact(Value, frozen=True):
    """What a handshake brought: the name of the answer, and the fingerprints of the key shown and of the one known."""

    answer: str
    shown: str = ""
    known: str = ""


class Observed(Value, frozen=True):
    """All that was seen. `server`: as people write it; `place`: where it is; None: none is known.

    `runs` of probes to the server, by UNICAST and so on. `sizes`: those of so many bytes that may not be divided into
    fragments. `found`: the servers that answered when all were asked.
    """

    own: Own
    server: str = ""
    place: Address | None = None
    contact: Contact | None = None
    runs: Mapping[str, Run] = field(default_factory=dict)
    sizes: Mapping[int, Run] = field(default_factory=dict)
    found: tuple[FoundServer, ...] = ()

    def run(self, name: str) -> Run:
        """The probes of this run."""
        return self.runs.get(name, NO_RUN)

    def is_meant(self, found: FoundServer) -> bool:
        """Whether a server that was found is the one that is meant."""
        is_there = any((at.host, at.port) == (self.place.host, self.place.port) for at in found.addresses if self.place)
        return is_there or (self.contact is not None and found.fingerprint == self.contact.shown)

    def is_anybody_found(self, way: Way) -> bool:
        """Whether a server was found this way."""
        return any(way in each.ways for each in self.found)

    @property
    def others(self) -> list[Address]:
        """Addresses of servers that are not the one that is meant."""
        return [each.address for each in self.found if not self.is_meant(each)]

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        return self.place is not None and self.own.has(self.place.host)

    @property
    def is_on_link(self) -> bool:
        """Whether the server is another machine in a network of ours."""
        place = self.place
        return place is not None and not self.is_local and any(each.holds(place.host) for each in self.own.interfaces)

    @property
    def detour(self) -> tuple[str, str] | None:
        """The interface by which packets to the server leave, if the server is in the network of another; and that."""
        if self.place is None or not self.is_on_link:
            return None
        holders = [each for each in self.own.interfaces if each.holds(self.place.host)]
        used = [each for each in self.own.interfaces if each.has(self.own.source)]
        return (used[0].name, holders[0].name) if used and used[0] not in holders else None

    @property
    def answer(self) -> str:
        """What the handshake brought; empty if none was tried."""
        return self.contact.answer if self.contact else ""

    @property
    def is_heard(self) -> bool:
        """Whether anything came from the server when it alone was asked."""
        return bool(self.run(UNICAST).heard) or self.answer in (SERVES, OTHER_VERSION)

    @property
    def can_chat(self) -> bool:
        """Whether the server showed the key that it must have, and what a chat sends gets through to it."""
        contact = self.contact
        is_known = contact is not None and contact.shown != "" and contact.known in ("", contact.shown)
        return is_known and _mtu(self)[0] is not False

    @property
    def is_firewalled(self) -> bool:
        """Whether this machine kept from us what may have been the replies."""
        missing = sum(run.lost for run in (*self.runs.values(), *self.sizes.values()))
        return (self.own.firewalled or 0) >= max(FIREWALLED_MIN, FIREWALLED_SHARE_MIN * missing)


UNICAST, LINK_LOCAL, FRAGMENTS = "unicast", "link local", "fragments"
TO_ALL = "to all"  # by turns broadcast and to the server alone, whose answers say how many came of both
SERVES, OTHER_VERSION, SILENCE, REFUSED = "serves", "other_version", "silence", "refused"
NO_HOST, NO_ROUTE, FORBIDDEN = "no_host", "no_route", "forbidden"


class Finding(Value, frozen=True):
    """The result of a check; `ok` is None if it could not be tried."""

    check: str
    ok: bool | None
    seen: Phrase
    advice: tuple[Phrase, ...] = ()


class Served(Value, frozen=True):
    """What the server on this machine says of itself. `drops`: by reason; `overruns`: datagrams for which its sockets
    had no room, None if the system does not count them; `probes`: how many it has answered."""

    drops: Mapping[str, int]
    overruns: int | None = None
    probes: int = 0


Judged = tuple[bool | None, Phrase, tuple[Phrase, ...]]


def judge(observed: Observed) -> list[Finding]:
    """A finding for each of CHECKS."""
    return [Finding(name, *check(observed)) for name, check in CHECKS.items()]


def judge_server(observed: Observed, served: Served) -> list[Finding]:
    """The same for a server on this machine, which is the one meant: what it has counted is in the place of some."""
    lost = served.overruns or 0
    drops = [f"{reason} {count}" for reason, count in sorted(served.drops.items()) if count]
    replaced: dict[str, Judged] = {
        "firewall": _untried("firewall.server", command=_let_in(observed, "requests")),
        "loss": _well("loss.server", drops=drops),
    }
    if observed.found:
        replaced["broadcast"] = _well("broadcast.server", probes=served.probes)
    if lost >= SERVER_OVERRUNS_MIN:
        replaced["buffers"] = _wrong("buffers.server", {"overruns": lost}, Phrase("advice.buffers"))
    return [Finding(name, *(replaced.get(name) or check(observed))) for name, check in CHECKS.items()]


def no_server(data: str) -> list[Finding]:
    """None runs on this data folder."""
    return [Finding("reach", *_wrong("reach.none_here", {"data": data}, Phrase("advice.start_here")))]


def _well(key: str, /, **values: object) -> Judged:
    return True, Phrase(f"doctor.{key}", values), ()


def _untried(key: str, /, **values: object) -> Judged:
    return None, Phrase(f"doctor.{key}", values), ()


def _unprobed(observed: Observed) -> Judged:
    """What only probes tell is not known."""
    return _untried("untried.probes" if observed.is_heard else "untried.server")


def _wrong(key: str, values: Mapping[str, object], *advice: Phrase) -> Judged:
    return False, Phrase(f"doctor.{key}", values), advice


# --- This machine ----------


def _address(observed: Observed) -> Judged:
    interfaces, place = observed.own.interfaces, observed.place
    networks = [network for each in interfaces for network in each.networks]
    seen: dict[str, object] = {"networks": networks}
    advice = Phrase(f"advice.mask_{SYSTEMS.get(observed.own.firewall, 'linux')}")
    if all(ip_interface(network).is_link_local for network in networks) and not observed.is_local:
        return _wrong("address.none", seen, Phrase("advice.connect"))
    near = [at.host for each in observed.found if Way.BROADCAST in each.ways for at in each.addresses]
    strays = [host for host in near if not observed.own.has(host) and not any(each.holds(host) for each in interfaces)]
    if strays:
        return _wrong("address.mask", {**seen, "host": strays[0]}, advice)
    if place is not None and observed.answer == NO_ROUTE:
        return _wrong("address.no_route", {**seen, "host": place.host}, advice)
    return _well("address", **seen)


def _interfaces(observed: Observed) -> Judged:
    interfaces = observed.own.interfaces
    names = [each.name for each in interfaces]
    if not names:
        return _wrong("interfaces.none", {}, Phrase("advice.connect"))
    if (detour := observed.detour) is not None and observed.place is not None:
        values = {"host": observed.place.host, "used": detour[0], "holder": detour[1]}
        return _wrong("interfaces.detour", values, Phrase("advice.detour", {"used": detour[0]}))
    others = [each.name for each in interfaces if each.kind != LAN]
    return _well("interfaces", names=names, others=", ".join(others))


def _buffers(observed: Observed) -> Judged:
    own = observed.own
    if own.overruns:
        return _wrong("buffers.overrun", {"overruns": own.overruns}, Phrase("advice.buffers"))
    if not own.buffer_bytes:
        return _untried("untried")
    if own.buffer_bytes < BUFFER_BYTES_MIN:
        return _wrong("buffers.small", {"bytes": own.buffer_bytes}, Phrase("advice.buffers"))
    return _well("buffers", bytes=own.buffer_bytes)


# --- The ways to all machines of the network ----------


def _broadcast(observed: Observed) -> Judged:
    if observed.is_anybody_found(Way.BROADCAST):
        return _well("broadcast")
    if not _is_expected(observed) or ":" in str(observed.place and observed.place.host):
        return _untried("broadcast.untried")
    asked = observed.run(TO_ALL)
    if asked.arrived > ARRIVED_SHARE_MIN * len(asked.sent):
        return _wrong("broadcast.firewalled", {}, _let_in(observed, "replies"), Phrase("advice.name"))
    return _wrong("broadcast.silence", {}, Phrase("advice.name"))


def _multicast(observed: Observed) -> Judged:
    if observed.is_anybody_found(Way.MULTICAST):
        return _well("multicast")
    if not _is_expected(observed) or not observed.run(LINK_LOCAL).heard:
        return _untried("multicast.untried")  # the server's machine may have no IPv6
    return _wrong("multicast.silence", {}, Phrase("advice.name"))


def _is_expected(observed: Observed) -> bool:
    """Whether the server answers probes and is so near that those to everybody have to reach it."""
    return observed.is_on_link and bool(observed.run(UNICAST).heard)


def _mdns(observed: Observed) -> Judged:
    return _well("mdns") if observed.is_anybody_found(Way.MDNS) else _untried("mdns.none")


# --- Whether anything answers ----------


def _reach(observed: Observed) -> Judged:
    if observed.place is None:
        host = Phrase("doctor.unresolved", {"server": observed.server}) if observed.server else ""
        return _wrong("reach.nobody", {"host": host}, Phrase("advice.start_or_name"))
    if observed.is_heard:
        return _well("reach", server=observed.server)
    others = ", ".join(f"[{at.host}]:{at.port}" if ":" in at.host else f"{at.host}:{at.port}" for at in observed.others)
    return _wrong("reach.silence", {"server": observed.server, "others": others}, Phrase("advice.server_doctor"))


def _firewall(observed: Observed) -> Judged:
    place = observed.place
    if place is None:
        return _untried("untried.server")
    if observed.is_heard or observed.answer == REFUSED:
        return _well("firewall")
    if observed.answer == FORBIDDEN:
        return _wrong("firewall.forbidden", {}, _let_in(observed, "out"))
    if observed.is_firewalled:
        return _wrong("firewall.own", {"packets": observed.own.firewalled}, _let_in(observed, "replies"))
    is_there = observed.own.neighbours is None or place.host in observed.own.neighbours
    at_server = Phrase("advice.at_server", {"command": _let_in(observed, "requests"), "port": place.port})
    if observed.answer == NO_HOST and is_there and observed.own.neighbours is not None:
        return _wrong("firewall.rejects", {"host": place.host}, at_server)
    if observed.answer == SILENCE and observed.detour is None and (is_there or not observed.is_on_link):
        return _wrong("firewall.silence" if observed.is_on_link else "firewall.far", {"host": place.host}, at_server)
    return _untried("firewall.untried")


def _let_in(observed: Observed, what: str) -> Phrase:
    """How to have the firewall of this machine let something pass: `requests` to a server here, `replies`, or `out`."""
    port = observed.place.port if observed.place else 0
    return Phrase(f"let_{what}.{observed.own.firewall}", {"port": port})


def _refused(observed: Observed) -> Judged:
    place = observed.place
    if place is None:
        return _untried("untried.server")
    if observed.answer != REFUSED:
        return _well("refused") if observed.is_heard else _untried("refused.untried")
    ports = [other.port for other in observed.others if other.host == place.host]
    values = {"host": place.host, "port": place.port}
    if ports:
        return _wrong("refused.other_port", {**values, "other": ports[0]}, Phrase("advice.port", {"port": ports[0]}))
    return _wrong("refused.nobody", values, Phrase("advice.start"), Phrase("advice.rejected"))


def _isolation(observed: Observed) -> Judged:
    own, place = observed.own, observed.place
    if observed.is_heard and observed.is_on_link:
        return _well("isolation")
    if own.neighbours is None or (place is not None and not observed.is_on_link):
        return _untried("isolation.untried")
    if place is not None and place.host in own.neighbours:
        return _well("isolation")
    if own.neighbours - own.gateways:
        return _well("isolation.others")
    if not own.neighbours:
        return _untried("isolation.untried")
    if place is None:
        return _untried("isolation.alone")
    return _wrong("isolation.router_only", {"host": place.host}, Phrase("advice.isolation"))


# --- How good the path is ----------


def _mtu(observed: Observed) -> Judged:
    passed = [size for size, run in observed.sizes.items() if run.heard]
    if not observed.sizes or not observed.run(UNICAST).heard:
        return _unprobed(observed)
    largest = max(passed, default=0)
    if largest >= DATAGRAM_BYTES_MAX:
        return _well("mtu", bytes=largest)
    if observed.run(FRAGMENTS).heard:
        return _well("mtu.fragments", bytes=largest, needed=DATAGRAM_BYTES_MAX)
    return _wrong("mtu.narrow", {"bytes": largest, "needed": DATAGRAM_BYTES_MAX}, Phrase("advice.mtu"))


def _loss(observed: Observed) -> Judged:
    run = observed.run(UNICAST)
    if len(run.sent) < PROBES_MIN or not run.heard:
        return _unprobed(observed)
    sent, there, back = len(run.sent), len(run.sent) - run.arrived, run.arrived - run.answered
    values = {"sent": sent, "lost": run.lost, "there": there, "back": back, "percent": 100 * run.lost / sent}
    if run.lost > LOST_SHARE_MAX * sent:
        return _wrong("loss.much", values, Phrase("advice.loss"))
    return _well("loss" if run.lost else "loss.none", **values)


def _reordering(observed: Observed) -> Judged:
    run = observed.run(UNICAST)
    if run.answered < PROBES_MIN:
        return _unprobed(observed)
    values = {"there": run.overtaken_there, "back": run.overtaken_back, "answered": run.answered}
    if run.overtaken_there + run.overtaken_back > OVERTAKEN_SHARE_MAX * run.answered:
        return _wrong("reordering.much", values, Phrase("advice.reordering"))
    return _well("reordering", **values)


def _round_trip(observed: Observed) -> Judged:
    round_trip_s = observed.run(UNICAST).round_trip_s
    if round_trip_s is None:
        return _unprobed(observed)
    values = {"milliseconds": round(1000 * round_trip_s, 1)}
    if round_trip_s > ROUND_TRIP_S_MAX:
        return _wrong("round_trip.long", values, Phrase("advice.loss"))
    return _well("round_trip", **values)


# --- The server itself ----------


def _clock(observed: Observed) -> Judged:
    clock_s = observed.run(UNICAST).clock_s
    if clock_s is None:
        return _unprobed(observed)
    values = {"seconds": abs(clock_s), "side": "ahead" if clock_s > 0 else "behind"}
    return _wrong("clock.apart", values, Phrase("advice.clock")) if abs(clock_s) > CLOCK_S_MAX else _well("clock")


def _version(observed: Observed) -> Judged:
    theirs = next((heard.reply.version for heard in observed.run(UNICAST).heard), None)
    if observed.answer == SERVES or theirs == PROTOCOL_VERSION:
        return _well("version", version=PROTOCOL_VERSION)
    if theirs is None and observed.answer != OTHER_VERSION:
        return _untried("untried.server")
    values = {"theirs": theirs, "ours": PROTOCOL_VERSION}
    is_newer = theirs is not None and theirs > PROTOCOL_VERSION
    return _wrong("version.other", values, Phrase("advice.update_here" if is_newer else "advice.update_there"))


def _key(observed: Observed) -> Judged:
    contact = observed.contact
    if contact is None or not contact.shown:
        return _untried("untried.server")
    if contact.known not in ("", contact.shown):
        values = {"shown": contact.shown, "known": contact.known}
        return _wrong("key.other", values, Phrase("advice.key", {"server": observed.server}))
    return _well("key.known" if contact.known else "key.first", shown=contact.shown)


CHECKS: Final[Mapping[str, Callable[[Observed], Judged]]] = {
    "address": _address,
    "interfaces": _interfaces,
    "broadcast": _broadcast,
    "multicast": _multicast,
    "mdns": _mdns,
    "reach": _reach,
    "firewall": _firewall,
    "refused": _refused,
    "isolation": _isolation,
    "mtu": _mtu,
    "loss": _loss,
    "reordering": _reordering,
    "round_trip": _round_trip,
    "buffers": _buffers,
    "clock": _clock,
    "version": _version,
    "key": _key,
}
