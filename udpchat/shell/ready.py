"""What a server says once it serves: to whoever started it, to its log, and to the commands of its operator."""

from __future__ import annotations

import logging
import sys
from typing import Final

from udpchat.shell.addresses import SCHEME, ServerAddress, place
from udpchat.shell.binding import covered
from udpchat.shell.interfaces import hosts_to_name, is_loopback
from udpchat.shell.invitation import show_invitation
from udpchat.shell.net.endpoint import UdpEndpoint
from udpchat.shell.operating.address_file import own_address, write_address
from udpchat.shell.options import ServerOptions
from udpchat.shell.stdio import OutputFailed, abandon_output, writing_to
from udpchat.wire.limits import DEFAULT_PORT

_logger: Final = logging.getLogger("udpchat.server")


def say_ready(options: ServerOptions, endpoint: UdpEndpoint, fingerprint: str) -> None:
    """It serves: print the line with its address, log all addresses, and leave it in the data folder for operators."""
    port, bind = endpoint.address.port, options.bind
    hosts = hosts_to_name(bind)
    urls = [f"{SCHEME}{place(host, port)}#{fingerprint}" for host in hosts]
    _write_address(options, own_address(endpoint.hosts, port, fingerprint))
    try:
        writing_to(sys.stdout)(f"ready {urls[0]}\n")
    except (BrokenPipeError, OutputFailed) as error:  # nobody reads where it serves: those who know find it
        _logger.warning("the line with the address could not be written: %s", error)
        abandon_output()
    if not is_loopback(hosts[0]):
        show_invitation(urls[0], is_found=options.is_discoverable and port == DEFAULT_PORT)
    surplus = covered(bind)
    if surplus:
        wildcard = "::" if "::" in bind else "0.0.0.0"
        _logger.info("--bind %s adds nothing: %s serves all of them", ", ".join(surplus), wildcard)
    serving = ", ".join(place(host, port) for host in endpoint.hosts)
    reach = "; only this machine reaches it" if is_loopback(hosts[0]) else ""
    _logger.info("serving on %s, data in %s%s", serving, options.data, reach)
    if not reach:
        hint = "; what follows the % is the interface, and theirs has another name" if "%" in hosts[0] else ""
        _logger.info("others reach it at %s%s", ", ".join(urls), hint)


def _write_address(options: ServerOptions, address: ServerAddress) -> None:
    """Say where operators reach this server."""
    try:
        write_address(options.data, address)
    except OSError as error:
        _logger.warning("the commands of the operator do not reach this server: %s", error)
