"""How the sessions of peers begin and end: packets of no session, handshakes, Goodbyes (SPEC 2, 6.1, 6.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from udpchat.chat import events
from udpchat.chat.ids import client_id_of
from udpchat.server.chat import Chat
from udpchat.server.credit import FINISH_US, HELLO_US, PROBE_US, UNREAD_US
from udpchat.server.meter import Meter
from udpchat.server.probes import ProbeResponder
from udpchat.server.quotas import Who
from udpchat.server.registry import Peer
from udpchat.session.responder import HandshakeResponder
from udpchat.session.session import Session
from udpchat.wire import frames, packets
from udpchat.wire.content import Reason
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import encode, pack
from udpchat.wire.limits import PEERS_PER_KEY_MAX
from udpchat.wire.packets import Address


class Timers(Protocol):
    """Those of the peers."""

    def forget(self, owner: Peer) -> None: ...


class Sessions:
    """Strangers become peers by a handshake, and peers have a fresh session by another."""

    __slots__ = ("_chat", "_meter", "_registry", "_timers", "_transmits", "handshakes", "probes")

    def __init__(
        self,
        handshakes: HandshakeResponder,
        probes: ProbeResponder,
        chat: Chat,
        meter: Meter,
        timers: Timers,
        transmits: list[tuple[bytes, Address]],
    ) -> None:
        """`transmits`: where the datagrams are appended that are to be sent."""
        self.handshakes = handshakes
        self.probes = probes
        self._chat = chat
        self._registry = chat.registry
        self._meter = meter
        self._timers = timers
        self._transmits = transmits

    def receive_untrusted(self, now: float, datagram: bytes, address: Address) -> None:
        """A packet of no session."""
        charge, host = self._meter.charge_stranger, address[0]
        charge(host, UNREAD_US)
        match packet := packets.parse_packet_untrusted(datagram):
            case packets.Hello():
                begun = self.handshakes.begun
                self._transmits.append((self.handshakes.receive_hello(now, address, packet), address))
                charge(host, HELLO_US * (self.handshakes.begun - begun))
            case packets.Finish():
                finished = self.handshakes.finished
                try:
                    accepted = self.handshakes.receive_finish(now, address, packet)
                finally:  # what only copies a Finish is cheap, and may be in another's name
                    charge(host, FINISH_US * (self.handshakes.finished - finished))
                self._begin(now, accepted.session, frames.parse_introduction_untrusted(accepted.payload))
            case packets.Data():
                self._transmits.append((packets.Reset(packet.index).encode(), address))  # shorter than any Data
                raise BadDatagram(Drop.UNKNOWN_SESSION)
            case packets.Probe():
                self._transmits.append((self.probes.answer_untrusted(now, address, packet), address))
                charge(host, PROBE_US)
            case _:
                raise BadDatagram(Drop.UNEXPECTED)

    def _begin(self, now: float, session: Session, introduction: frames.Introduction) -> None:
        """A handshake is complete: add a new peer, or give a known peer its new session."""
        if known := self._registry.find(session.index):
            peer = known[0]  # a repeated Finish: any Data stops the repetition
        else:
            client = self._registry.find_client(client_id_of(session.remote_static, introduction.instance))
            if client is not None and client.session.order > session.order:
                raise BadDatagram(Drop.UNKNOWN_SESSION)  # a late Finish: the peer has made a session since that Hello
            peer = self._take_session(now, client, session, introduction)
        self._chat.fanout.send(peer, encode(frames.Pong(0)))

    def _take_session(
        self, now: float, known: Peer | None, session: Session, introduction: frames.Introduction
    ) -> Peer:
        """The peer of a new session. One that is not known gets a place, once all was read that it needs."""
        if known is not None:
            self._chat.renew_peer(now, known, session, introduction)
            return known
        peer = self._chat.recalled_peer(now, session, introduction)
        self._make_place(now, peer.who)
        self._registry.add(peer)
        return peer

    def _make_place(self, now: float, who: Who) -> None:
        """Disconnect another device of this key, or one that has not entered, if there is no place else."""
        surplus = self._registry.surplus_for(who)
        if surplus is not None and surplus.key == who.key:
            refused = frames.EnterRefused("too_many_devices", (str(PEERS_PER_KEY_MAX),))
            self.end(now, surplus, Reason.DISPLACED, [encode(refused)])
        elif surplus is not None:
            self.end(now, surplus, Reason.TIMED_OUT)

    def end(
        self,
        now: float,
        peer: Peer,
        reason: Reason,
        before: Sequence[bytes] = (),
        *,
        by: str | None = None,
        why: str = "",
    ) -> None:
        """Disconnect a peer; `before` are frames sent in the same packet as the Goodbye. `by`: who wants that, `why`:
        their reason.
        """
        if peer.nick is not None:
            self._chat.happened.append(events.PeerLeft(peer.nick, reason))
        self._send_goodbye(peer, reason, before)
        self._chat.rooms.remove(now, peer, reason, by=by, why=why)
        self._timers.forget(peer)
        self._meter.settle()

    def end_due(self, now: float) -> None:
        """Disconnect the peers whose sessions are to end."""
        for each in self._registry.drain_endings():
            self.end(now, each.peer, each.reason, each.frames, by=each.by, why=each.why)

    def end_all(self) -> None:
        """The server stops: send all peers a Goodbye."""
        for peer in self._registry:
            self._send_goodbye(peer, Reason.STOPPING)

    def _send_goodbye(self, peer: Peer, reason: Reason, before: Sequence[bytes] = ()) -> None:
        packet = pack([*before, encode(frames.Goodbye(reason))])
        self._transmits.append((peer.session.seal(packet), peer.session.path.address))
