"""The table of requests (SPEC 4.3): the handler of each, its permission, and the requests it waits for.

A handler returns the result, which is sent at once; an action, which is settled, written if needed, and answered once
it is durable; or what is to be read from the log, which is answered once that is done. `carry_out` and `_outcome` check
what all share: an entered peer, the permission, the order.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from udpchat.chat.amendments import AMENDING, TAKEN_BACK
from udpchat.chat.emoji_text import is_emoji
from udpchat.chat.ids import AUDIT_LOG, ROOM_PREFIX, SAID_PREFIXES, room_log
from udpchat.chat.names import BadName, parse_nick, parse_room, skeleton
from udpchat.chat.permissions import Action as Deed
from udpchat.chat.refusals import detail_of
from udpchat.chat.text import clean_text, fits
from udpchat.server import account_handlers, order_handlers
from udpchat.server.access import Refused
from udpchat.server.chat import Chat
from udpchat.server.credit import (
    FOLLOWER_US,
    FOLLOWERS_CHARGED_MAX,
    MEMBER_US,
    REPLACE_US,
    WRITE_KIB_US,
    WRITE_US,
)
from udpchat.server.errands import ERRAND_ACTIONS
from udpchat.server.fanout import holders
from udpchat.server.history import NO_ROOM, search_of
from udpchat.server.logins import Hashing
from udpchat.server.proposals import ACTIONS, Action, Redacting, Telling
from udpchat.server.registry import Peer
from udpchat.server.repeated_requests import REFUSED_BEFORE, answer
from udpchat.server.request_context import PAGE_ITEMS_MAX, Outcome, Read, RequestContext, page_of
from udpchat.session.noise import fingerprint
from udpchat.sync.log import LogUnreadable
from udpchat.wire import requests
from udpchat.wire.content import ACTION, EDIT, REACTION, REDACTION, TEXT, Extra, Message, Reason, TopicSet
from udpchat.wire.fields import Value
from udpchat.wire.frames import parse_entry_untrusted
from udpchat.wire.limits import (
    AWAY_BYTES_MAX,
    FRAGMENT_BYTES,
    NOTICED_PEERS_MAX,
    ROSTER_REACHED_SHARE,
    SEARCH_BYTES_MAX,
    TEXT_BYTES_MAX,
    TOPIC_BYTES_MAX,
)
from udpchat.wire.requests import Done, Failed


def _malformed(context: RequestContext, request: requests.Malformed) -> Outcome:
    return Failed("malformed")


def _settled(context: RequestContext, request: Action) -> Outcome:
    """The request is settled as it is."""
    return request


# --- Messages ----------


def _say(context: RequestContext, request: requests.Say) -> Outcome:
    room = parse_room(request.room)
    text = _cleaned(context, request)
    if request.extra is None and text == request.text and room == request.room:  # mostly
        return request
    said = requests.Say(room, request.kind, text, _kept_extra(request) if request.extra else None)
    if request.kind == REDACTION and (target := _message_of_others(context, said)) is not None:
        return Redacting(said, target.author, target.nick)
    return said


def _message_of_others(context: RequestContext, request: requests.Say) -> Message | None:
    """The message that a redaction is about, if it is somebody else's."""
    extra = request.extra
    encoded = context.chat.rooms.entry(room_log(request.room), extra.sequence) if extra is not None else None
    message = None if encoded is None else parse_entry_untrusted(encoded)
    if extra is None or not isinstance(message, Message) or message.id != extra.refers_to:
        return None
    return message if message.author != context.peer.author.user else None


def _tell(context: RequestContext, request: requests.Tell) -> Outcome:
    text = _cleaned(context, request)
    claim = context.chat.commits.durable.claims.owner(request.nick)
    presence = _presence_of(context.chat.registry.entered(claim.key)) if claim else requests.Absent()
    return Telling(requests.Tell(request.nick, request.kind, text, _kept_extra(request)), presence)


