"""Who has used how much of the server, and what frames cost; those of requests are in `request_handlers.py` (SPEC 6.7).

Each frame and request has a price: about how many microseconds it takes the server on the machine where they were
measured (`scripts/bench prices` compares them with what they take now). It is charged to the balances of its sender:
the balance of the key, which all devices of a person share, and that of the source, the host or network it comes from.

A clock runs beside the balances, in the same unit. Whoever has used less than the clock shows has *credit*, CREDIT_US
at most, and whoever has used more has *debt*, DEBT_US at most. The clock runs while the server has time left, at the
rate that everybody may use at any time; while work waits, it follows the balances that are served. This is start-time
fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996) with a burst.
"""

from __future__ import annotations

from typing import Final

from udpchat.wire import frames

CREDIT_US: Final = 250_000.0  # what may be used at once after a time of silence
NEW_CREDIT_US: Final = 10_000.0  # of a balance that begins: to enter, some ten times. The rest is earned by being here
MUCH_CREDIT_US: Final = (
    50_000.0  # who uses little saves so much; who sends windows of requests, about 10 ms each, does not
)
DEBT_US: Final = 1_000_000.0  # more is forgotten: the longest time that others can be preferred to one
FREE_US_PER_S: Final = 50_000.0  # a twentieth of a core, for each key
SOURCE_SHARES: Final = 8.0  # a source may use as much as so many keys: people may share an address
BALANCES_MAX: Final = 32_768  # in one ledger; beyond it the oldest balance is closed

DATAGRAM_US: Final = 30.0  # opening and parsing a packet, and sealing one to its sender
UNREAD_US: Final = 8.0  # of a stranger: what is answered or dropped without a curve operation
PROBE_US: Final = 25.0  # with its answer
HELLO_US: Final = 150.0  # with a cookie
FINISH_US: Final = 200.0  # with a new peer
RANGE_US: Final = 2.0  # a cursor of an Ack, and each of its ranges
PACKET_US: Final = 25.0  # sealing and sending one more packet to a peer
LOST_US: Final = 40.0  # sending again what was in a packet that is lost, as an ack shows or time
WRITE_US: Final = 100.0  # writing the entry that a request appends
WRITE_KIB_US: Final = 150.0  # the same for each KiB of its text, the words of which enter an index
REPLACE_US: Final = 2_400.0  # an edit or a redaction, beside writing it: the words of a text as long as may be leave it
FOLLOWER_US: Final = 25.0  # sending a datagram of an entry to a follower, and taking its ack
FOLLOWERS_CHARGED_MAX: Final = 64  # who speaks pays for no more, however large the room: fifteen lines a second
MEMBER_US: Final = 1.0  # sending a change of a roster to a member, with others of the same time

FRAMES_US: Final[dict[type[frames.Up], float]] = {
    frames.Enter: 60.0,
    frames.Follow: 80.0,  # of a new room, which is made
    frames.Request: 10.0,
    frames.RequestFragment: 10.0,
    frames.Ack: 15.0,
    frames.Ping: 5.0,
    frames.PathReply: 5.0,
    frames.Goodbye: 50.0,
    frames.Typing: 20.0,
    frames.GetReceipt: 20.0,
    frames.GroupReady: 5.0,
}  # fmt: skip


def packet_us(parsed: list[frames.Up]) -> float:
    """The price of a packet with these frames, without the requests in them."""
    price_us = DATAGRAM_US
    for frame in parsed:
        price_us += FRAMES_US[type(frame)]
        if type(frame) is frames.Ack:
            for cursor in frame.cursors:
                price_us += RANGE_US + RANGE_US * len(cursor.ranges)
    return price_us


class Balance:
    """What one key or source has used, in microseconds on the clock of its ledger."""

    __slots__ = ("used_us",)

    def __init__(self, used_us: float) -> None:
        self.used_us = used_us


def most_used_us(balances: tuple[Balance, ...]) -> float:
    """Of the balance that has used most: what one sender counts with, whose key and source have one each."""
    most_us = balances[0].used_us
    for balance in balances:  # the hot path: no calls
        if balance.used_us > most_us:
            most_us = balance.used_us
    return most_us


class Ledger:
    """Balances by name, and their clock."""

    __slots__ = ("_balances", "_ran_at", "clock_us")

    def __init__(self) -> None:
        self.clock_us = 0.0
        self._ran_at: float | None = None
        self._balances: dict[bytes | str, Balance] = {}

    def __len__(self) -> int:
        return len(self._balances)

    def run(self, now: float, *, is_work_waiting: bool) -> None:
        """Time has passed since the last call: without waiting work, everybody had their rate."""
        if self._ran_at is not None and not is_work_waiting:
            self.clock_us += (now - self._ran_at) * FREE_US_PER_S
        self._ran_at = now

    def open(self, name: bytes | str) -> Balance:
        """The balance of a key or source. A new one has little credit: or many that come at once would go first."""
        balance = self._balances.get(name)
        if balance is None:
            balance = self._balances[name] = Balance(self.clock_us - NEW_CREDIT_US)
            if len(self._balances) > BALANCES_MAX:
                del self._balances[next(iter(self._balances))]
        return balance

    @property
    def floor_us(self) -> float:
        """What who has all the credit that there can be has used; a balance may show less until it is charged again."""
        return self.clock_us - CREDIT_US

    def has_saved(self, balance: Balance) -> bool:
        """Whether a balance has more credit than a new one: who uses little, and is not new."""
        return balance.used_us < self.clock_us - NEW_CREDIT_US

    def has_much_credit(self, used_us: float) -> bool:
        """Whether who has used so much has used little for a while."""
        return used_us < self.clock_us - MUCH_CREDIT_US

    def charge(self, price_us: float, balance: Balance, shared: Balance | None = None) -> None:
        """This much work is done for a balance, and a SOURCE_SHARES-th of it for one that several share."""
        floor_us, ceiling_us = self.clock_us - CREDIT_US, self.clock_us + DEBT_US
        used_us = balance.used_us  # the hot path: no calls
        used_us = price_us + (used_us if used_us > floor_us else floor_us)
        balance.used_us = used_us if used_us < ceiling_us else ceiling_us
        if shared is not None:
            used_us = shared.used_us
            used_us = price_us / SOURCE_SHARES + (used_us if used_us > floor_us else floor_us)
            shared.used_us = used_us if used_us < ceiling_us else ceiling_us

    def on_served(self, used_us: float) -> None:
        """Waiting work of a balance that had used so much is served: nobody who waits has used less."""
        if used_us > self.clock_us:
            self.clock_us = used_us
