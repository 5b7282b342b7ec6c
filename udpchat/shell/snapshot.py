"""A server at one moment, in plain numbers: taken in its loop, and then read by any thread."""

from __future__ import annotations

from collections.abc import Mapping

from udpchat.server.core import ServerCore
from udpchat.server.status import entered
from udpchat.server.usage import Usage, usage_of
from udpchat.shell.net.endpoint import SEND_QUEUE_MAX, UdpEndpoint
from udpchat.shell.write_times import WriteTimes
from udpchat.wire.fields import Value
from udpchat.wire.limits import HANDSHAKES_MAX, QUERIES_MAX, WRITE_AHEAD_BYTES_MAX


class Snapshot(Value, frozen=True):
    """A server at one moment, in numbers that nothing changes any more, so that another thread can read them.

    `trouble`: why messages are refused, if they are. `budgets` are those that many can fill, `queues` what waits, both
    with the most that may be. `messages`: as many as were ever said, with what is about them. `delay_s`: how long the
    loop was busy with other things before it took this.
    """

    uptime_s: float
    trouble: str
    peers: int
    rooms: int
    messages: int
    drops: Mapping[str, int]
    budgets: tuple[Usage, ...]
    queues: tuple[Usage, ...]
    writes: WriteTimes
    disk_free_bytes: float
    delay_s: float = 0.0


def snapshot_of(
    server: ServerCore,
    endpoint: UdpEndpoint,
    *,
    uptime_s: float,
    trouble: str,
    writes: WriteTimes,
    disk_free_bytes: float,
) -> Snapshot:
    """What is so now."""
    chat = server.chat
    commits = chat.commits
    return Snapshot(
        uptime_s=uptime_s,
        trouble=trouble,
        peers=len(entered(chat)),
        rooms=len(chat.rooms),
        messages=commits.durable.messages,
        drops=dict(server.counters + endpoint.counters),
        budgets=tuple(usage_of(chat)),
        queues=(
            Usage("handshakes", server.handshakes, HANDSHAKES_MAX),
            Usage("datagrams to send", endpoint.waiting, SEND_QUEUE_MAX),
            Usage("queries", len(chat.queries), QUERIES_MAX),
            Usage("bytes to write", commits.pending_bytes, WRITE_AHEAD_BYTES_MAX),
        ),
        writes=writes,
        disk_free_bytes=disk_free_bytes,
    )