def _cleaned(context: RequestContext, request: requests.Say | requests.Tell) -> str:
    """The text to store; of other kinds than TEXT, ACTION and EDIT it may be empty. `Refused` if it cannot be said."""
    cleaned, extra = clean_text(request.text), request.extra
    if cleaned is None and request.kind not in (TEXT, ACTION, EDIT):
        cleaned = ""
    if cleaned is None:
        raise Refused("empty")
    if request.kind in AMENDING and (extra is None or extra.refers_to is None or not extra.sequence):
        raise Refused("no_such_message")
    if request.kind == REACTION and not (is_emoji(cleaned) and extra and extra.data in (b"", TAKEN_BACK)):
        raise Refused("bad_reaction")
    data_bytes = len(extra.data) if extra else 0
    if not fits(cleaned, TEXT_BYTES_MAX - data_bytes):
        raise Refused("too_long.message", str(TEXT_BYTES_MAX))
    context.peer.activity.said_at = context.now
    return cleaned


def _kept_extra(request: requests.Say | requests.Tell) -> Extra | None:
    """What the author may say in `extra`: no data of an edit or a redaction, and not that the message was edited."""
    extra = request.extra
    if extra is None or not (extra.edited_by or extra.data):
        return extra
    return Extra(extra.refers_to, b"" if request.kind in (EDIT, REDACTION) else extra.data, extra.sequence)


# --- Presence ----------


def _part(context: RequestContext, request: requests.Part) -> Outcome:
    context.chat.rooms.part(context.now, context.peer, request.room, Reason.PARTED)
    context.peer.downlink.ends.forget(room_log(request.room))
    context.peer.follows_from = context.peer.session.largest_received
    return Done()


def _rename(context: RequestContext, request: requests.Rename) -> Outcome:
    return requests.Rename(parse_nick(request.nick))


def _set_topic(context: RequestContext, request: requests.SetTopic) -> Outcome:
    if not fits(request.topic, TOPIC_BYTES_MAX):
        return Failed("too_long.topic", (str(TOPIC_BYTES_MAX),))
    return request


def _get_topic(context: RequestContext, request: requests.GetTopic) -> Outcome:
    if context.hides(request.room):
        return Done()
    context.need_sight(request.room)
    topic = context.state.topic(request.room)
    return Done() if topic is None else TopicSet(topic.topic, topic.nick)


def _set_away(context: RequestContext, request: requests.SetAway) -> Outcome:
    if request.reason is not None and not fits(request.reason, AWAY_BYTES_MAX):
        return Failed("too_long.reason", (str(AWAY_BYTES_MAX),))
    context.chat.rooms.set_away(context.now, context.peer, request.reason)
    return Done()


def _whois(context: RequestContext, request: requests.Whois) -> Outcome:
    claim = context.chat.commits.durable.claims.owner(request.nick)
    if claim is None:
        return Failed("no_such_nick", (request.nick,))
    look = skeleton(claim.nick)
    present = [peer for peer in context.chat.registry.entered(claim.key) if skeleton(peer.nick or "") == look]
    rooms = page_of(sorted({room for peer in present for room in peer.rooms if not context.hides(room)}))
    idle_s = min((int(context.now - peer.activity.said_at) for peer in present), default=0)
    return requests.Person(claim.nick, fingerprint(claim.key), _presence_of(present), idle_s, rooms)


def _presence_of(present: list[Peer]) -> requests.Presence:
    """Of the person with these devices: away only if all of them are."""
    reasons = [peer.activity.away for peer in present if peer.activity.away is not None]
    if len(reasons) < len(present):
        return requests.Here()
    return requests.Away(reasons[0]) if reasons else requests.Absent()


# --- Lists and history ----------


def _list_members(context: RequestContext, request: requests.ListMembers) -> Outcome:
    room = context.chat.rooms.get(request.room)
    if room is None or context.hides(request.room):
        return requests.MemberPage(0, [], False)
    context.need_sight(request.room)
    nicks = sorted(nick for nick in room.roster.members if nick > request.after)
    accounts = {peer.author.user: peer.key for peer in context.chat.rooms.present(room.name)} if nicks else {}
    items = []
    for nick in nicks[:PAGE_ITEMS_MAX]:
        member = room.roster.member(nick)
        items.append(member.changed(role=context.state.role(accounts.get(member.user, b""), room.name, room.opener)))
    members, modes = page_of(items), context.state.order.modes(room.name)
    role = context.state.role(context.peer.key, room.name, room.opener)
    return requests.MemberPage(room.roster.head, members, len(members) < len(nicks), modes, role)


