"""Runs of probes as they may come out."""

from __future__ import annotations

from collections.abc import Sequence

from udpchat.client.probe_runs import Heard, Run
from udpchat.wire.limits import PROTOCOL_VERSION
from udpchat.wire.packets import Address, ProbeReply, packed_source

SOURCE = Address("10.77.0.1", 47747)
WALL_S = 1_000.0


def run_of(
    sent: int,
    heard: Sequence[tuple[int, int]],
    *,
    round_trips_s: Sequence[float] = (),
    ahead_s: float = 0.0,
    version: int = PROTOCOL_VERSION,
) -> Run:
    """Probes sent each second, and answers as (number, count), in the order in which they came."""
    times = {number: float(number) for number in range(sent)}
    answers = []
    for index, (number, count) in enumerate(heard):
        took_s = round_trips_s[index] if round_trips_s else 0.002
        answers.append(Heard(number + took_s, SOURCE, reply(number, count, number + took_s / 2 + ahead_s, version)))
    return Run(times, tuple(answers), WALL_S)


def reply(number: int, count: int, at_s: float, version: int = PROTOCOL_VERSION) -> ProbeReply:
    """An answer that a server gave at this time of ours."""
    return ProbeReply(
        version=version,
        probe_id=bytes(8),
        number=number,
        key=bytes(32),
        port=SOURCE.port,
        people=0,
        time_ms=round(1000 * (at_s + WALL_S)),
        received_bytes=200,
        source=packed_source(Address("10.77.0.9", 5)),
        count=count,
        name=b"den",
    )


def in_order(sent: int, answered: int) -> Run:
    """A run of which the first so many were answered, in order."""
    return run_of(sent, [(number, number + 1) for number in range(answered)])
