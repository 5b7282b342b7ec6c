"""What a snapshot of a server says is what its core, endpoint and disk say."""

from __future__ import annotations

import asyncio

from tests.storage.memory import MemoryLog
from udpchat.server.core import ServerCore
from udpchat.server.usage import usage_of
from udpchat.session.noise import KeyPair
from udpchat.shell.net.endpoint import UdpEndpoint, open_socket
from udpchat.shell.snapshot import snapshot_of
from udpchat.shell.write_times import WriteTimes
from udpchat.wire.limits import QUERIES_MAX

TIMES = WriteTimes((0,) * 10, 0.0)


def test_a_snapshot_is_of_numbers_that_do_not_change_any_more(loop: asyncio.AbstractEventLoop) -> None:
    server = ServerCore(static=KeyPair(b"k" * 32), log=MemoryLog(), random=bytes)
    endpoint = UdpEndpoint(loop, open_socket("127.0.0.1", 0))
    server.counters["bad seal"] = 2
    endpoint.counters["not sent: EPERM"] = 1
    server.chat.commits.durable.messages = 7
    taken = snapshot_of(server, endpoint, uptime_s=7.0, trouble="", writes=TIMES, disk_free_bytes=1e9)
    server.counters["bad seal"] = 3
    endpoint.close()
    assert (taken.uptime_s, taken.peers, taken.rooms, taken.messages) == (7.0, 0, 0, 7)
    assert taken.drops == {"bad seal": 2, "not sent: EPERM": 1}
    assert list(taken.budgets) == usage_of(server.chat)
    assert {queue.budget: queue.used for queue in taken.queues} == {
        "handshakes": 0, "datagrams to send": 0, "queries": 0, "bytes to write": 0,
    }  # fmt: skip
    assert next(queue.limit for queue in taken.queues if queue.budget == "queries") == QUERIES_MAX
