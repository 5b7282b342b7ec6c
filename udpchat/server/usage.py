"""How much of each budget is in use, for the operator."""

from __future__ import annotations

from udpchat.chat.ids import CONVERSATION_PREFIX, INBOX_PREFIX, ROOM_PREFIX
from udpchat.server.chat import Chat
from udpchat.server.quotas import HeldQuota
from udpchat.server.state import LOGS_MAX
from udpchat.wire.fields import Value
from udpchat.wire.limits import NICKS_MAX, STREAM_BYTES_MAX


class Usage(Value, frozen=True):
    """So much of a budget is in use, of so much that may be."""

    budget: str
    used: int
    limit: int


def usage_of(chat: Chat) -> list[Usage]:
    """The budgets of a server that many can fill, each with what is in use."""
    quotas, durable = chat.quotas, chat.commits.durable
    held = {"peers": quotas.peers, "empty rooms": quotas.empty_rooms, "request bytes": quotas.request_bytes}
    logs = {"stored rooms": ROOM_PREFIX, "conversations": CONVERSATION_PREFIX, "inboxes": INBOX_PREFIX}
    return [
        *(_of_quota(budget, quota) for budget, quota in held.items()),
        Usage("stream bytes", chat.rooms.memory.total, STREAM_BYTES_MAX),
        *(Usage(budget, durable.logs_of(prefix), LOGS_MAX[prefix]) for budget, prefix in logs.items()),
        Usage("nicks", len(durable.claims), NICKS_MAX),
    ]


def _of_quota(budget: str, quota: HeldQuota) -> Usage:
    return Usage(budget, quota.total, quota.total_max)
