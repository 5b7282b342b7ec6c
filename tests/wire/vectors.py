"""The test vectors of SPEC 9, from fixed keys: `python -m tests.wire.vectors` writes udpchat/wire/vectors.json anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

import udpchat
from udpchat.chat.ids import conversation_log, message_id
from udpchat.chat.permissions import Action, Role
from udpchat.server.accounts import digest_of
from udpchat.session.cipher import SendCipher
from udpchat.session.group import GroupSender, GroupSigner
from udpchat.session.noise import KeyPair, NoiseInitiator, NoiseResponder, fingerprint, user_id
from udpchat.wire import content, frames, requests
from udpchat.wire.frames import encode, pack
from udpchat.wire.limits import ORDER, PROTOCOL_VERSION
from udpchat.wire.packets import (
    DATA_HEADER,
    SAME_LENGTH,
    Address,
    Cookie,
    Data,
    Finish,
    Hello,
    HelloReply,
    Kind,
    Probe,
    ProbeReply,
    packed_source,
)

FILE = Path(udpchat.__file__).parent / "wire" / "vectors.json"
CLIENT_SECRET, SERVER_SECRET = bytes(range(1, 33)), bytes(range(33, 65))
CLIENT_EPHEMERAL, SERVER_EPHEMERAL = bytes(range(65, 97)), bytes(range(97, 129))
INSTANCE = bytes(range(16))
COOKIE = bytes(range(200, 220))
CLIENT_INDEX, SERVER_INDEX = 0x01020304, 0xA0B0C0D0
COUNTER = 7  # of the request that the examples are about

USER = user_id(KeyPair(CLIENT_SECRET).public)
OTHER = user_id(KeyPair(SERVER_SECRET).public)
TIME_MS = 1_700_000_000_000
MESSAGE_ID = message_id(INSTANCE, COUNTER)
TOKEN = bytes(range(8))
MESSAGE = content.Message(TIME_MS, USER, "ada", MESSAGE_ID, content.TEXT, "h\u00e9llo")
REACTION = content.Message(
    TIME_MS, OTHER, "bob", message_id(INSTANCE, 8), content.REACTION, "\u2764\ufe0f", None,
    content.Extra(MESSAGE_ID, b"", 41),
)  # fmt: skip
FINGERPRINT = fingerprint(KeyPair(SERVER_SECRET).public)
CODE = "ABCDEFGHJKMNPQRS"
REMOVED = encode(content.Tombstone(TIME_MS))

UP: list[frames.Up] = [
    frames.Enter("ada", "example 1.0", COUNTER),
    frames.Enter("ada", "example 1.0", 0, frames.Proof(True, CODE, 1)),
    frames.Follow("#lobby"),
    frames.Request(COUNTER, 5, requests.Say("lobby", content.TEXT, "h\u00e9llo")),
    frames.RequestFragment(COUNTER, 5, 1, 2, b"the rest"),
    frames.Ack(frames.AckedPackets(300, 0b101, 1_500, 3), [frames.Cursor("#lobby", 99, 40, [(42, 43), (45, 45)])]),
    frames.Ping(123_456),
    frames.PathReply(TOKEN),
    frames.Goodbye(content.Reason.QUIT),
    frames.Typing("#lobby"),
    frames.GetReceipt("#lobby", 41),
    frames.GroupReady(7, 3),
]
DOWN: list[frames.Down] = [
    frames.Welcome("ada", USER, "den", 10_000, 30_000, 86_400, 1_000, 0, (), COUNTER),
    frames.Welcome(
        "ada",
        USER,
        "den",
        10_000,
        30_000,
        None,
        None,
        3,
        (ORDER,),
        0,
        frames.Standing(bytes(range(33, 65)), Role.ADMIN),
        "no phones",
    ),
    frames.EnterRefused("nick_taken.alike", ("ada", "Ad\u00e0")),
    frames.EnterRefused("wrong_password", (), 2),
    frames.Result(COUNTER, requests.Stored("#lobby", 41)),
    frames.Entries("#lobby", 99, 41, 25, [frames.raw(each) for each in (frames.encode_message(MESSAGE), REMOVED)]),
    frames.EntryFragment("#lobby", 99, 41, 25, 0, 2, b"the first", 0x01020304),
    frames.Heads(25, [frames.Head("#lobby", 99, 0, 40, 40), frames.Head("%lobby", 98, 0, 3, 1)]),
    frames.Pong(123_456),
    frames.PathCheck(TOKEN),
    frames.ResultFragment(COUNTER, 0, 2, b"the first"),
    frames.FollowRefused("#no room", "bad_room.space"),
    frames.Unwritable("there is no room on the disk"),
    frames.UserTyping("#lobby", "ada"),
    frames.Receipt("#lobby", 41, 3, 4),
    frames.Hold(1_500),
    frames.GroupKey("#lobby", 7, 3, bytes(range(32)), bytes(range(32, 64))),
]
REQUESTS: list[requests.RequestBody] = [
    requests.Say("lobby", content.ACTION, "waves"),
    requests.Say("lobby", 200, "a picture", content.Extra(MESSAGE_ID, b"\x01\x02")),
    requests.Say("lobby", content.TEXT, "me too", content.Extra(MESSAGE_ID, b"", 41)),
    requests.Tell("bob", content.REACTION, "\u2764\ufe0f", content.Extra(MESSAGE_ID, b"-", 41)),
    requests.Tell("bob", content.TEXT, "psst"),
    requests.Part("lobby"),
    requests.Rename("carol"),
    requests.SetTopic("lobby", "tea"),
    requests.SetAway("lunch"),
    requests.Whois("bob"),
    requests.ListMembers("lobby", ""),
    requests.ListRooms("lobby"),
    requests.GetTopic("lobby"),
    requests.GetHistory("#lobby", None, None, 20),
    requests.MarkRead("#lobby", 99, 41),
    requests.Search("tea cake", None, "#lobby", 0),
    requests.ListHolders("#lobby", 41, MESSAGE_ID),
    requests.SetPassword("correct horse"),
    requests.AddCode(digest_of(CODE), requests.LINK),
    requests.ListDevices(),
    requests.RevokeDevice("zft4"),
    requests.AcceptFrom(True),
    requests.GetSelf(),
    requests.SetRole("dev", "bob", Role.VOICE),
    requests.SetModes("dev", is_moderated=True, slow_s=30),
    requests.Invite("dev", "bob"),
    requests.Kick("dev", "bob", "enough"),
    requests.Sanction(None, content.BAN, "10.0.0.0/24", 7_200, "enough"),
    requests.Lift("dev", content.MUTE, "bob"),
    requests.ListSanctions(None, 20),
    requests.Announce("tea is ready"),
    requests.ListPeers(),
    requests.ListAccounts("ada"),
    requests.RemoveAccount("bob", True),
    requests.Operate(requests.STATUS),
]
RESULTS: list[requests.ResultBody] = [
    requests.Stored(conversation_log(bytes(32), bytes(32)), 3, requests.Away("lunch")),
    requests.Done(),
    requests.Failed("no_such_nick", ("bob",)),
    requests.Person("bob", fingerprint(KeyPair(SERVER_SECRET).public), requests.Here(), 60, ["lobby", "dev"]),
    requests.Page(["den", "lobby"], True),
    requests.MemberPage(
        7, [requests.Member("ada", USER, None, Role.OPERATOR), requests.Member("bob", OTHER, "lunch")], True,
        content.Modes(is_moderated=True),
    ),
    content.TopicSet("tea", "bob"),
    requests.Holders(["bob", "carol"], ["dave"]),
    requests.EntryList([requests.LogEntry("#lobby", 41, frames.encode_message(MESSAGE))]),
    requests.EntryList(
        [requests.LogEntry("#lobby", 41, frames.encode_message(MESSAGE))],
        (requests.LogEntry("#lobby", 42, frames.encode_message(REACTION)),),
    ),
    requests.DeviceList("ada", [requests.DeviceItem(FINGERPRINT, TIME_MS, 0, True, True)]),
    requests.SanctionPage(
        [requests.SanctionItem("dev", content.MUTE, "bob", "ada", "enough", TIME_MS, TIME_MS + 7_200_000)], False
    ),
    requests.Self(["ada"], FINGERPRINT, Role.ADMIN, [requests.RoleItem("dev", Role.OPERATOR)], 2, True, False),
    requests.PeerPage([requests.PeerItem("bob", "192.168.1.20", 3_600, 5, 1_500, 2)], True),
    requests.AccountPage([requests.AccountItem("bob", FINGERPRINT, TIME_MS, Role.MEMBER, 1, False)], False),
    requests.Report(
        [
            requests.ReportItem("peers", 12),
            requests.ReportItem("version", "1.0"),
            requests.ReportItem("restart", ("port", "bind")),
        ]
    ),
]
ENTRIES: list[content.Entry] = [
    MESSAGE,
    content.Message(TIME_MS, USER, "ada", MESSAGE_ID, content.ACTION, "waves", "bob"),
    content.Message(TIME_MS, USER, "ada", MESSAGE_ID, 200, "", None, content.Extra(bytes(8), b"\x01\x02")),
    content.Message(TIME_MS, USER, "ada", MESSAGE_ID, content.TEXT, "edited", None, content.Extra(edited_by=43)),
    REACTION,
    content.Message(
        TIME_MS, USER, "ada", message_id(INSTANCE, 9), content.EDIT, "edited", None, content.Extra(MESSAGE_ID, b"", 41)
    ),
    content.Tombstone(TIME_MS),
    content.Tombstone(TIME_MS, USER, "ada", MESSAGE_ID),
    content.Joined("ada", USER),
    content.Left("ada", USER, content.Reason.TIMED_OUT),
    content.Renamed("ada", "carol", USER),
    content.TopicSet("tea", "bob"),
    content.ReadMark("#lobby", 99, 41),
    content.AwaySet("ada", USER, "lunch"),
    content.AwaySet("ada", USER, None),
    content.Left("ada", USER, content.Reason.KICKED, "bob", "enough"),
    content.RoleSet("ada", USER, Role.OPERATOR, "bob"),
    content.ModesSet(content.Modes(is_invite_only=True, slow_s=30), "bob"),
    content.SanctionSet(content.BAN, "ada", "bob", "enough", TIME_MS, False),
    content.Announced("tea is ready", "bob"),
    content.Invited("dev", "bob", TIME_MS),
    content.LoginsFailed(3, TIME_MS, TIME_MS + 60_000),
    content.Act(TIME_MS, "bob", OTHER, Action.BAN, "dev", "ada", "7200", "enough"),
]


def handshake() -> tuple[dict[str, Any], bytes, bytes]:
    """The five datagrams, and the keys of both directions."""
    client, server = KeyPair(CLIENT_SECRET), KeyPair(SERVER_SECRET)
    ephemeral = KeyPair(CLIENT_EPHEMERAL)
    initiator = NoiseInitiator(static=client, ephemeral=ephemeral)
    header = HelloReply(CLIENT_INDEX, SERVER_INDEX, b"").header
    responder = NoiseResponder(
        static=server,
        ephemeral=KeyPair(SERVER_EPHEMERAL),
        remote_ephemeral=initiator.public,
        remote_payload=COOKIE,
        payload=header,
    )
    proved = initiator.read_reply_untrusted(responder.message, [COOKIE])
    message, keys = proved.finish(frames.encode_introduction(INSTANCE))
    assert responder.read_finish_untrusted(message).keys.receive == keys.send
    return (
        {
            "client_static_secret": CLIENT_SECRET,
            "client_ephemeral_secret": CLIENT_EPHEMERAL,
            "server_static_secret": SERVER_SECRET,
            "server_ephemeral_secret": SERVER_EPHEMERAL,
            "client_index": CLIENT_INDEX,
            "server_index": SERVER_INDEX,
            "instance": INSTANCE,
            "hello_without_cookie": Hello(PROTOCOL_VERSION, CLIENT_INDEX, initiator.public).encode(),
            "cookie": Cookie(PROTOCOL_VERSION, CLIENT_INDEX, COOKIE).encode(),
            "hello": Hello(PROTOCOL_VERSION, CLIENT_INDEX, initiator.public, COOKIE).encode(),
            "hello_reply": HelloReply(CLIENT_INDEX, SERVER_INDEX, responder.message).encode(),
            "finish_payload": frames.encode_introduction(INSTANCE),
            "finish": Finish(SERVER_INDEX, message).encode(),
            "key_client_to_server": keys.send,
            "key_server_to_client": keys.receive,
            "handshake_hash": keys.handshake_hash,
        },
        keys.send,
        keys.receive,
    )


def data_packet(key: bytes, index: int, counter: int, body: bytes) -> dict[str, Any]:
    """One Data packet."""
    sealed = SendCipher(key).seal(counter, DATA_HEADER.pack(int(Kind.DATA), index, counter), body)
    return {"counter": counter, "body": body, "datagram": Data(index, counter, sealed).encode()}


def group_packet() -> dict[str, Any]:
    """The second packet of an epoch."""
    signer = GroupSigner(SERVER_EPHEMERAL)
    sender = GroupSender(7, 3, CLIENT_EPHEMERAL, signer)
    body = pack([encode(frames.Entries("#lobby", 99, 41, 25, [frames.raw(REMOVED)]))])
    sender.seal(body)
    return {
        "signer_secret": SERVER_EPHEMERAL,
        "signer": signer.public,
        "key": sender.key,
        "group": sender.group,
        "epoch": sender.epoch,
        "counter": sender.sent,
        "body": body,
        "datagram": sender.seal(body),
    }


def probes() -> list[dict[str, Any]]:
    """A Probe, and the answer to it."""
    probe = Probe(PROTOCOL_VERSION, TOKEN, 3, SAME_LENGTH)
    reply = ProbeReply(
        PROTOCOL_VERSION, TOKEN, 3, KeyPair(SERVER_SECRET).public, 47747, 12, TIME_MS, probe.size,
        packed_source(Address("192.168.1.20", 50_000)), 1, b"den", probe.size,
    )  # fmt: skip
    return [
        {"name": type(packet).__name__, "fields": fields_of(packet), "bytes": packet.encode()}
        for packet in (probe, reply)
    ]


def examples(values: list[Any]) -> list[dict[str, Any]]:
    """Name, fields and bytes of each."""
    return [
        {
            "name": type(value).__name__,
            "fields": fields_of(value),
            "bytes": frames.encode_message(value) if isinstance(value, content.Message) else encode(value),
        }
        for value in values
    ]


def fields_of(value: Any) -> Any:
    """A record as an object of its fields, for readers; binary is hex."""
    if isinstance(value, msgspec.Struct):
        return {field: fields_of(getattr(value, field)) for field in value.__struct_fields__}
    if isinstance(value, list | tuple):
        return [fields_of(item) for item in value]
    return bytes(value).hex() if isinstance(value, bytes | msgspec.Raw) else value


def vectors() -> dict[str, Any]:
    """All of the file."""
    shaken, up_key, down_key = handshake()
    client, server = KeyPair(CLIENT_SECRET).public, KeyPair(SERVER_SECRET).public
    return {
        "handshake": shaken,
        "data": {
            "up": data_packet(up_key, SERVER_INDEX, 0, pack([encode(UP[0]), encode(UP[1])])),
            "down": data_packet(down_key, CLIENT_INDEX, 258, pack([encode(DOWN[0])])),
        },
        "group": group_packet(),
        "probes": probes(),
        "frames": {"up": examples(UP), "down": examples(DOWN)},
        "requests": examples(REQUESTS),
        "results": examples(RESULTS),
        "entries": examples(ENTRIES),
        "names": {
            "client_static_public": client,
            "server_static_public": server,
            "user_of_client": USER,
            "user_of_server": OTHER,
            "fingerprint_of_server": fingerprint(server),
            "message_id": {"instance": INSTANCE, "counter": COUNTER, "id": MESSAGE_ID},
            "conversation_log": conversation_log(client, server),
            "code": {"code": CODE, "digest": digest_of(CODE)},
        },
    }


def text() -> str:
    """The file's text."""
    return json.dumps(vectors(), indent=1, default=bytes.hex, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
