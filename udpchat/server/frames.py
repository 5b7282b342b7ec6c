"""A handler for each frame of a peer (SPEC 4.1). It returns the reason if the session ends, else None."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from udpchat.server.chat import Chat
from udpchat.server.registry import Peer
from udpchat.session.session import Session
from udpchat.wire.content import Reason
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import (
    Ack,
    Enter,
    Follow,
    Goodbye,
    PathReply,
    Ping,
    Pong,
    Request,
    RequestFragment,
    Up,
    encode,
    parse_request_untrusted,
)
from udpchat.wire.packets import Address
from udpchat.wire.requests import Malformed, RequestBody

# Neither loss nor reordering explains these in an authenticated packet: the peer is at fault and is disconnected.
VIOLATIONS = frozenset({Drop.UNSENT_ACK})


class Received(NamedTuple):
    """The peer that sent a frame, its session and address, and the time."""

    now: float
    chat: Chat
    peer: Peer
    session: Session
    address: Address

    @property
    def is_current(self) -> bool:
        """False on the session that the newest one replaced: an earlier process may have sent the frame."""
        return self.session is self.peer.session


def _on_enter(received: Received, frame: Enter) -> None:
    now, chat, peer, *_ = received
    proposal = chat.admission.enter(peer, frame.nick)
    if proposal is not None:
        chat.propose(now, proposal)


def _on_follow(received: Received, frame: Follow) -> None:
    peer, session = received.peer, received.session
    if (
        received.is_current and session.opened >= peer.follows_from
    ):  # else a later Part, maybe of this room, overtook it
        received.chat.admission.follow(received.now, peer, frame.log)


def _on_request(received: Received, frame: Request) -> None:
    if received.is_current:
        _accept_request(received, frame.counter, frame.first_open, frame.body)


def _on_fragment(received: Received, frame: RequestFragment) -> None:
    if not received.is_current:
        return
    now, chat, peer, *_ = received
    whole = peer.window.receive_fragment(frame)
    if whole is not None:
        _accept_request(received, frame.counter, frame.first_open, _readable(whole))
    elif frame.index == frame.count - 1:
        encoded = peer.window.answer_of(frame.counter)
        if encoded is not None:
            chat.repeat_answer(now, peer, frame.counter, encoded)


def _readable(body: bytes) -> RequestBody:
    """A request assembled from its fragments. If it cannot be parsed: `Malformed`, so that it is answered."""
    try:
        return parse_request_untrusted(body)
    except BadDatagram:
        return Malformed()


def _accept_request(received: Received, counter: int, first_open: int, body: RequestBody) -> None:
    now, chat, peer, *_ = received
    if not peer.bucket.take(now):
        raise BadDatagram(Drop.RATE_LIMITED)
    encoded = peer.window.receive(counter, first_open, body)
    if encoded is not None:
        chat.repeat_answer(now, peer, counter, encoded)


def _on_ack(received: Received, frame: Ack) -> None:
    if not received.is_current:
        return  # it acknowledges packets of the previous session, which are forgotten
    now, _, peer, session, _ = received
    is_newest = session.opened == session.largest_received
    peer.downlink.receive_ack(now, frame, packets_sent=session.sent, is_newest=is_newest)


def _on_ping(received: Received, frame: Ping) -> None:
    downlink = received.peer.downlink
    downlink.send(encode(Pong(frame.number)))
    downlink.announce_missing()


def _on_path_reply(received: Received, frame: PathReply) -> None:
    received.session.path.on_reply_untrusted(received.now, received.address, frame.token)


def _on_goodbye(received: Received, frame: Goodbye) -> Reason | None:
    return Reason.QUIT if received.is_current else None


FRAMES: dict[type[Up], Callable[[Received, Any], Reason | None]] = {
    Enter: _on_enter,
    Follow: _on_follow,
    Request: _on_request,
    RequestFragment: _on_fragment,
    Ack: _on_ack,
    Ping: _on_ping,
    PathReply: _on_path_reply,
    Goodbye: _on_goodbye,
}
