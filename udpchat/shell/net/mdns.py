"""Servers that announce themselves by mDNS (DNS-SD, `_udpchat._udp.local.`), if the library for that is installed.

All of it happens in threads of its own: loading the library takes a tenth of a second, and leaving the network longer.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from queue import SimpleQueue
from threading import Event, Thread
from typing import Final

from udpchat.chat.text import printable
from udpchat.wire.packets import Address

SERVICE: Final = "_udpchat._udp.local."
RESOLVE_MS: Final = 1_000
GOODBYE_S_MAX: Final = 0.2  # a server that stops says so, but does not wait longer
LABEL_BYTES_MAX: Final = 63  # of a DNS name

_logger = logging.getLogger("udpchat.mdns")
IS_INSTALLED: Final = find_spec("zeroconf") is not None


def browse(on_found: Callable[[Address], object]) -> Callable[[], None]:
    """Call `on_found`, in another thread, for each address that is announced; until the function returned is called."""
    is_over = Event()
    if IS_INSTALLED:
        Thread(target=_browse, args=(on_found, is_over), name="mdns", daemon=True).start()
    return is_over.set


def announce(name: str, hosts: Sequence[str], port: int, fingerprint: str) -> Callable[[], None]:
    """Announce a server that others reach at these hosts, until the function returned is called."""
    is_over = Event()
    if not (IS_INSTALLED and hosts):
        return is_over.set
    thread = Thread(target=_announce, args=(name, hosts, port, fingerprint, is_over), name="mdns", daemon=True)
    thread.start()

    def end() -> None:
        is_over.set()
        thread.join(GOODBYE_S_MAX)

    return end


def _browse(on_found: Callable[[Address], object], is_over: Event) -> None:
    try:
        from zeroconf import ServiceBrowser, ServiceStateChange, Zeroconf

        names: SimpleQueue[str] = SimpleQueue()

        def note(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
            if state_change is not ServiceStateChange.Removed:
                names.put(name)

        with Zeroconf() as network:
            ServiceBrowser(network, SERVICE, handlers=[note])
            while not is_over.wait(0.02):
                while not names.empty() and not is_over.is_set():
                    info = network.get_service_info(SERVICE, names.get(), RESOLVE_MS)
                    for host in info.parsed_scoped_addresses() if info is not None else ():
                        if not is_over.is_set():
                            on_found(Address(host, (info and info.port) or 0))
    except Exception as error:  # another way finds servers too
        _logger.debug("mDNS does not work here: %s", error)


def _announce(name: str, hosts: Sequence[str], port: int, fingerprint: str, is_over: Event) -> None:
    try:
        from zeroconf import NonUniqueNameException, ServiceInfo, Zeroconf

        label = printable(name).replace(".", " ").encode()[: LABEL_BYTES_MAX - 8].decode("utf-8", "ignore")
        bare = [host.partition("%")[0] for host in hosts]
        packed = [socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host) for host in bare]
        with Zeroconf() as network:
            info = ServiceInfo(
                SERVICE,
                f"{label or 'udpchat'}.{SERVICE}",
                addresses=packed,
                port=port,
                properties={"fingerprint": fingerprint},
                server=f"udpchat-{fingerprint[:12]}.local.",
            )
            try:
                network.register_service(info, allow_name_change=True)
            except NonUniqueNameException:
                return
            is_over.wait()
            network.unregister_service(info)
    except Exception as error:
        _logger.debug("the server is not announced by mDNS: %s", error)
