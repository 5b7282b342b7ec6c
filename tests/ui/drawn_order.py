"""The events of order and of accounts with the forms in which they are printed."""

from __future__ import annotations

from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.ui.printing import Output

OUT = Output.OUT
TIME_MS = 1_700_000_000_123
ISO = "2023-11-14T22:13:20.123Z"
CLOCK = "2023-11-14 22:13"
ROLES = [
    (("lobby", "bob", "operator", "alice"), "alice made bob an operator of lobby"),
    (("lobby", "bob", "voice", "alice"), "alice gave bob a voice in lobby"),
    (("lobby", "bob", "member", "alice"), "alice took back the role of bob in lobby"),
    (("", "bob", "admin", "alice"), "alice made bob an admin of this server"),
    (("", "bob", "member", "alice"), "alice took back the role of bob on this server"),
]
MODES = events.Modes(is_moderated=True, slow_s=30, kept_s=259_200)
MODES_JSON = (
    '"modes": {"moderated": true, "invite_only": false, "topic_locked": false, "slow_s": 30, "kept_s": 259200}'
)
NO_MODES_JSON = MODES_JSON.replace("true", "false").replace("30", "0").replace("259200", "0")
SANCTIONS = (
    events.Sanctioned("banned", "lobby", "bob", "alice", "spam", TIME_MS, TIME_MS),
    events.Sanctioned("muted", "lobby", "carol", "alice", "", TIME_MS, 0),
)
ACTS = (
    events.Audited(1, TIME_MS, "alice", "ban", "lobby", "bob", "7200", "spam"),
    events.Audited(2, TIME_MS, "alice", "announce", "", "", "", ""),
)
DEVICES = (
    events.DeviceItem("abcd", 0, 0, True, True),
    events.DeviceItem("efgh", TIME_MS, 0, True, False),
    events.DeviceItem("ijkl", TIME_MS, TIME_MS, False, False),
)
ME = events.Whoami(("alice",), "abcd", "owner", (events.RoomRole("dev", "operator"),), 2, True, "strangers")
DRAWN_ORDER: list[tuple[ClientEvent, Output, str, str]] = [
    *[(events.RoleChanged(*of), OUT, f"-- {plain}",
       f'{{"event": "role", "room": "{of[0]}", "nick": "{of[1]}", "role": "{of[2]}", "by": "{of[3]}"}}')
      for of, plain in ROLES],
    (events.ModesChanged("lobby", MODES, "alice"), OUT,
     "-- alice changed what holds in lobby: moderated, slow=30s, kept=3d",
     f'{{"event": "mode", "room": "lobby", {MODES_JSON}, "by": "alice"}}'),
    (events.ModesChanged("lobby", events.Modes(), ""), OUT, "-- in lobby holds: nothing special",
     f'{{"event": "mode", "room": "lobby", {NO_MODES_JSON}, "by": ""}}'),
    (events.Invited("den", "alice", TIME_MS), OUT, "-- alice invites you to den: /join den",
     '{"event": "invited", "room": "den", "by": "alice"}'),
    (events.Banned("lobby", "bob", "alice", "spam", TIME_MS), OUT,
     f"-- alice banned bob from lobby until {CLOCK}: spam",
     '{"event": "banned", "room": "lobby", "nick": "bob", "by": "alice", "reason": "spam", '
     f'"until": "{ISO}"}}'),
    (events.Banned("", "bob", "alice", "", 0), OUT, "-- alice banned bob from this server",
     '{"event": "banned", "room": "", "nick": "bob", "by": "alice", "reason": "", "until": null}'),
    (events.Muted("lobby", "bob", "alice", "", TIME_MS), OUT, f"-- alice muted bob in lobby until {CLOCK}",
     '{"event": "muted", "room": "lobby", "nick": "bob", "by": "alice", "reason": "", '
     f'"until": "{ISO}"}}'),
    (events.Muted("", "bob", "alice", "spam", 0), OUT, "-- alice muted bob on this server: spam",
     '{"event": "muted", "room": "", "nick": "bob", "by": "alice", "reason": "spam", "until": null}'),
    (events.Unbanned("lobby", "bob", "alice", ""), OUT, "-- alice let bob in again to lobby",
     '{"event": "unbanned", "room": "lobby", "nick": "bob", "by": "alice", "reason": ""}'),
    (events.Unbanned("", "bob", "alice", "ok"), OUT, "-- alice let bob in again to this server: ok",
     '{"event": "unbanned", "room": "", "nick": "bob", "by": "alice", "reason": "ok"}'),
    (events.Unmuted("lobby", "bob", "alice", ""), OUT, "-- alice let bob speak again in lobby",
     '{"event": "unmuted", "room": "lobby", "nick": "bob", "by": "alice", "reason": ""}'),
    (events.Unmuted("", "bob", "alice", ""), OUT, "-- alice let bob speak again on this server",
     '{"event": "unmuted", "room": "", "nick": "bob", "by": "alice", "reason": ""}'),
    (events.Announcement("tea\nat four", "alice"), OUT, "-- ANNOUNCEMENT by alice: tea\n--   at four",
     '{"event": "announcement", "text": "tea\\nat four", "by": "alice"}'),
    (events.Announcement("be kind", ""), OUT, "-- the server says: be kind",
     '{"event": "announcement", "text": "be kind", "by": ""}'),
    (events.SanctionList("lobby", SANCTIONS), OUT,
     f"-- banned or muted in lobby:\n--   bob is banned until {CLOCK}, by alice at {CLOCK}: spam\n"
     f"--   carol is muted, by alice at {CLOCK}",
     '{"event": "bans", "room": "lobby", "sanctions": [{"kind": "banned", "room": "lobby", "nick": "bob", "by": '
     f'"alice", "reason": "spam", "time": "{ISO}", "until": "{ISO}"}}, {{"kind": "muted", "room": "lobby", "nick": '
     f'"carol", "by": "alice", "reason": "", "time": "{ISO}", "until": null}}]}}'),
    (events.SanctionList("", ()), OUT, "-- nobody is banned or muted on this server",
     '{"event": "bans", "room": "", "sanctions": []}'),
    (events.AuditList(ACTS), OUT,
     f"-- {CLOCK} alice: ban bob in lobby (for 2h): spam\n-- {CLOCK} alice: announce",
     f'{{"event": "audit", "acts": [{{"seq": 1, "time": "{ISO}", "nick": "alice", "action": "ban", "room": "lobby", '
     f'"subject": "bob", "detail": "7200", "reason": "spam"}}, {{"seq": 2, "time": "{ISO}", "nick": "alice", '
     '"action": "announce", "room": "", "subject": "", "detail": "", "reason": ""}]}'),
    (events.AuditList(()), OUT, "-- no act of order was done yet", '{"event": "audit", "acts": []}'),
    (events.LoginsFailed(3, TIME_MS, TIME_MS), OUT,
     f"-- SOMEBODY TRIED TO LOG IN AS YOU: 3 attempts failed, the first at {CLOCK}, the last at {CLOCK}; choose a good"
     " password (/password)",
     f'{{"event": "logins_failed", "count": 3, "first": "{ISO}", "last": "{ISO}"}}'),
    (events.CodeMade("AB-CD", "link", "", 600), OUT,
     "-- AB-CD lets another device of yours in, once, for 10 minutes: udpchat-client --nick NICK --link AB-CD",
     '{"event": "code", "code": "AB-CD", "purpose": "link", "nick": "", "valid_s": 600}'),
    (events.CodeMade("AB-CD", "reset", "bob", 600), OUT,
     "-- AB-CD gives bob back to whoever starts a client with --link AB-CD, once, for 10 minutes",
     '{"event": "code", "code": "AB-CD", "purpose": "reset", "nick": "bob", "valid_s": 600}'),
    (events.CodeMade("AB-CD", "invite", "", 600), OUT,
     "-- AB-CD lets somebody in, once, for 10 minutes: udpchat-client --nick NICK --link AB-CD",
     '{"event": "code", "code": "AB-CD", "purpose": "invite", "nick": "", "valid_s": 600}'),
    (events.DeviceList("alice", DEVICES), OUT,
     f"-- devices of alice:\n--   abcd, this one\n--   efgh, added {CLOCK}, here now\n"
     f"--   ijkl, added {CLOCK}, revoked {CLOCK}",
     '{"event": "devices", "nick": "alice", "devices": [{"fingerprint": "abcd", "added": null, "revoked": null, '
     '"is_here": true, "is_own": true}, {"fingerprint": "efgh", '
     f'"added": "{ISO}", "revoked": null, "is_here": true, "is_own": false}}, {{"fingerprint": "ijkl", "added": '
     f'"{ISO}", "revoked": "{ISO}", "is_here": false, "is_own": false}}]}}'),
    (events.DeviceList("alice", ()), OUT, "-- alice has no device",
     '{"event": "devices", "nick": "alice", "devices": []}'),
    (ME, OUT,
     "-- you are alice, an owner of this server; an operator of dev\n-- 2 devices, with a password; strangers may write"
     " to you alone; this device is abcd",
     '{"event": "whoami", "nicks": ["alice"], "fingerprint": "abcd", "role": "owner", "roles": [{"room": "dev", '
     '"role": "operator"}], "devices": 2, "has_password": true, "accept": "strangers"}'),
]  # fmt: skip