def _list_rooms(context: RequestContext, request: requests.ListRooms) -> Outcome:
    names = context.chat.rooms.names(request.after, PAGE_ITEMS_MAX + 1, is_hidden=context.hides)
    page = page_of(names)
    return requests.Page(page, len(page) < len(names))


def _list_holders(context: RequestContext, request: requests.ListHolders) -> Outcome:
    peer, fanout, log = context.peer, context.chat.fanout, request.log
    if not peer.activity.may_notify(context.now):
        return Failed("too_fast")
    subscription = peer.downlink.subscriptions.get(log)
    if subscription is None:
        return Failed("not_in_room", (log[1:],))
    stream = subscription.stream
    if stream.followers > NOTICED_PEERS_MAX:
        return Failed("too_many_followers", (str(NOTICED_PEERS_MAX),))
    encoded = stream.entry(request.sequence)
    message = None if encoded is None else parse_entry_untrusted(encoded)
    if not isinstance(message, Message) or message.id != request.id:
        return Failed("no_such_message")
    if message.author != peer.author.user:
        return Failed("not_allowed.author")
    others = fanout.others(peer, stream)
    have = {other.key: other.nick for other in holders(others, log, request.sequence)}
    waiting = {other.key: other.nick for other in others if other.key not in have}
    return requests.Holders(*(sorted(filter(None, nicks.values())) for nicks in (have, waiting)))


def _get_history(context: RequestContext, request: requests.GetHistory) -> Outcome:
    is_hidden = request.log.startswith(ROOM_PREFIX) and context.hides(request.log[1:])
    return request.changed(log=NO_ROOM) if is_hidden else request


def _search(context: RequestContext, request: requests.Search) -> Outcome:
    if not fits(request.words, SEARCH_BYTES_MAX):
        return Failed("too_long.search", (str(SEARCH_BYTES_MAX),))
    author = context.peer.author
    return search_of(context.state, author.key, author.device, context.time_ms, request)


# --- Operating ----------


def _list_peers(context: RequestContext, request: requests.ListPeers) -> Outcome:
    context.need(Deed.LIST_PEERS)
    host = context.chat.commits.durable.accounts.host
    others = [peer for peer in context.chat.registry if peer.key != host][request.skip :]
    page = page_of([_described(context.now, peer) for peer in others[:PAGE_ITEMS_MAX]])
    return requests.PeerPage(page, len(page) < len(others))


def _described(now: float, peer: Peer) -> requests.PeerItem:
    host, port, *_ = peer.session.path.address
    return requests.PeerItem(
        nick=peer.nick or "",
        address=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        here_s=max(int(now - peer.activity.since), 0),
        silent_s=max(int(now - peer.heard_at), 0),
        round_trip_us=int(1e6 * peer.round_trip.smoothed_s),
        rooms=len(peer.rooms),
    )


def _operate(context: RequestContext, request: requests.Operate) -> Outcome:
    action = ERRAND_ACTIONS.get(request.errand)
    if action is None:
        return Failed("malformed")
    context.need(action)
    return request


# --- The table ----------


class Permission(Enum):
    """Which peers may send a request."""

    ENTERED = "every peer that has entered"
    PERSON = "the same, but for who runs the server, which has no account"
    MEMBER = "who is in the room that the request names"
    READER = "who may read the log that the request names, if it names one"


class Order(Enum):
    """What a request waits for, of its peer's requests with smaller counters."""

    PROPOSED = "that they were proposed: it is settled behind them"
    CARRIED_OUT = "that they were answered, but for those that read the log"
    ANSWERED = "the same; but it changes nothing, and is answered out of turn while nothing can be written"


class Reach(Enum):
    """Who is sent what a request changes."""

    NOBODY = "only its sender, or the two of a conversation"
    FOLLOWERS = "who follows the room that it names"
    MEMBERS = "who is in the room that it names, with other changes of its roster"
    ROOMS = "the same, of all rooms of its sender"


