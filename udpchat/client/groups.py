"""The groups whose packets a client opens, and what it takes from them (SPEC 5.8). Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from udpchat.client.checks import check_frame_untrusted
from udpchat.session.group import GroupReceiver
from udpchat.session.rate_limit import Rate, TokenBucket
from udpchat.sync.uplink import Uplink
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import Entries, EntryFragment, GroupKey, GroupReady, Heads, encode, parse_down_untrusted
from udpchat.wire.limits import (
    GROUP_EPOCH_OVERLAP_S,
    GROUP_FORGERIES_BURST,
    GROUP_FORGERIES_PER_S_MAX,
    GROUP_HEADER_BYTES,
)
from udpchat.wire.packets import GROUP_HEADER

ReceiveEntries = Callable[[float, Entries | EntryFragment], bool]


@dataclass(slots=True)
class _Epoch:
    """One epoch of the group of a log. `ends_at`: when its packets are opened no more; set by the next epoch."""

    key: GroupKey
    receiver: GroupReceiver
    ends_at: float = inf


class Groups:
    """The keys of the present session, of logs that `uplink` holds: of each log two epochs at most."""

    __slots__ = ("_epochs", "_forgeries", "_ready", "_uplink")

    def __init__(self, now: float, uplink: Uplink) -> None:
        self._uplink = uplink
        self._epochs: dict[tuple[int, int], _Epoch] = {}  # by the numbers of group and epoch
        self._ready: dict[bytes, None] = {}
        self._forgeries = TokenBucket(now, Rate(GROUP_FORGERIES_BURST, GROUP_FORGERIES_PER_S_MAX))

    def __len__(self) -> int:
        """Epochs whose packets are opened, or were lately."""
        return len(self._epochs)

    def reset(self) -> None:
        """Another session: its server sends keys of its own."""
        self._epochs.clear()
        self._ready.clear()

    def receive_key(self, now: float, offered: GroupKey) -> None:
        """A key came in the session. It is answered each time, as an answer may be lost."""
        latest = next((one for one in self._epochs.values() if one.key.log == offered.log and one.ends_at == inf), None)
        is_late = latest is not None and latest.key.group == offered.group and offered.epoch < latest.key.epoch
        if is_late or offered.log not in self._uplink:
            return
        if latest is None or latest.key != offered:
            self._epochs = {
                number: one for number, one in self._epochs.items()
                if one.key.log in self._uplink and (one is latest or one.key.log != offered.log)
            }  # fmt: skip
            if latest is not None:
                latest.ends_at = now + GROUP_EPOCH_OVERLAP_S
            self._epochs[offered.group, offered.epoch] = _Epoch(offered, GroupReceiver(offered.key, offered.signer))
        self._ready[encode(GroupReady(offered.group, offered.epoch))] = None

    def drain_ready(self) -> list[bytes]:
        """Answers to keys, which go with what is sent anyway: with the ack of the entries that the key came with."""
        ready = list(self._ready)
        self._ready.clear()
        return ready

    def receive_untrusted(self, now: float, datagram: bytes, receive_entries: ReceiveEntries) -> None:
        """Take in a group packet: its entries by `receive_entries`. Raises BadDatagram."""
        if len(datagram) < GROUP_HEADER_BYTES:
            raise BadDatagram(Drop.TRUNCATED)
        _, group, number, _ = GROUP_HEADER.unpack_from(datagram)
        epoch = self._epochs.get((group, number))
        if epoch is None or now >= epoch.ends_at:
            raise BadDatagram(Drop.UNKNOWN_GROUP)
        self._forgeries.fill(now)
        if self._forgeries.left < 1.0:
            raise BadDatagram(Drop.RATE_LIMITED)
        try:
            body = epoch.receiver.open_untrusted(datagram)
        except BadDatagram as drop:
            if drop.reason is Drop.BAD_SIGNATURE:
                self._forgeries.take(now)
            raise
        self._take_in_untrusted(now, epoch.key.log, body, receive_entries)

    def _take_in_untrusted(self, now: float, log: str, body: bytes, receive_entries: ReceiveEntries) -> None:
        for frame in parse_down_untrusted(body):
            check_frame_untrusted(frame)
            match frame:
                case Entries() | EntryFragment() if frame.log == log:
                    self._uplink.on_shared(now, frame)
                    receive_entries(now, frame)
                case Heads(ack_delay_ms, [head]) if head.log == log:
                    self._uplink.on_shared_head(now, head, ack_delay_ms)
                case _:
                    raise BadDatagram(Drop.IMPOSSIBLE)
