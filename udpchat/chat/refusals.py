"""Why a server refuses: each key that it sends, with the names of its values in their order (SPEC 4.9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from udpchat.chat.phrase import Phrase

_OF_NAMES: Final[dict[str, tuple[str, ...]]] = {  # variants of both bad_nick and bad_room
    "empty": (), "too_long": ("characters_max",), "far_too_long": (), "space": (), "character": ("character",),
    "codepoint": ("codepoint",), "marks": ("marks_max",), "first_mark": (), "first_hyphen": (), "greek": (),
}  # fmt: skip
REFUSALS: Final[dict[str, tuple[str, ...]]] = {
    **{f"{code}.{rule}": values for code in ("bad_nick", "bad_room") for rule, values in _OF_NAMES.items()},
    "bad_nick.reserved": ("nick",),
    "bad_room.is_log": (),
    "bad_room.not_followed": (),
    "bad_log": (),
    "nick_taken": ("nick",),
    "nick_taken.account": ("nick",),
    "nick_taken.alike": ("nick", "held"),
    "too_many_nicks": (),
    "too_many_devices": ("devices_max",),
    "too_many_devices.account": ("devices_max",),
    "too_many_rooms": (),
    "too_many_rooms.topics": (),
    "too_many_rooms.joined": ("rooms_max",),
    "too_many_conversations": (),
    "too_many_followers": ("followers_max",),
    "no_such_room": ("room",),
    "no_such_nick": ("nick",),
    "no_such_nick.here": ("nick",),
    "not_in_room": ("room",),
    "not_allowed": (),
    "not_allowed.author": (),
    "not_allowed.role": ("action",),
    "not_allowed.outranked": ("nick",),
    "not_allowed.invite_only": (),
    "not_allowed.moderated": (),
    "not_allowed.closed": (),
    "not_allowed.device": (),
    "not_allowed.last_device": (),
    "not_allowed.contacts": ("nick",),
    "kicked": ("by", "reason"),
    "banned": ("by", "reason", "until_ms"),
    "banned.room": ("by", "reason", "until_ms"),
    "muted": ("by", "reason", "until_ms"),
    "muted.room": ("by", "reason", "until_ms"),
    "wrong_password": (),
    "wrong_password.code": (),
    "key_revoked": (),
    "no_passwords": (),
    "no_such_device": ("fingerprint",),
    "no_such_sanction": ("subject",),
    "bad_role": ("role",),
    "bad_subject": ("subject",),
    "bad_password": ("characters_min",),
    "too_many_codes": (),
    "too_many_sanctions": (),
    "too_many_roles": (),
    "too_fast.wait": ("wait_s",),
    "log_full": (),
    "too_fast": (),
    "too_slow": (),
    "no_such_message": (),
    "bad_reaction": (),
    "empty": (),
    "too_long.message": ("bytes_max",),
    "too_long.topic": ("bytes_max",),
    "too_long.search": ("bytes_max",),
    "too_long.reason": ("bytes_max",),
    "unreadable": (),
    "refused": (),
    "malformed": (),
}


def detail_of(phrase: Phrase) -> tuple[str, ...]:
    """The values of a refusal, as they are sent."""
    return tuple(str(phrase.values[name]) for name in REFUSALS[phrase.key])


def refusal(key: str, detail: Sequence[str]) -> Phrase:
    """The phrase of a refusal that was received; one of another version keeps its key and its values."""
    names = REFUSALS.get(key)
    if names is None or len(names) != len(detail):
        return Phrase(f"{key}.of_later", {"key": key, "detail": ", ".join(detail)})
    return Phrase(key, dict(zip(names, detail, strict=True)))
