"""How people write where a server is: `udpchat://HOST[:PORT][#FINGERPRINT]`; the scheme may be left out."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from udpchat.chat.phrase import Problem
from udpchat.wire.fields import Value
from udpchat.wire.limits import DEFAULT_PORT

SCHEME: Final = "udpchat://"
_FORM: Final = re.compile(
    r"(?:\[(?P<bracketed>[^\[\]]+)\]|(?P<host>[^:\[\]/#]+))(?::(?P<port>[0-9]{1,5}))?/?(?:#(?P<fingerprint>.*))?"
)
_FINGERPRINT: Final = re.compile(r"[a-z2-7]{32}")
_HOST: Final = re.compile(r"[\w.-]{1,253}")  # as a name; what it stands for is for the resolver to say


class BadAddress(Problem):
    """Not the address of a server."""


class ServerAddress(Value, frozen=True):
    """Where a server is, and the fingerprint that it must have, if that was said."""

    host: str
    port: int = DEFAULT_PORT
    fingerprint: str = ""

    @property
    def name(self) -> str:
        """`HOST:PORT`, brackets around an IPv6 address."""
        return place(self.host, self.port)

    @property
    def address(self) -> str:
        """`HOST:PORT#FINGERPRINT`, or without what it must have if that was not said."""
        return f"{self.name}#{self.fingerprint}" if self.fingerprint else self.name

    @property
    def url(self) -> str:
        """Without the fingerprint."""
        return SCHEME + self.name


class ListenAddress(Value, frozen=True):
    """A numeric address of this machine, and a port; 0 for any free one."""

    host: str
    port: int


def place(host: str, port: int) -> str:
    """`HOST:PORT`, brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_server(text: str) -> ServerAddress:
    """The address in what a person wrote. Raises `BadAddress`."""
    written = text.strip()
    if written.lower().startswith(SCHEME):
        written = written[len(SCHEME) :]
    bare, mark, fingerprint = written.partition("#")
    if _is_ipv6(bare):  # more than one colon and no brackets: no port
        written = f"[{bare}]{mark}{fingerprint}"
    found = _FORM.fullmatch(written)
    if found is None:
        raise BadAddress("bad_address.form", text=text)
    host, percent, zone = (found["bracketed"] or found["host"]).partition("%")
    host = host.lower() + percent + zone  # names of interfaces have a case
    if found["bracketed"] and not _is_ipv6(host):
        raise BadAddress("bad_address.brackets", text=text)
    if found["host"] and not _HOST.fullmatch(host):
        raise BadAddress("bad_address.host", text=text, host=host)
    port = DEFAULT_PORT if found["port"] is None else int(found["port"])
    if not 0 < port < 65_536:
        raise BadAddress("bad_address.port", text=text)
    fingerprint = (found["fingerprint"] or "").lower()
    if found["fingerprint"] is not None and not _FINGERPRINT.fullmatch(fingerprint):
        raise BadAddress("bad_address.fingerprint", text=text)
    return ServerAddress(host, port, fingerprint)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
