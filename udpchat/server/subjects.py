"""Whom an act of order is done to: what a person wrote, as an account, a device or a network (SPEC 6.11)."""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from udpchat.chat.names import nick_key
from udpchat.server.access import Refused
from udpchat.server.state import State
from udpchat.session.noise import fingerprint
from udpchat.wire.content import ACCOUNT, DEVICE, NETWORK, SanctionRecord
from udpchat.wire.fields import Value
from udpchat.wire.limits import NETWORK_BITS_MIN

DEVICE_PREFIX: Final = "#"  # of a fingerprint
_FINGERPRINT: Final = re.compile("[a-z2-7]{32}")


class Subject(Value, frozen=True):
    """`kind`: ACCOUNT, DEVICE or NETWORK; `name`: by what a record names it. `shown`: as people see it.

    `account`: the person, whose role counts; empty: of a network, and of a device of which none is known.
    """

    kind: int
    name: bytes
    shown: str
    account: bytes = b""


def subject_of(state: State, room: str, text: str) -> Subject:
    """Whom a text means: a nick, a fingerprint after `#`, or on the whole server an address or a network. `Refused`."""
    if text.startswith(DEVICE_PREFIX):
        name = text[1:].lower()
        if not _FINGERPRINT.fullmatch(name):
            raise Refused("bad_subject", text)
        return Subject(DEVICE, name.encode(), text.lower(), _account_with(state, room, name))
    network = _network(text)
    if network is None:
        return person(state, text)
    if room or network.prefixlen < NETWORK_BITS_MIN[network.version]:
        raise Refused("bad_subject", text)
    shown = str(network if network.num_addresses > 1 else network.network_address)
    return Subject(NETWORK, str(network).encode(), shown)


def person(state: State, nick: str) -> Subject:
    """The account that owns a nick. `Refused` if nobody does."""
    claim = state.claims.owner(nick)
    if claim is None:
        raise Refused("no_such_nick", nick)
    return Subject(ACCOUNT, claim.key, claim.nick, claim.key)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    bare = text.lower().partition("%")[0]
    if "." in bare:  # IPv4, maybe as IPv6 writes it
        bare = bare.removeprefix("::ffff:")
    try:
        return ip_network(bare, strict=False)
    except ValueError:
        return None


def _account_with(state: State, room: str, name: str) -> bytes:
    """The account with this device, of those that have a role here, of which alone it matters."""
    accounts = state.accounts
    with_role: list[bytes] = [accounts.host, *accounts.ranked(), *state.order.roles(room)]
    for account in filter(None, with_role):
        if any(fingerprint(device.key) == name for device in accounts.get(account).devices):
            return account
    return b""


def found_sanction(state: State, kind: int, room: str, text: str, time_ms: int) -> SanctionRecord | None:
    """The sanction that a text means: by its subject, or as it was written then, for nicks change their owners."""
    order, look = state.order, nick_key(text)
    with suppress(Refused):
        subject = subject_of(state, room, text)
        found = order.find(kind, room, subject.kind, subject.name)
        if found is not None:
            return found
    shown = (each for each in order.sanctions(room, time_ms) if each.kind == kind and nick_key(each.shown) == look)
    return next(shown, None)
