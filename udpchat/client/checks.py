"""What a client believes of what a server sends: BadDatagram(IMPOSSIBLE) for what no server sends that keeps to the
protocol (SPEC 5.7). Pure.

The decoder has checked each field by itself. Here fields are checked against each other, and results against their
requests, before anything of them is kept, requested with, or stored. A log that is not followed is ignored elsewhere.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, TypeVar

from udpchat.chat.ids import ROOM_PREFIX, is_conversation
from udpchat.chat.names import is_said_log, nick_key
from udpchat.wire import content, frames, requests
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import Down
from udpchat.wire.limits import LOG_ENTRIES_MAX

Order = TypeVar("Order", int, str)

RESULTS: Final[dict[type[requests.RequestBody], tuple[type[requests.ResultBody], ...]]] = {
    requests.Say: (requests.Stored,),
    requests.Tell: (requests.Stored,),
    requests.Part: (requests.Done,),
    requests.Rename: (requests.Done,),
    requests.SetTopic: (requests.Done,),
    requests.SetAway: (requests.Done,),
    requests.Whois: (requests.Person,),
    requests.ListMembers: (requests.MemberPage,),
    requests.ListRooms: (requests.Page,),
    requests.GetTopic: (content.TopicSet, requests.Done),
    requests.GetHistory: (requests.EntryList,),
    requests.Search: (requests.EntryList,),
    requests.MarkRead: (requests.Done,),
    requests.ListHolders: (requests.Holders,),
    requests.SetPassword: (requests.Done,),
    requests.AddCode: (requests.Done,),
    requests.ListDevices: (requests.DeviceList,),
    requests.RevokeDevice: (requests.Done,),
    requests.AcceptFrom: (requests.Done,),
    requests.GetSelf: (requests.Self,),
    requests.SetRole: (requests.Done,),
    requests.SetModes: (requests.Done,),
    requests.Invite: (requests.Done,),
    requests.Kick: (requests.Done,),
    requests.Sanction: (requests.Done,),
    requests.Lift: (requests.Done,),
    requests.ListSanctions: (requests.SanctionPage,),
    requests.Announce: (requests.Done,),
    requests.ListPeers: (requests.PeerPage,),
    requests.ListAccounts: (requests.AccountPage,),
    requests.RemoveAccount: (requests.Done, requests.Report),
    requests.Operate: (requests.Report,),
}
"""How each request is answered (SPEC 4.3), besides `Failed`."""


def check_frame_untrusted(frame: Down) -> None:
    """The fields of a frame do not contradict each other."""
    match frame:
        case frames.Heads(_, heads):
            for head in heads:
                _require(head.base <= head.head <= LOG_ENTRIES_MAX and head.entered <= head.head)
        case frames.Entries(first=first, entries=entries):
            _require(first + len(entries) - 1 <= LOG_ENTRIES_MAX)
        case frames.EntryFragment(sequence=sequence):
            _require(sequence <= LOG_ENTRIES_MAX and frame.index < frame.count)
        case frames.Receipt(_, _, have, users):
            _require(have <= users)


def check_result_untrusted(request: requests.RequestBody, body: requests.ResultBody) -> None:
    """A result is one of those that the request can have, and is about what was requested."""
    _require(isinstance(body, (requests.Failed, *RESULTS.get(type(request), ()))))
    match request, body:
        case requests.Say(room), requests.Stored(log, sequence):
            _require(log.startswith(ROOM_PREFIX) and nick_key(log[1:]) == nick_key(room) and is_said_log(log))
            _require(0 < sequence <= LOG_ENTRIES_MAX)
        case requests.Tell(), requests.Stored(log, sequence):
            _require(is_conversation(log) and 0 < sequence <= LOG_ENTRIES_MAX)
        case requests.ListMembers(after=after), requests.MemberPage(_, items):
            _require(_is_rising([after, *(item.nick for item in items)]))
        case requests.ListRooms(after), requests.Page(items):
            _require(_is_rising([after, *items]))  # so that a list comes to an end
        case requests.GetHistory(log, before, _, count), requests.EntryList(items, reactions):
            sequences = [item.sequence for item in items]
            _require(all(item.log == log for item in items) and len(items) <= count)
            _require(_is_rising(sequences) and (before is None or sequences[-1:] < [before]))
            _require(all(item.log == log and item.sequence <= LOG_ENTRIES_MAX for item in reactions))
        case requests.Search(), requests.EntryList(items, reactions):
            _require(all(is_said_log(item.log) and item.sequence <= LOG_ENTRIES_MAX for item in items))
            _require(not reactions)


def _is_rising(values: list[Order]) -> bool:
    return all(one < other for one, other in pairwise(values))


def _require(is_possible: bool) -> None:
    if not is_possible:
        raise BadDatagram(Drop.IMPOSSIBLE)
