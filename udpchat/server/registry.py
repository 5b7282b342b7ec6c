"""The registry: the table of all connected peers, by session, client and key (SPEC 6.1).

A *peer* is one device: a key and an instance, with its current session. `server.state` records durably which key owns
a nick; a `Peer` has the nick that it uses now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from udpchat.server.credit import Balance
from udpchat.server.payer import Payer
from udpchat.server.proposals import Author
from udpchat.server.quotas import HeldQuota, Places, Who
from udpchat.session.noise import user_id
from udpchat.session.rate_limit import Rate, TokenBucket
from udpchat.session.session import Session
from udpchat.sync.downlink import Downlink
from udpchat.sync.exactly_once import RequestWindow
from udpchat.sync.rtt import RoundTrip
from udpchat.wire import limits
from udpchat.wire.content import Reason
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.fields import Value
from udpchat.wire.packets import DATA_NAME_BYTES, data_name
from udpchat.wire.requests import RequestBody

NOTICES = Rate(limits.NOTICES_BURST, limits.NOTICES_PER_S_MAX)


@dataclass(slots=True)
class Entering:
    """What a peer without a nick has requested: the nick that is proposed, and the rooms it will join.

    `since`: when it made its first handshake. `rooms`: by name, whether it was
    there before, in another session. `number`: that of the proof it showed last.
    """

    since: float
    nick: str | None = None
    number: int = 0
    rooms: dict[str, bool] = field(default_factory=dict)


@dataclass(slots=True)
class Activity:
    """When this device connected, when it last sent a message, and why its person is away, if so.

    `notices` limits what looks at all followers of a log; None before the first. `held_until`: its requests wait, as
    its person has reached too many (SPEC 6.7). `entered_in`: session and counter of the packet with its latest Enter.
    """

    since: float
    said_at: float
    away: str | None = None
    notices: TokenBucket | None = None
    held_until: float | None = None
    hold_reported_at: float | None = None
    entered_in: tuple[int, int] = (-1, -1)

    def is_first_enter(self, session: Session) -> bool:
        """Whether this Enter is the first in the packet that was opened last."""
        packet = session.index, session.opened
        is_first, self.entered_in = packet != self.entered_in, packet
        return is_first

    def is_held(self, now: float) -> bool:
        """Whether its requests have to wait."""
        return self.held_until is not None and now < self.held_until

    def may_report_hold(self, now: float) -> bool:
        """Whether to inform the device that its requests wait: not more often than it takes to notice."""
        if self.hold_reported_at is not None and now < self.hold_reported_at + limits.HOLD_REPORTED_S_MIN:
            return False
        self.hold_reported_at = now
        return True

    def may_notify(self, now: float) -> bool:
        """Take a token for a `Typing`, `GetReceipt` or `ListHolders`; False if none is left."""
        if self.notices is None:
            self.notices = TokenBucket(now, NOTICES)
        return self.notices.take(now)


@dataclass(slots=True)
class Renames:
    """Which Rename gave a device its nick: that with the highest counter, in whichever order they are answered."""

    last: int = 0
    claimed: dict[int, str] | None = None  # by counter: nicks of Renames whose answer it may not have

    def advance(self, counter: int) -> bool:
        """The Rename with this counter is done: whether it gives the device its nick."""
        is_latest = counter > self.last
        self.last = max(self.last, counter)
        return is_latest


class Peer:
    """One device of one person. `nick` is None until it has entered, and after it is removed."""

    __slots__ = (
        "activity", "author", "downlink", "entering", "follows_from", "nick", "payer", "previous",
        "renames", "rooms", "session", "window",
    )  # fmt: skip

    def __init__(
        self, now: float, *, session: Session, author: Author, window: RequestWindow[RequestBody], payer: Payer
    ) -> None:
        self.author = author
        self.payer = payer  # as long as it is at this address; read often: no method
        self.session = session
        self.previous: Session | None = None  # still opens packets for a while after a fresh handshake
        self.downlink = Downlink(session.path.address)
        self.window = window
        self.nick: str | None = None
        self.entering: Entering | None = Entering(now)
        self.rooms: set[str] = set()
        self.follows_from = 0  # a Follow in a packet of a smaller counter was sent before its last Part
        self.activity = Activity(now, now)
        self.renames = Renames()

    @property
    def key(self) -> bytes:
        """The account of its person, by the public key of the first device."""
        return self.author.key

    def on_path(self) -> None:
        """It may be at another address from here on: who is there is charged for what it uses."""
        host = self.session.path.address[0]
        if host != self.payer.host:
            self.payer = self.payer.moved(host)

    @property
    def who(self) -> Who:
        """Its key and its source."""
        return self.payer.who

    @property
    def balance(self) -> Balance:
        """The balance of its key."""
        return self.payer.balance

    @property
    def heard_at(self) -> float:
        """When a packet was last opened in its current session."""
        return self.session.heard_s

    @property
    def round_trip(self) -> RoundTrip:
        """The round trip of the path in use."""
        return self.downlink.loss_detection.path.round_trip


class Ending(Value, frozen=True):
    """A session that is to end: why, and the frames that are sent before its Goodbye. `by`: who wants that, `why`:
    their reason.
    """

    peer: Peer
    reason: Reason
    frames: tuple[bytes, ...]
    by: str | None = None
    why: str = ""


class Registry:
    """All peers, by session index, by client id and by key; their places are a quota."""

    def __init__(self, quota: HeldQuota) -> None:
        self._by_name: dict[bytes, tuple[Peer, Session]] = {}  # by what their datagrams begin with
        self._by_client_id: dict[bytes, Peer] = {}
        self._by_key: dict[bytes, list[Peer]] = {}
        self._places: Places[Peer] = Places(quota)
        self._endings: dict[Peer, Ending] = {}

    def __len__(self) -> int:
        return len(self._by_client_id)

    def __iter__(self) -> Iterator[Peer]:
        return iter(list(self._by_client_id.values()))

    def __contains__(self, peer: Peer) -> bool:
        return self._by_client_id.get(peer.author.client_id) is peer

    def is_index_free(self, index: int) -> bool:
        return data_name(index) not in self._by_name

    def find(self, index: int) -> tuple[Peer, Session] | None:
        """The session with this index, and its peer."""
        return self._by_name.get(data_name(index))

    def find_named(self, datagram: bytes) -> tuple[Peer, Session] | None:
        """The session that a Data datagram names, and its peer. Anybody may name any: nothing is proved."""
        return self._by_name.get(datagram[:DATA_NAME_BYTES])

    def find_client(self, client_id: bytes) -> Peer | None:
        """The peer of this key and instance."""
        return self._by_client_id.get(client_id)

    def surplus_for(self, who: Who) -> Peer | None:
        """Which peer to disconnect before one of this key and source is added; None: none, or it has no place.

        If the key has as many as allowed, the one heard least recently. If all places are taken, the first that has not
        entered, at a source that has more than its share.
        """
        peers = self._by_key.get(who.key, [])
        if len(peers) >= limits.PEERS_PER_KEY_MAX:
            return min(peers, key=lambda peer: peer.heard_at)
        return self._places.surplus_for(who, lambda peer: peer.entering is not None)

    def add(self, peer: Peer) -> None:
        """Add a peer with its first session. Raises BadDatagram(TABLE_FULL)."""
        if not self._places.take(peer, peer.who):
            peer.window.close()
            raise BadDatagram(Drop.TABLE_FULL)
        self._by_client_id[peer.author.client_id] = peer
        self._by_key.setdefault(peer.key, []).append(peer)
        self._by_name[data_name(peer.session.index)] = (peer, peer.session)

    def change_session(self, peer: Peer, session: Session) -> None:
        """The peer made a fresh handshake; the previous session still opens packets in flight."""
        self.end_previous(peer)
        peer.previous = peer.session
        peer.session = session
        peer.on_path()
        peer.follows_from = 0
        self._by_name[data_name(session.index)] = (peer, session)

    def change_account(self, peer: Peer, account: bytes) -> Peer | None:
        """The peer is of this account from here on; which other one of it to disconnect, if it has too many by now."""
        others = self._by_key.get(account, [])
        surplus = min(others, key=lambda other: other.heard_at) if len(others) >= limits.PEERS_PER_KEY_MAX else None
        self._forget_key(peer)
        peer.author = replace(peer.author, key=account, user=user_id(account))
        peer.payer = peer.payer.changed(account)
        self._by_key.setdefault(account, []).append(peer)
        self._places.change_holder(peer, peer.who)
        return surplus

    def end_previous(self, peer: Peer) -> None:
        if peer.previous is not None:
            del self._by_name[data_name(peer.previous.index)]
            peer.previous = None

    def end_later(self, peer: Peer, reason: Reason, *frames: bytes, by: str | None = None, why: str = "") -> None:
        """The session of a peer ends with this turn; if it does already, for the reason given first."""
        self._endings.setdefault(peer, Ending(peer, reason, frames, by, why))

    def drain_endings(self) -> list[Ending]:
        """The sessions that are to end, in order."""
        if not self._endings:
            return []
        endings, self._endings = self._endings, {}
        return [ending for ending in endings.values() if ending.peer in self]

    def remove(self, peer: Peer) -> None:
        """Remove a peer; its key still owns its nick."""
        self.end_previous(peer)
        self._places.give_back(peer)
        peer.window.close()
        peer.nick = None
        del self._by_name[data_name(peer.session.index)]
        del self._by_client_id[peer.author.client_id]
        self._forget_key(peer)

    def _forget_key(self, peer: Peer) -> None:
        peers = self._by_key[peer.key]
        peers.remove(peer)
        if not peers:
            del self._by_key[peer.key]

    def peers_of(self, key: bytes) -> list[Peer]:
        """The devices of a person that have a session here."""
        return self._by_key.get(key, [])

    def entered(self, key: bytes) -> list[Peer]:
        """The devices of a person that have entered, under whichever nick."""
        return [peer for peer in self.peers_of(key) if peer.nick is not None]
