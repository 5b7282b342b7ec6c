"""Types of fields with their bounds, and the form of every record (SPEC 4, 4.8).

Only this module, requests.py, content.py and frames.py know msgspec.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from msgspec import Meta, Struct
from msgspec import field as field  # for defaults that are made anew for each value
from msgspec.structs import replace

from udpchat.wire import limits

Nick = Annotated[str, Meta(min_length=1, max_length=limits.NICK_CHARACTERS_MAX)]
Room = Annotated[str, Meta(min_length=1, max_length=limits.ROOM_CHARACTERS_MAX)]
LogName = Annotated[str, Meta(min_length=1, max_length=limits.LOG_NAME_BYTES_MAX)]
Text = Annotated[str, Meta(max_length=limits.TEXT_BYTES_MAX)]
ShortText = Annotated[str, Meta(max_length=limits.TOPIC_BYTES_MAX)]
Code = Annotated[str, Meta(max_length=32)]  # of a refusal, or `code.variant`
Detail = Annotated[tuple[ShortText, ...], Meta(max_length=4)]  # values that belong to a code
Sequence = Annotated[int, Meta(ge=0, le=limits.SEQUENCE_MAX)]
Counter = Annotated[int, Meta(ge=1, le=limits.SEQUENCE_MAX)]
UserId = Annotated[bytes, Meta(min_length=8, max_length=8)]
MessageId = Annotated[bytes, Meta(min_length=8, max_length=8)]
Kind = Annotated[int, Meta(ge=0, le=255)]  # TEXT, ACTION, or one that this version does not know
ContentData = Annotated[bytes, Meta(max_length=limits.TEXT_BYTES_MAX)]
AwayReason = Annotated[str, Meta(min_length=1, max_length=limits.AWAY_BYTES_MAX)]
RoleNumber = Annotated[int, Meta(ge=0, le=15)]  # of `chat.permissions.Role`
SanctionKind = Annotated[int, Meta(ge=0, le=15)]  # BAN, MUTE
SubjectKind = Annotated[int, Meta(ge=0, le=15)]  # ACCOUNT, DEVICE, NETWORK
Duration = Annotated[int, Meta(ge=0, le=limits.DURATION_S_MAX)]  # in seconds
CodeDigest = Annotated[bytes, Meta(min_length=16, max_length=16)]  # of a one-time code (SPEC 6.10)
Secret = Annotated[str, Meta(min_length=1, max_length=limits.SECRET_CHARACTERS_MAX)]  # a password or a code
AnnouncementText = Annotated[str, Meta(min_length=1, max_length=limits.ANNOUNCEMENT_BYTES_MAX)]


class Value(Struct, frozen=True):
    """An immutable value in memory only. Compared with a frozen dataclass it is made in an eighth of the time, and its
    class in a thirtieth: 80 classes of them would take a tenth of the start of a client. Those that are made for each
    message, and hold nothing that may be part of a cycle, have `gc=False`."""

    def changed(self, **fields: Any) -> Self:
        """The same value, but for these fields."""
        return replace(self, **fields)


class WireStruct(Struct, array_like=True, frozen=True, gc=False):
    """An array led by its tag. At its end, fields that have a default may be missing; more fields than these are
    ignored, so that later versions can add some (SPEC 8)."""

    def changed(self, **fields: Any) -> Self:
        """The same value, but for these fields."""
        return replace(self, **fields)
