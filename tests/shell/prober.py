"""Prints the servers that are found at a port, one line each: name, addresses and ways. For tests in namespaces."""

from __future__ import annotations

import asyncio
import sys

from udpchat.shell.net.discovery import look

if __name__ == "__main__":
    for found in asyncio.run(look(int(sys.argv[1]))):
        hosts = ",".join(sorted(address.host for address in found.addresses))
        print(found.name, hosts, ",".join(sorted(way.name for way in found.ways)))
