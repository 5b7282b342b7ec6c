"""How a server is: the numbers of its core, by the names that `status` and the metrics have for them (SPEC 6.12)."""

from __future__ import annotations

from collections.abc import Mapping

from udpchat.server.chat import Chat
from udpchat.server.registry import Peer
from udpchat.server.usage import usage_of

Status = dict[str, int | str]
"""Values by name; a dot divides the name of a group from that of a member: `drops.rate limited`."""


def entered(chat: Chat) -> list[Peer]:
    """The devices that have entered, without those of the operator's commands."""
    host = chat.commits.durable.accounts.host
    return [peer for peer in chat.registry if peer.nick is not None and peer.key != host]


def status_of(chat: Chat, drops: Mapping[str, int]) -> Status:
    """The numbers of the core. `peers`: devices that have entered, without the operator's own; `rooms`: those in which
    somebody is; `messages`: all that were ever said and kept, also if they are gone by now.

    `drops`: what was dropped and refused since the start, by reason.
    """
    durable, queries, peers = chat.commits.durable, chat.queries, entered(chat)
    found: Status = {
        "peers": len(peers),
        "people": len({peer.key for peer in peers}),
        "rooms": len(chat.rooms),
        "messages": durable.messages,
        "writable": int(not chat.commits.is_unwritable),
        "queues.writes_bytes": chat.commits.pending_bytes,
        "queues.reads": len(queries),
    }
    found |= {f"drops.{reason}": count for reason, count in sorted(drops.items())}
    for usage in usage_of(chat):
        name = usage.budget.replace(" ", "_")
        found |= {f"used.{name}": usage.used, f"limits.{name}": usage.limit}
    return found
