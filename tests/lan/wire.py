"""A wire between two interfaces that takes its time: `python -m tests.lan.wire ONE OTHER DELAY_S AT_ONCE`.

Every frame is DELAY_S on its way, but for the share AT_ONCE, which overtakes the others. Needs root, and Linux.
"""

from __future__ import annotations

import heapq
import itertools
import select
import socket
import sys
import time
from random import Random

ALL_PROTOCOLS = 3  # ETH_P_ALL
SOL_PACKET, PACKET_VNET_HDR = (
    263,
    15,
)  # a frame has its header of virtio(4) in front: what is left to do for its checksum
FRAME_BYTES_MAX = 65_600
SEED = 7


def main(one: str, other: str, delay_s: str, at_once: str) -> None:
    """Carry frames until this process is killed."""
    ends = [_opened(name) for name in (one, other)]
    random, numbers = Random(SEED), itertools.count()
    waiting: list[tuple[float, int, socket.socket, bytes]] = []
    print("ready", flush=True)
    while True:
        wait_s = max(waiting[0][0] - time.monotonic(), 0.0) if waiting else None
        readable, _, _ = select.select(ends, [], [], wait_s)
        now = time.monotonic()
        for end in readable:
            frame, sender = end.recvfrom(FRAME_BYTES_MAX)
            if sender[2] != socket.PACKET_OUTGOING:
                due = now if random.random() < float(at_once) else now + float(delay_s)
                heapq.heappush(waiting, (due, next(numbers), ends[1 - ends.index(end)], frame))
        while waiting and waiting[0][0] <= now:
            _, _, target, frame = heapq.heappop(waiting)
            target.send(frame)


def _opened(name: str) -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    made.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    made.bind((name, ALL_PROTOCOLS))
    return made


if __name__ == "__main__":
    main(*sys.argv[1:])
