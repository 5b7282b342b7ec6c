"""The registry: address <-> session <-> peer <-> nick, last heard, expiry (SPEC 6.1). The one table of who is here.

A *peer* is one device: a key and an instance, with the session that carries it at the moment. A *nick* belongs to the
key that first claimed it, for good; a key may hold several, and each of its peers goes by one of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from udpchat.chat.names import skeleton
from udpchat.session.noise import user_id
from udpchat.session.session import Session
from udpchat.sync.downlink import Downlink
from udpchat.sync.requests import RequestWindow
from udpchat.sync.rtt import RoundTrip
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import (
    NICKS_MAX,
    NICKS_PER_KEY_MAX,
    PEERS_MAX,
    PEERS_PER_KEY_MAX,
    REQUESTS_BURST,
    REQUESTS_PER_S_MAX,
)


class Peer:
    """One device of one person."""

    __slots__ = (
        "_allowance", "_allowance_at", "author", "away", "claimed", "downlink", "host", "instance", "key", "nick",
        "parted_at", "previous", "rooms", "said_at", "session", "user", "wanted", "window",
    )  # fmt: skip

    def __init__(self, now: float, *, session: Session, instance: bytes, author: bytes, window: RequestWindow) -> None:
        self.key = session.remote_static
        self.user = user_id(self.key)
        self.instance = instance
        self.author = author
        self.session = session
        self.previous: Session | None = None  # opens packets for a while after a fresh handshake
        self.host = session.path.address[0]  # where the round trip and the pace of the downlink were measured
        self.downlink = Downlink(self)
        self.window = window
        self.nick = ""  # until it has entered
        self.rooms: set[str] = set()
        self.parted_at = -1  # the counter of a packet that came before it last left a room, in this session
        self.wanted: frozenset[str] = frozenset()  # rooms asked for before its nick was durably its own
        self.away = ""
        self.claimed: dict[int, str] | None = None  # nicks, by requests that it may not know of as answered
        self.said_at = now
        self._allowance = REQUESTS_BURST
        self._allowance_at = now

    @property
    def has_entered(self) -> bool:
        """Whether it has a nick."""
        return bool(self.nick)

    @property
    def heard_at(self) -> float:
        """When it last sent anything authentic."""
        return self.session.heard_s

    @property
    def round_trip(self) -> RoundTrip:
        """Of the path that is in use."""
        return self.downlink.loss_detection.round_trip

    def change_host(self, host: str) -> None:
        """The peer is at another host from here on: a path of which nothing is known yet."""
        self.host = host
        self.downlink.change_path()

    def take_allowance(self, now: float) -> None:
        """One request; BadDatagram(RATE_LIMITED) if it asks faster than anyone may."""
        self._allowance = min(REQUESTS_BURST, self._allowance + (now - self._allowance_at) * REQUESTS_PER_S_MAX)
        self._allowance_at = now
        if self._allowance < 1:
            raise BadDatagram(Drop.RATE_LIMITED)
        self._allowance -= 1


class Registry:
    """All peers, and to whom every nick belongs."""

    def __init__(self) -> None:
        self._by_index: dict[int, tuple[Peer, Session]] = {}
        self._by_client_id: dict[bytes, Peer] = {}
        self._by_key: dict[bytes, list[Peer]] = {}
        self._claims: dict[str, tuple[str, bytes]] = {}  # skeleton -> (nick, key)
        self._claims_of: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._by_client_id)

    def __iter__(self) -> Iterator[Peer]:
        return iter(list(self._by_client_id.values()))

    def __contains__(self, peer: Peer) -> bool:
        return self._by_client_id.get(peer.author) is peer

    # --- Peers and sessions ----------

    def is_index_free(self, index: int) -> bool:
        """Whether a new session may have this index."""
        return index not in self._by_index

    def find(self, index: int) -> tuple[Peer, Session] | None:
        """The peer that a session of this index belongs to."""
        return self._by_index.get(index)

    def find_client(self, author: bytes) -> Peer | None:
        """The peer of this key and instance."""
        return self._by_client_id.get(author)

    def surplus_of(self, key: bytes) -> Peer | None:
        """The peer of this key that must go before it may have one more: the one heard least recently."""
        peers = self._by_key.get(key, [])
        return min(peers, key=lambda peer: peer.heard_at) if len(peers) >= PEERS_PER_KEY_MAX else None

    def add(self, peer: Peer) -> None:
        """A peer with its first session."""
        if len(self._by_client_id) >= PEERS_MAX:
            raise BadDatagram(Drop.TABLE_FULL)
        self._by_client_id[peer.author] = peer
        self._by_key.setdefault(peer.key, []).append(peer)
        self._by_index[peer.session.index] = (peer, peer.session)

    def change_session(self, peer: Peer, session: Session) -> None:
        """The peer has made a fresh handshake; its session before still opens what is under way."""
        self.end_previous(peer)
        peer.previous = peer.session
        peer.session = session
        peer.parted_at = -1
        self._by_index[session.index] = (peer, session)

    def end_previous(self, peer: Peer) -> None:
        """What was under way in the session before has had its time."""
        if peer.previous is not None:
            del self._by_index[peer.previous.index]
            peer.previous = None

    def remove(self, peer: Peer) -> None:
        """The peer is gone; its nick stays with its key."""
        self.end_previous(peer)
        peer.nick = ""
        del self._by_index[peer.session.index]
        del self._by_client_id[peer.author]
        peers = self._by_key[peer.key]
        peers.remove(peer)
        if not peers:
            del self._by_key[peer.key]

    def peers_of(self, key: bytes) -> list[Peer]:
        """The devices of a person that are here."""
        return self._by_key.get(key, [])

    # --- Nicks ----------

    def entered(self, key: bytes) -> list[Peer]:
        """The devices of a person that have entered, under whichever nick."""
        return [peer for peer in self.peers_of(key) if peer.has_entered]

    def owner(self, nick: str) -> tuple[str, bytes] | None:
        """(nick as claimed, key) of whoever holds this nick or one that looks like it."""
        return self._claims.get(skeleton(nick))

    def may_claim(self, nick: str, key: bytes) -> bool:
        """Whether there is room for one more nick, in all and of this key."""
        return len(self._claims) < NICKS_MAX and self._claims_of.get(key, 0) < NICKS_PER_KEY_MAX

    def claim(self, nick: str, key: bytes) -> None:
        """The nick, with all that look like it, belongs to the key; to whom it belongs already, it does."""
        if skeleton(nick) in self._claims:
            return
        self._claims[skeleton(nick)] = (nick, key)
        self._claims_of[key] = self._claims_of.get(key, 0) + 1

    def unclaim(self, nick: str) -> None:
        """The claim could not be written."""
        _, key = self._claims.pop(skeleton(nick))
        self._claims_of[key] -= 1
        if not self._claims_of[key]:
            del self._claims_of[key]