class Handler(Value, frozen=True):
    """How a request is carried out. It costs `price_us`, and more later if it is written, and for all it reaches.

    `actions`: those of the table of permissions of which it may need one.
    """

    handle: Callable[[RequestContext, Any], Outcome]
    price_us: float
    permission: Permission = Permission.ENTERED
    order: Order = Order.CARRIED_OUT
    reach: Reach = Reach.NOBODY
    is_written: bool = False
    actions: tuple[Deed, ...] = ()


def _act(handle: Callable[[RequestContext, Any], Outcome], *actions: Deed, reach: Reach = Reach.MEMBERS) -> Handler:
    """How an act of order is carried out: what it changes is shown to who is there."""
    return Handler(handle, 80.0, reach=reach, is_written=True, actions=actions)


def _list(handle: Callable[[RequestContext, Any], Outcome], price_us: float, *actions: Deed) -> Handler:
    """How a question is answered that changes nothing, and reads no log."""
    return Handler(handle, price_us, order=Order.ANSWERED, actions=actions)


HANDLERS: dict[type[requests.RequestBody], Handler] = {
    requests.Malformed: _list(_malformed, 10.0),
    requests.Say: Handler(
        _say,
        60.0,
        Permission.PERSON,
        order=Order.PROPOSED,
        reach=Reach.FOLLOWERS,
        is_written=True,
        actions=(Deed.SPEAK, Deed.HURRY, Deed.REDACT),
    ),
    requests.Tell: Handler(_tell, 250.0, Permission.PERSON, order=Order.PROPOSED, is_written=True),
    requests.Part: Handler(_part, 15.0, reach=Reach.MEMBERS),
    requests.Rename: Handler(_rename, 60.0, Permission.PERSON, reach=Reach.ROOMS, is_written=True),
    requests.SetTopic: Handler(
        _set_topic, 75.0, Permission.MEMBER, reach=Reach.MEMBERS, is_written=True, actions=(Deed.SET_TOPIC, Deed.SPEAK)
    ),
    requests.SetAway: Handler(_set_away, 15.0, Permission.PERSON, reach=Reach.ROOMS),
    requests.GetTopic: _list(_get_topic, 20.0),
    requests.Whois: _list(_whois, 40.0),
    requests.ListMembers: _list(_list_members, 60.0),
    requests.ListRooms: _list(_list_rooms, 60.0),
    requests.GetHistory: Handler(_get_history, 100.0, Permission.READER, Order.ANSWERED, actions=(Deed.READ_AUDIT,)),
    requests.Search: Handler(_search, 100.0, Permission.READER, Order.ANSWERED),
    requests.MarkRead: Handler(_settled, 60.0, Permission.READER, is_written=True),
    requests.ListHolders: Handler(_list_holders, 100.0, Permission.READER, Order.ANSWERED),
    requests.SetRole: _act(
        order_handlers.in_room, Deed.SET_ROOM_ROLE, Deed.SET_MODERATOR, Deed.SET_ADMIN, Deed.SET_OWNER
    ),
    requests.SetModes: _act(order_handlers.set_modes, Deed.SET_MODES),
    requests.Invite: _act(order_handlers.in_room, Deed.INVITE, reach=Reach.NOBODY),
    requests.Kick: _act(order_handlers.kick, Deed.KICK, Deed.SERVER_KICK),
    requests.Sanction: _act(order_handlers.sanction, Deed.BAN, Deed.MUTE, Deed.SERVER_BAN, Deed.SERVER_MUTE),
    requests.Lift: _act(order_handlers.lift, Deed.UNBAN, Deed.UNMUTE, Deed.SERVER_UNBAN, Deed.SERVER_UNMUTE),
    requests.ListSanctions: _list(
        order_handlers.list_sanctions, 60.0, Deed.LIST_SANCTIONS, Deed.SERVER_LIST_SANCTIONS
    ),
    requests.Announce: _act(order_handlers.announce, Deed.ANNOUNCE),
    requests.ListPeers: _list(_list_peers, 200.0, Deed.LIST_PEERS),
    requests.Operate: Handler(_operate, 60.0, actions=tuple(ERRAND_ACTIONS.values())),
    requests.SetPassword: Handler(account_handlers.set_password, 60.0, Permission.PERSON, is_written=True),
    requests.AddCode: Handler(
        account_handlers.add_code, 500.0, is_written=True, actions=(Deed.ADD_INVITATION, Deed.RESET_ACCOUNT)
    ),
    requests.ListDevices: _list(account_handlers.list_devices, 60.0, Deed.LIST_DEVICES),
    requests.RevokeDevice: Handler(_settled, 80.0, Permission.PERSON, is_written=True),
    requests.AcceptFrom: Handler(_settled, 60.0, Permission.PERSON, is_written=True),
    requests.GetSelf: _list(account_handlers.get_self, 60.0),
    requests.ListAccounts: _list(account_handlers.list_accounts, 500.0, Deed.LIST_ACCOUNTS),
    requests.RemoveAccount: Handler(_settled, 500.0, is_written=True, actions=(Deed.REMOVE_ACCOUNT, Deed.ERASE)),
}


