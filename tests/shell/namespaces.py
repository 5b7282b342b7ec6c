"""Networks of this machine's own kernel for tests: two namespaces, a pair of interfaces between them, programs inside.

    with lan(server=["10.77.0.1/24"], client=["10.77.0.9/24"]) as net:
        with Program("server", within=net.server) ...
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

COMMAND_S_MAX = 10.0
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Lan:
    """The names of the namespaces; the interface in each is `eth0`."""

    server: str
    client: str

    def ip(self, namespace: str, *arguments: str) -> None:
        """`ip` in one of them."""
        _ip("-n", namespace, *arguments)


@cache
def why_not() -> str:
    """Why no namespaces can be made here; empty if they can."""
    if sys.platform != "linux":
        return "network namespaces are a thing of Linux"
    if not shutil.which("ip"):
        return "the command ip is missing (Debian: apt install iproute2)"
    try:
        with lan(server=[], client=[]):
            return ""
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        return f"no network namespace can be made (root is needed): {said.strip()}"


@contextlib.contextmanager
def lan(*, server: Sequence[str], client: Sequence[str]) -> Iterator[Lan]:
    """Two namespaces with loopback and these addresses, as `10.77.0.1/24`; no gateway. Both are gone at the end."""
    number = next(_numbers)
    made = Lan(f"udpchat-{os.getpid()}-{number}-s", f"udpchat-{os.getpid()}-{number}-c")
    with contextlib.ExitStack() as undo:
        for namespace in (made.server, made.client):
            _ip("netns", "add", namespace)
            undo.callback(_ip, "netns", "del", namespace)  # and its interfaces with it
        peer = ["peer", "name", "eth0", "netns", made.client]
        made.ip(made.server, "link", "add", "eth0", "type", "veth", *peer)
        for namespace, addresses in ((made.server, server), (made.client, client)):
            for address in addresses:
                made.ip(namespace, "address", "add", address, "dev", "eth0", *["nodad"] * (":" in address))
            for interface in ("lo", "eth0"):
                made.ip(namespace, "link", "set", interface, "up")
        yield made


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True, timeout=COMMAND_S_MAX)
