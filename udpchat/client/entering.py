"""Whether the server lets this client in: its answers to Enter, the loss of its session, and what ends it (SPEC 6.3).

Each method returns what is to be reported.
"""

from __future__ import annotations

from collections.abc import Sequence

from udpchat.chat import events
from udpchat.chat.phrase import Phrase
from udpchat.chat.refusals import refusal
from udpchat.client.login import Login, Verdict
from udpchat.client.membership import Membership
from udpchat.client.profile import Profile
from udpchat.session.noise import fingerprint
from udpchat.wire import content, frames
from udpchat.wire.limits import ORDER

FINAL_REFUSALS = frozenset({
    "nick_taken", "bad_nick", "too_many_nicks", "too_many_devices", "too_fast", "banned", "kicked", "wrong_password",
    "key_revoked", "not_allowed",
})  # fmt: skip
Reported = Sequence[events.ClientEvent]


class EnterAnswers:
    """`has_connected`: the server has answered each Follow once. `is_lost`: since then, the connection was lost."""

    def __init__(self, profile: Profile, membership: Membership, login: Login | None) -> None:
        self._profile = profile
        self._membership = membership
        self.login = login or Login()
        self.has_connected = False
        self.is_lost = False
        self._server_key = b""  # of the current session
        self._kept: tuple[int | None, int | None] = (None, None)  # how long the server keeps messages: seconds, entries
        self._motd = ""  # what the operator has to say to whoever enters
        self._name = ""  # what the server calls itself
        self.has_order = False  # whether the server has accounts and roles

    def begin_session(self, server_key: bytes) -> None:
        """A new session is in use, with the server that has this key."""
        self._server_key = server_key

    # --- Loss and return ----------

    def on_lost(self, reason: str) -> Reported:
        """The server no longer answers, or has sent a Goodbye with this reason."""
        if not self.has_connected or self.is_lost:
            return ()
        self.is_lost = True
        is_stopping = reason == content.Reason.STOPPING
        lost = events.Disconnected(
            "lost.stopping" if is_stopping else "lost.reason" if reason else "lost", {"reason": reason}
        )
        return (lost,)

    def on_found(self) -> Reported:
        """The server answers, and has accepted our Enter."""
        was_lost, self.is_lost = self.is_lost, False
        return (events.Reconnected("found"),) if was_lost else ()

    # --- Refusals ----------

    def on_keys_refused(self, keys: Sequence[bytes]) -> Reported:
        """The server's key is not approved; or at first contact several servers answered, each with another key."""
        if len(keys) > 1:
            shown = tuple(map(fingerprint, keys))
            return self.reject(Phrase("server_key.several", {"server": self._profile.server, "shown": shown}))
        reason = self._profile.check_server(keys[0])
        return self.reject(reason) if reason is not None else ()

    def reject(self, reason: Phrase) -> Reported:
        """Stop for good."""
        was_over, self._membership.is_over = self._membership.is_over, True
        return () if was_over else (events.Rejected(reason.key, reason.values),)

    def on_refused(self, now: float, frame: frames.EnterRefused) -> Reported:
        """The server does not let us in, or lets us in no longer."""
        reason = refusal(frame.code, frame.detail)
        if reason.code not in FINAL_REFUSALS:
            return ()
        match self.login.on_refused(now, reason, frame.number):
            case Verdict.AGAIN:
                self._membership.enter_again(now)
            case Verdict.ASKED:
                return (self.login.question(self._membership.nick),)
            case Verdict.WAIT:
                return (events.Error(reason.key, reason.values, retry_s=self.login.waits_until - now),)
            case Verdict.FINAL:
                return self.reject(reason)
        return ()

    def prove(self, now: float, secret: str, *, is_code: bool) -> Reported:
        """The person who was asked for a secret has given one; empty: none, and the client stops."""
        if not self.login.is_asking:
            return ()
        if not secret and (refused := self.login.give_up()) is not None:
            return self.reject(refused)
        self.login.prove(secret, is_code=is_code)
        self._membership.enter_again(now)
        return ()

    # --- Entering ----------

    def on_welcome(self, frame: frames.Welcome) -> Reported:
        """The server has accepted our Enter."""
        self._membership.is_welcome = True
        self._kept = (frame.kept_s, frame.kept_entries)
        self.has_order = ORDER in frame.capabilities
        self._motd = frame.motd or ""
        self._name = frame.server_name
        self.login.on_entered()
        return self.on_found()

    def connected(self, resumed: int) -> Reported:
        """`Connected`, once the server has accepted our Enter and answered each Follow; else nothing.

        `resumed`: how many lines of earlier runs this run sends again.
        """
        if self.has_connected or not self._membership.is_complete:
            return ()
        self.has_connected = True
        nick, rooms = self._membership.nick, self._membership.rooms
        told: list[events.ClientEvent] = [
            events.Connected(self._profile.server, fingerprint(self._server_key), nick, rooms, self._name)
        ]
        if rooms:
            told.append(self.kept_in(rooms))
        if resumed:
            told.append(events.notice("outbox", count=resumed))
        if self._motd:
            told.append(events.Announcement(self._motd, ""))
        return told

    def kept_in(self, rooms: tuple[str, ...]) -> events.Notice:
        """How long the server keeps what is said in rooms."""
        return events.notice("kept", rooms=rooms, limits=self._kept)