_WRITE_BYTE_US = WRITE_KIB_US / 1024
_SAID = frozenset({requests.Say, requests.Tell})  # they append a message
# The requests that name a room, and those that name a log or none.
_WITH_ROOM = frozenset(kind for kind in HANDLERS if "room" in kind.__struct_fields__)
_WITH_LOG = frozenset(kind for kind in HANDLERS if "log" in kind.__struct_fields__)


class Price(Value, frozen=True, gc=False):
    """What a request takes at once, and what is done later: it is written, and sent to those it reaches.

    `reached`: how many devices of others, a change of a roster counting less.
    """

    now_us: float
    later_us: float
    reached: float = 0.0


def price_of(context: RequestContext, request: Any) -> Price:
    """The price of a `RequestBody`."""
    handler, rooms = HANDLERS[type(request)], context.chat.rooms
    later_us, datagrams, reached = WRITE_US if handler.is_written else 0.0, 1, 0.0
    if type(request) in _SAID:
        text_bytes = len(request.text.encode())
        if request.extra is not None:
            text_bytes += len(request.extra.data)
            if request.kind in (EDIT, REDACTION):
                later_us += REPLACE_US
        later_us += _WRITE_BYTE_US * text_bytes
        if text_bytes >= FRAGMENT_BYTES:
            datagrams += text_bytes // FRAGMENT_BYTES
            if type(request) is requests.Tell:
                later_us += FOLLOWER_US * (datagrams - 1) * _devices(context, request)
        if type(request) is requests.Tell:
            reached = _devices(context, request) - 1
    if handler.reach is Reach.FOLLOWERS:
        # Mostly the name is spelled so already.
        followers = rooms.followers(request.room) or rooms.followers(_spelled(request.room))
        charged = followers if followers < FOLLOWERS_CHARGED_MAX else FOLLOWERS_CHARGED_MAX
        later_us += FOLLOWER_US * datagrams * charged
        reached = datagrams * (charged - 1)
    elif handler.reach is Reach.MEMBERS:
        members = _members(context, getattr(request, "room", None))
        later_us += MEMBER_US * members
        reached = reached_by_roster(members)
    elif handler.reach is Reach.ROOMS:
        counts = [rooms.followers(room) for room in context.peer.rooms]
        later_us += MEMBER_US * sum(counts)
        reached = sum(map(reached_by_roster, counts))
    return Price(handler.price_us, later_us, reached)


def reached_by_roster(members: int) -> float:
    """How many devices a change of a roster with so many reaches, as far as they count."""
    return ROSTER_REACHED_SHARE * (min(members, FOLLOWERS_CHARGED_MAX) - 1) if members else 0.0


def _members(context: RequestContext, room: str | None) -> int:
    """How many devices follow the roster of a room, or without one that of the server; of a hidden room, none: nobody
    learns of it by what a request costs."""
    rooms = context.chat.rooms
    if room is None:
        return rooms.everybody.stream.followers
    name = _spelled(room)
    return 0 if context.hides(name) else rooms.followers(name)


