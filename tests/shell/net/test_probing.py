from __future__ import annotations

import asyncio
import os
from contextlib import closing

from udpchat.client.probe_runs import Run
from udpchat.shell.net.endpoint import UdpEndpoint, open_socket
from udpchat.shell.net.probing import Pace, Prober
from udpchat.wire.limits import DATAGRAM_BYTES_MAX
from udpchat.wire.packets import Address, Probe, ProbeReply, packed_source, parse_packet_untrusted

PACE = Pace(count=6, every_s=0.01, tail_s=0.3)


def answer(loop: asyncio.AbstractEventLoop, *, forged: bool = False) -> UdpEndpoint:
    """A server of this machine that answers every second probe; `forged`: of another run."""
    endpoint = UdpEndpoint(loop, open_socket("127.0.0.1", 0))

    def receive(batch: list[tuple[bytes, Address]]) -> None:
        for datagram, source in batch:
            probe = parse_packet_untrusted(datagram)
            assert isinstance(probe, Probe)
            if probe.number % 2 == 0:
                probe_id = os.urandom(8) if forged else probe.probe_id
                reply = ProbeReply(
                    probe.version, probe_id, probe.number, bytes(32), 1, 0, 0, probe.size, packed_source(source),
                    probe.number + 1, b"", probe.size,
                )  # fmt: skip
                endpoint.send([(reply.encode(), source)])

    endpoint.listen(receive)
    return endpoint


def probed(loop: asyncio.AbstractEventLoop, endpoint: UdpEndpoint, pace: Pace = PACE, *, divides: bool = True) -> Run:
    kept: list[Run] = []

    async def run() -> None:
        with closing(Prober(loop)) as prober:
            ways = prober.to(endpoint.address, divides=divides)
            await prober.run(ways, pace, size=DATAGRAM_BYTES_MAX, keep=kept.append)
            assert prober.buffer_bytes > 0

    loop.run_until_complete(run())
    endpoint.close()
    [result] = kept
    return result


def test_a_run_has_what_was_sent_and_what_was_answered(loop: asyncio.AbstractEventLoop) -> None:
    run = probed(loop, answer(loop))
    assert len(run.sent) == 6
    assert [heard.reply.number for heard in run.heard] == [0, 2, 4]
    assert all(heard.reply.size == DATAGRAM_BYTES_MAX for heard in run.heard)


def test_an_answer_to_another_run_is_none(loop: asyncio.AbstractEventLoop) -> None:
    assert not probed(loop, answer(loop, forged=True), divides=False).heard


def test_a_run_that_is_cancelled_is_kept_as_it_is(loop: asyncio.AbstractEventLoop) -> None:
    endpoint, kept = answer(loop), list[Run]()

    async def run() -> None:
        with closing(Prober(loop)) as prober:
            pace = Pace(1_000, 1.0, 1.0)
            ways = prober.to(endpoint.address)
            running = asyncio.ensure_future(
                prober.run(ways, pace, is_enough=lambda heard: heard and not running.cancel(), keep=kept.append)
            )
            await asyncio.gather(running, return_exceptions=True)

    loop.run_until_complete(run())
    endpoint.close()
    assert len(kept[0].sent) == len(kept[0].heard) == 1
