"""What a server counts, as text for Prometheus, by the library `prometheus-client` (`udpchat[metrics]`).

Names and units are those that Prometheus recommends: base units, `_total` behind what only grows. No nick, room or
address is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from udpchat import __version__
from udpchat.server.usage import Usage
from udpchat.shell.snapshot import Snapshot
from udpchat.shell.write_times import BOUNDS_S

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class ServerCollector(Collector):
    """Gives one snapshot to the library; `memory_bytes` is that of the process, 0 if it is unknown."""

    def __init__(self, snapshot: Snapshot, *, memory_bytes: int) -> None:
        self._snapshot = snapshot
        self._memory_bytes = memory_bytes

    def collect(self) -> Iterator[Metric]:
        """All that is known, each with what it means."""
        snapshot = self._snapshot
        yield InfoMetricFamily("udpchat_build", "The version that runs", value={"version": __version__})
        for name, text, value in self._gauges():
            yield GaugeMetricFamily(f"udpchat_{name}", text, value=value)
        messages_text = "Messages, edits, removals and reactions that were ever stored"
        yield CounterMetricFamily("udpchat_messages", messages_text, value=snapshot.messages)
        drops = CounterMetricFamily(
            "udpchat_drops", "Datagrams that were dropped, or could not be read or sent, by reason", labels=["reason"]
        )
        for reason, count in sorted(snapshot.drops.items()):
            drops.add_metric([reason], count)
        yield drops
        yield from _filled("budget", snapshot.budgets, ("How much of each budget is in use", "How much of it may be"))
        yield from _filled("queue", snapshot.queues, ("How much waits in each queue", "How much may wait in it"))
        upper = [*map(str, BOUNDS_S), "+Inf"]
        buckets = list(zip(upper, map(float, accumulate(snapshot.writes.counts)), strict=True))
        writes_text = "How long a write to the disk took, with all that shared it"
        yield HistogramMetricFamily(
            "udpchat_write_duration_seconds", writes_text, buckets=buckets, sum_value=snapshot.writes.total_s
        )

    def _gauges(self) -> Iterator[tuple[str, str, float]]:
        """Name, meaning and value of what goes up and down, and has no parts."""
        snapshot = self._snapshot
        yield "uptime_seconds", "How long the server has been running", snapshot.uptime_s
        yield "writable", "1 if messages can be stored, 0 if they are refused", float(not snapshot.trouble)
        yield "peers", "Devices that have entered, without those of the operator's commands", snapshot.peers
        yield "rooms", "Rooms with somebody in them", snapshot.rooms
        yield "loop_delay_seconds", "How long other work kept the server from taking these numbers", snapshot.delay_s
        if snapshot.disk_free_bytes != float("inf"):
            yield "disk_free_bytes", "What is free on the disk with the messages", snapshot.disk_free_bytes
        if self._memory_bytes:
            yield "resident_memory_bytes", "Memory that the process takes", self._memory_bytes


def _filled(noun: str, usages: tuple[Usage, ...], texts: tuple[str, str]) -> Iterator[Metric]:
    """What is used, and the limit; `texts` say what each of the two means."""
    used = GaugeMetricFamily(f"udpchat_{noun}_used", texts[0], labels=[noun])
    limit = GaugeMetricFamily(f"udpchat_{noun}_limit", texts[1], labels=[noun])
    for usage in usages:
        used.add_metric([usage.budget], usage.used)
        limit.add_metric([usage.budget], usage.limit)
    yield used
    yield limit


def prometheus_text(snapshot: Snapshot, *, memory_bytes: int) -> bytes:
    """The page for Prometheus, of type CONTENT_TYPE."""
    return generate_latest(ServerCollector(snapshot, memory_bytes=memory_bytes))
