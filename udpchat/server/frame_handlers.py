"""A handler for each frame of a peer (SPEC 4.1). It returns the reason if the session ends, else None."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from udpchat.chat.ids import PRIVATE_PREFIXES, ROOM_PREFIX, SAID_PREFIXES
from udpchat.server.access import why_not_speak
from udpchat.server.chat import Chat
from udpchat.server.fanout import holders
from udpchat.server.registry import Peer
from udpchat.server.request_handlers import reached_by_roster
from udpchat.session.session import Session
from udpchat.wire import frames
from udpchat.wire.content import Reason
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.fields import Value
from udpchat.wire.frames import encode
from udpchat.wire.limits import FRAGMENT_BYTES, NOTICED_PEERS_MAX, REQUEST_MEMORY_BYTES, TYPING
from udpchat.wire.packets import Address
from udpchat.wire.requests import Malformed, RequestBody

# Neither loss nor reordering explains these in an authenticated packet: the peer is at fault and is disconnected.
VIOLATIONS = frozenset({Drop.UNSENT_ACK})


class FrameContext(Value, frozen=True):
    """The peer that sent a frame, its session and address, the time, and in bytes what a request takes in memory that
    came in this packet: it may have been alone in it."""

    now: float
    chat: Chat
    peer: Peer
    session: Session
    address: Address
    request_bytes: int


def _on_enter(context: FrameContext, frame: frames.Enter) -> None:
    if not context.peer.activity.is_first_enter(context.session):
        return  # a client sends one, and who guesses passwords as many as fit
    context.peer.renames.advance(frame.renamed_by)
    context.chat.entrance.enter(context.now, context.peer, frame.nick, frame.proof)


def _on_follow(context: FrameContext, frame: frames.Follow) -> None:
    peer, session = context.peer, context.session
    is_overtaken = session.opened < peer.follows_from  # by a later Part, maybe of this room
    if is_overtaken:
        return
    room = context.chat.rooms.get(frame.log[1:])
    if room is not None and peer.nick is not None and room.name not in peer.rooms:
        reached = reached_by_roster(room.stream.followers + 1)
        if reached and context.chat.quotas.reach.wait_s(context.now, peer.who, reached):
            raise BadDatagram(Drop.RATE_LIMITED)  # it is repeated
    context.chat.admission.follow(context.now, peer, frame.log, is_back=frame.is_back)


def _on_request(context: FrameContext, frame: frames.Request) -> None:
    encoded = context.peer.window.receive(frame.counter, frame.first_open, frame.body, context.request_bytes)
    if encoded is not None:
        context.chat.repeat_answer(context.now, context.peer, frame.counter, encoded)


def _on_fragment(context: FrameContext, frame: frames.RequestFragment) -> None:
    now, chat, peer = context.now, context.chat, context.peer
    whole = peer.window.receive_fragment(frame)
    if whole is not None:
        size = min(len(whole) + REQUEST_MEMORY_BYTES, FRAGMENT_BYTES * frame.count)  # no more than was reserved
        encoded = peer.window.receive(frame.counter, frame.first_open, _readable(whole), size)
    else:
        encoded = peer.window.answer_of(frame.counter) if frame.index == frame.count - 1 else None
    if encoded is not None:
        chat.repeat_answer(now, peer, frame.counter, encoded)


def _readable(body: bytes) -> RequestBody:
    """A request assembled from its fragments. If it cannot be parsed: `Malformed`, so that it is answered."""
    try:
        return frames.parse_request_untrusted(body)
    except BadDatagram:
        return Malformed()


def _on_ack(context: FrameContext, frame: frames.Ack) -> None:
    peer, session = context.peer, context.session
    is_newest = session.opened == session.largest_received
    peer.downlink.receive_ack(context.now, frame, packets_sent=session.sent, is_newest=is_newest)
    _repeat(context, peer.downlink.ends.due(context.now))
    for cursor in frame.cursors if peer.nick is not None else ():
        if cursor.log not in peer.downlink.subscriptions and cursor.log.startswith(PRIVATE_PREFIXES):
            context.chat.rooms.report_unknown(peer, cursor.log)


def _on_ping(context: FrameContext, frame: frames.Ping) -> None:
    downlink = context.peer.downlink
    downlink.send(encode(frames.Pong(frame.number)))
    _repeat(context, downlink.ends.on_ping(context.now))
    downlink.announce_missing()


def _repeat(context: FrameContext, ends: list[bytes]) -> None:
    """The peer is heard: report to it again which logs it follows no longer."""
    for frame_again in ends:
        context.peer.downlink.send(frame_again)


def _on_path_reply(context: FrameContext, frame: frames.PathReply) -> None:
    context.session.path.on_reply_untrusted(context.now, context.address, frame.token)
    context.chat.on_moved(context.now, context.peer)


def _on_typing(context: FrameContext, frame: frames.Typing) -> None:
    nick, author = context.peer.nick, context.peer.author
    others = [other for other in _others(context, frame.log) if TYPING in other.author.capabilities]
    state, room = context.chat.commits.durable, frame.log[1:] if frame.log.startswith(ROOM_PREFIX) else ""
    is_mute = why_not_speak(state, room, author.key, author.device, context.chat.clock.time_ms(context.now)) is not None
    if nick is not None and others and not is_mute:
        notice = encode(frames.UserTyping(frame.log, nick))
        for other in others:
            context.chat.fanout.send(other, notice)


def _on_get_receipt(context: FrameContext, frame: frames.GetReceipt) -> None:
    others = _others(context, frame.log)
    if others:
        users = {other.key for other in others}
        have = {other.key for other in holders(others, frame.log, frame.sequence)}
        context.peer.downlink.send(encode(frames.Receipt(frame.log, frame.sequence, len(have), len(users))))


def _others(context: FrameContext, log: str) -> list[Peer]:
    """The devices of other users that follow a log of messages with this peer; none if that are too many.

    It takes a token of the peer. Raises BadDatagram(RATE_LIMITED).
    """
    peer = context.peer
    if not peer.activity.may_notify(context.now):
        raise BadDatagram(Drop.RATE_LIMITED)
    subscription = peer.downlink.subscriptions.get(log) if log.startswith(SAID_PREFIXES) else None
    if subscription is None or subscription.stream.followers > NOTICED_PEERS_MAX:
        return []
    return context.chat.fanout.others(peer, subscription.stream)


def _on_group_ready(context: FrameContext, frame: frames.GroupReady) -> None:
    context.chat.fanout.groups.on_ready(context.peer, frame)


def _on_goodbye(context: FrameContext, frame: frames.Goodbye) -> Reason | None:
    return Reason.QUIT


def _ignore(context: FrameContext, frame: frames.Up) -> None:
    """What an earlier process of the client may have sent, or what acknowledges packets that are forgotten."""


Handlers = Mapping[type[frames.Up], Callable[[FrameContext, Any], Reason | None]]

FRAMES: Handlers = {
    frames.Enter: _on_enter,
    frames.Follow: _on_follow,
    frames.Request: _on_request,
    frames.RequestFragment: _on_fragment,
    frames.Ack: _on_ack,
    frames.Ping: _on_ping,
    frames.PathReply: _on_path_reply,
    frames.Goodbye: _on_goodbye,
    frames.Typing: _on_typing,
    frames.GetReceipt: _on_get_receipt,
    frames.GroupReady: _on_group_ready,
}
_OF_THE_NEWEST = (
    frames.Follow, frames.Request, frames.RequestFragment, frames.Ack, frames.Goodbye, frames.GroupReady,
)  # fmt: skip

# Those of frames on the session that the newest one of the peer replaced.
FRAMES_OF_PREVIOUS: Handlers = {**FRAMES, **dict.fromkeys(_OF_THE_NEWEST, _ignore)}