def _devices(context: RequestContext, request: requests.Tell) -> int:
    """How many devices the two of a conversation have here."""
    chat = context.chat
    claim = chat.commits.durable.claims.owner(request.nick)
    keys = {context.peer.key, claim.key} if claim is not None else ()
    return sum(len(chat.registry.peers_of(key)) for key in keys)


def _spelled(room: str) -> str:
    """The name of a room as the server spells it, if it is one."""
    try:
        return parse_room(room)
    except BadName:
        return room


def carry_out(now: float, chat: Chat, peer: Peer) -> Price | None:
    """Carry out the next request of a peer that is ready, in the order that `Order` defines. Returns its price;
    None if none is ready, or if it has to wait until `held_until`, as its person has reached too many others."""
    window = peer.window
    if peer.nick is None or (peer.activity.held_until is not None and peer.activity.is_held(now)):
        return None
    if chat.commits.is_unwritable and window.may_answer():
        held = window.take_held(lambda request: HANDLERS[type(request)].order is Order.ANSWERED)
        if held is not None:
            context = RequestContext(now, chat, peer)
            _handle(context, *held)
            return price_of(context, held[1])
    request = window.peek_ready()
    if request is None:
        return None
    order = HANDLERS[type(request)].order
    if order is not Order.PROPOSED and (window.waiting or (order is Order.ANSWERED and not window.may_answer())):
        return None
    context = RequestContext(now, chat, peer)
    price = price_of(context, request)
    if price.reached > 0.0 and not chat.may_reach(now, peer, price.reached):
        return None
    counter = window.take_ready()
    if counter < window.decided and type(request) in _SAID:
        answer(peer, counter, REFUSED_BEFORE)
        return Price(HANDLERS[type(request)].price_us, 0.0)
    _handle(context, counter, request)
    return price


def _handle(context: RequestContext, counter: int, request: requests.RequestBody) -> None:
    """Carry out a request."""
    outcome = _outcome(context, request)
    if isinstance(outcome, ACTIONS):
        context.chat.propose_action(context.now, context.peer, counter, outcome)
    elif isinstance(outcome, Hashing):
        context.chat.entrance.logins.hash(context.peer, counter, outcome.password)
    elif isinstance(outcome, Read):
        context.chat.query(context.peer, counter, outcome)
    elif isinstance(outcome, requests.Operate):
        context.chat.queries.errands.ask(context.peer, counter, outcome.errand)
    else:
        answer(context.peer, counter, outcome)


def _is_log(kind: type[requests.RequestBody], log: str) -> bool:
    """Whether a request may be about this log."""
    return log.startswith(SAID_PREFIXES) or (log == AUDIT_LOG and kind is requests.GetHistory)


def _outcome(context: RequestContext, request: Any) -> Outcome:
    """What the handler of a `RequestBody` returns, if its peer has the permission."""
    kind = type(request)
    handler = HANDLERS[kind]
    try:
        if (
            kind in _WITH_ROOM and request.room is not None and request.room.startswith(ROOM_PREFIX)
        ):  # a log where a room belongs (SPEC 4.3)
            return Failed("bad_room.is_log")
        if kind in _WITH_LOG and request.log is not None and not _is_log(kind, request.log):
            return Failed("bad_log")
        if handler.permission is Permission.PERSON and context.is_host:
            return Failed("not_allowed")
        if handler.permission in (Permission.ENTERED, Permission.PERSON):
            return handler.handle(context, request)
        if handler.permission is Permission.READER:
            refusal = None if request.log is None else context.why_not_read(request.log)
            return handler.handle(context, request) if refusal is None else Failed(*refusal)
        if request.room not in context.chat.rooms or context.hides(request.room):
            return Failed("no_such_room", (request.room,))
        if request.room not in context.peer.rooms:
            return Failed("not_in_room", (request.room,))
        return handler.handle(context, request)
    except BadName as error:
        return Failed(error.phrase.key, detail_of(error.phrase))
    except Refused as refused:
        return Failed(*refused.refusal)
    except LogUnreadable as error:
        context.chat.on_unreadable(str(error))
        return Failed("unreadable")
