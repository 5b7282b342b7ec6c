"""Events with the forms in which they are printed: where, as a plain line, as a JSON line."""

from __future__ import annotations

from tests.ui.drawn_order import DRAWN_ORDER
from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.chat.reactions import Reaction
from udpchat.ui.printing import Output

SERVER = "udpchat://10.0.0.1:47747"
OUT, ERR = Output.OUT, Output.ERR


def message(
    text: str = "hi",
    *,
    seq: int = 7,
    nick: str = "bob",
    room: str = "lobby",
    kind: str = "text",
    history: bool = False,
) -> events.MessageReceived:
    return events.MessageReceived(room, seq, nick, text, kind, 1_700_000_000_123, "0a0b", history)


def sent(text: str = "hi", *, seq: int = 7, room: str = "lobby", kind: str = "text") -> ClientEvent:
    return events.MessageSent(room, seq, "0a0b", text, kind, 1_700_000_000_123)


ANSWERED = events.Quote("0c0d", "alice", "shall we?")
ABOUT = ("lobby", 5, "0c0d", "bob", 7, 1_700_000_000_123, b"bobs key")
CONNECTED = events.Connected(SERVER, "SHA256:abc", "alice", ("lobby", "dev"), "den")
DRAWN: list[tuple[ClientEvent, Output, str, str]] = [
    (CONNECTED, ERR, f"-- connected to {SERVER} as alice, in lobby dev",
     f'{{"event": "connected", "server": "{SERVER}", "fingerprint": "SHA256:abc", "nick": "alice", '
     '"rooms": ["lobby", "dev"], "name": "den"}'),
    (message(), OUT, "[lobby] <bob> hi",
     '{"event": "message", "room": "lobby", "seq": 7, "nick": "bob", "text": "hi", "kind": "text", '
     '"time": "2023-11-14T22:13:20.123Z", "id": "0a0b", "history": false}'),
    (message("waves", kind="action"), OUT, "[lobby] * bob waves",
     '{"event": "message", "room": "lobby", "seq": 7, "nick": "bob", "text": "waves", "kind": "action", '
     '"time": "2023-11-14T22:13:20.123Z", "id": "0a0b", "history": false}'),
    (message("psst", room="@bob"), OUT, "[@bob] <bob> psst",
     '{"event": "message", "room": "@bob", "seq": 7, "nick": "bob", "text": "psst", "kind": "text", '
     '"time": "2023-11-14T22:13:20.123Z", "id": "0a0b", "history": false}'),
    (events.MessageDelivered("lobby", 7, "0a0b", 2, 3), OUT, "-- your message 7 in lobby has reached 2 of 3 others",
     '{"event": "delivered", "room": "lobby", "seq": 7, "id": "0a0b", "have": 2, "of": 3}'),
    (events.MessageDelivered("@bob", 7, "0a0b", 1, 1), OUT,
     "-- your message 7 in your conversation with bob has reached 1 of 1 other",
     '{"event": "delivered", "room": "@bob", "seq": 7, "id": "0a0b", "have": 1, "of": 1}'),
    (events.HolderList("lobby", 7, "0a0b", ("bob", "carol"), ("dave",)), OUT,
     "-- your message 7 in lobby has reached bob, carol; not known yet of dave",
     '{"event": "holders", "room": "lobby", "seq": 7, "id": "0a0b", "holders": ["bob", "carol"], '
     '"waiting": ["dave"]}'),
    (events.HolderList("@bob", 7, "0a0b", ("bob",), ()), OUT,
     "-- your message 7 in your conversation with bob has reached bob",
     '{"event": "holders", "room": "@bob", "seq": 7, "id": "0a0b", "holders": ["bob"], "waiting": []}'),
    (events.HolderList("lobby", 7, "0a0b", (), ("bob", "dave")), OUT,
     "-- your message 7 in lobby: it is not known yet that it has reached bob, dave",
     '{"event": "holders", "room": "lobby", "seq": 7, "id": "0a0b", "holders": [], "waiting": ["bob", "dave"]}'),
    (events.HolderList("lobby", 7, "0a0b", (), ()), OUT,
     "-- nobody else is in lobby now; whom your message 7 has reached before is not known",
     '{"event": "holders", "room": "lobby", "seq": 7, "id": "0a0b", "holders": [], "waiting": []}'),
    (message().changed(reply=ANSWERED), OUT, "[lobby] <bob> (to alice: shall we?) hi",
     '{"event": "message", "room": "lobby", "seq": 7, "nick": "bob", "text": "hi", "kind": "text", '
     '"time": "2023-11-14T22:13:20.123Z", "id": "0a0b", "history": false, "reply_to": "0c0d"}'),
    (message().changed(reply=events.Quote("0c0d", "", ""), edited=9), OUT,
     "[lobby] <bob> (to an earlier message) hi",
     '{"event": "message", "room": "lobby", "seq": 7, "nick": "bob", "text": "hi", "kind": "text", '
     '"time": "2023-11-14T22:13:20.123Z", "id": "0a0b", "history": false, "reply_to": "0c0d", "edited": true}'),
    (message(kind="action").changed(reply=events.Quote("0c0d", "alice", "")), OUT,
     "[lobby] * bob (to alice: a removed message) hi",
     '{"event": "message", "room": "lobby", "seq": 7, "nick": "bob", "text": "hi", "kind": "action", '
     '"time": "2023-11-14T22:13:20.123Z", "id": "0a0b", "history": false, "reply_to": "0c0d"}'),
    (events.Edited(*ABOUT, "hallo", target=ANSWERED), OUT, "-- bob edited: [lobby] hallo",
     '{"event": "edited", "room": "lobby", "seq": 5, "id": "0c0d", "nick": "bob", "own_seq": 7, "text": "hallo"}'),
    (events.Redacted(*ABOUT, "a slip"), OUT, "-- bob removed a message: [lobby] a slip",
     '{"event": "redacted", "room": "lobby", "seq": 5, "id": "0c0d", "nick": "bob", "own_seq": 7, '
     '"reason": "a slip"}'),
    (events.Redacted(*ABOUT, ""), OUT, "-- bob removed a message: [lobby]",
     '{"event": "redacted", "room": "lobby", "seq": 5, "id": "0c0d", "nick": "bob", "own_seq": 7, "reason": ""}'),
    (events.Reacted(*ABOUT, "+", True, target=ANSWERED), OUT, "-- bob reacted with +: [lobby] <alice> shall we?",
     '{"event": "reaction", "room": "lobby", "seq": 5, "id": "0c0d", "nick": "bob", "own_seq": 7, "emoji": "+", '
     '"added": true}'),
    (events.Reacted(*ABOUT, "+", False), OUT, "-- bob took back +: [lobby]",
     '{"event": "reaction", "room": "lobby", "seq": 5, "id": "0c0d", "nick": "bob", "own_seq": 7, "emoji": "+", '
     '"added": false}'),
    (events.MemberJoined("lobby", "bob"), OUT, "-- bob joined lobby",
     '{"event": "joined", "room": "lobby", "nick": "bob"}'),
    (events.MemberLeft("lobby", "bob", "timed out"), OUT, "-- bob left lobby (timed out)",
     '{"event": "left", "room": "lobby", "nick": "bob", "reason": "timed out"}'),
    (events.MemberLeft("lobby", "bob", "kicked", "alice", "spamming"), OUT,
     "-- bob was kicked from lobby by alice: spamming",
     '{"event": "left", "room": "lobby", "nick": "bob", "reason": "kicked", "by": "alice", "why": "spamming"}'),
    (events.MemberLeft("lobby", "bob", "kicked", "alice"), OUT, "-- bob was kicked from lobby by alice",
     '{"event": "left", "room": "lobby", "nick": "bob", "reason": "kicked", "by": "alice", "why": ""}'),
    (events.Redacted(*ABOUT, "spam", target=ANSWERED), OUT, "-- bob removed a message of alice: [lobby] spam",
     '{"event": "redacted", "room": "lobby", "seq": 5, "id": "0c0d", "nick": "bob", "own_seq": 7, "reason": "spam"}'),
    (events.MemberRenamed("bob", "robert"), OUT, "-- bob is now robert",
     '{"event": "renamed", "old": "bob", "nick": "robert"}'),
    (events.MemberList("lobby", ("alice", "bob")), OUT, "-- in lobby: alice bob",
     '{"event": "names", "room": "lobby", "members": ["alice", "bob"]}'),
    (events.MemberList("void", ()), OUT, "-- nobody is in void", '{"event": "names", "room": "void", "members": []}'),
    (events.RoomList(("dev", "lobby")), OUT, "-- rooms: dev lobby", '{"event": "rooms", "rooms": ["dev", "lobby"]}'),
    (events.TopicChanged("lobby", "tea", "bob"), OUT, "-- topic of lobby: tea (by bob)",
     '{"event": "topic", "room": "lobby", "topic": "tea", "nick": "bob"}'),
    (events.TopicChanged("lobby", "", ""), OUT, "-- lobby has no topic",
     '{"event": "topic", "room": "lobby", "topic": "", "nick": ""}'),
    (events.HistoryFound((message("then"),)), OUT, "2023-11-14 22:13 [lobby] <bob> then",
     '{"event": "past", "messages": [{"room": "lobby", "seq": 7, "nick": "bob", "text": "then", "kind": "text", '
     '"time": "2023-11-14T22:13:20.123Z", "id": "0a0b"}]}'),
    (events.HistoryFound((message("then").changed(reactions=(Reaction("+", ("bob", "eve"), True, (b"b", b"e")),)),)),
     OUT, "2023-11-14 22:13 [lobby] <bob> then",
     '{"event": "past", "messages": [{"room": "lobby", "seq": 7, "nick": "bob", "text": "then", "kind": "text", '
     '"time": "2023-11-14T22:13:20.123Z", "id": "0a0b", "reactions": [{"emoji": "+", "nicks": ["bob", "eve"]}]}]}'),
    (events.HistoryFound(()), ERR, "-- nothing was found", '{"event": "past", "messages": []}'),
    (events.notice("away.back"), ERR, "-- you are back",
     '{"event": "notice", "code": "away", "text": "you are back"}'),
    (events.notice("help.line", line="  /me TEXT"), ERR, "  /me TEXT",
     '{"event": "notice", "code": "help", "text": "  /me TEXT"}'),
    (events.error("no_such_nick.text", text="nobody"), ERR, "error: nobody",
     '{"event": "error", "code": "no_such_nick", "text": "nobody"}'),
    (events.error("unwritable.text", retry_s=2.0, text="full"), ERR, "error: full",
     '{"event": "error", "code": "unwritable", "text": "full", "retry_s": 2.0}'),
    (events.error("too_long.text", line=3, text="no"), ERR, "error: no",
     '{"event": "error", "code": "too_long", "text": "no", "line": 3}'),
    (events.Rejected("nick_taken.text", {"text": "held"}), ERR, "error: held",
     '{"event": "error", "code": "nick_taken", "text": "held"}'),
    (events.Disconnected("lost.reason", {"reason": "silence"}), ERR,
     "-- disconnected: silence; still trying, and what you type is kept",
     '{"event": "disconnected", "reason": "silence"}'),
    (events.Reconnected("found"), ERR, "-- reconnected: the server is there again",
     '{"event": "reconnected", "reason": "the server is there again"}'),
    *DRAWN_ORDER,
]  # fmt: skip
