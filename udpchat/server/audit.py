"""The acts of order that were just stored, as events for the operator: who did what to whom, and why (SPEC 6.11)."""

from __future__ import annotations

from collections.abc import Iterable

from udpchat.chat.permissions import Action
from udpchat.sync.log import Append
from udpchat.wire.content import Act
from udpchat.wire.frames import parse_entry_untrusted


def acts_of(appends: Iterable[Append]) -> list[Act]:
    """Those of the audit log among entries that this server made. What was announced is a text, and is left out."""
    acts = [parse_entry_untrusted(append.entry) for append in appends]
    return [act.changed(detail="") if act.action == Action.ANNOUNCE else act for act in acts if isinstance(act, Act)]
