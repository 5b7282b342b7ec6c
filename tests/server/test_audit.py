"""Acts of order are reported to the operator once they are stored, without what was announced."""

from __future__ import annotations

from tests.server.rig import Rig
from udpchat.chat import events
from udpchat.chat.permissions import Role
from udpchat.server.admission import Settings
from udpchat.wire.requests import Announce, Kick, SetRole

HOST = b"h" * 32


def test_an_act_is_reported_once_it_is_stored() -> None:
    rig = Rig(settings=Settings(host=HOST))
    operator, alice = rig.device("operator", key=HOST), rig.device("alice", "den")
    rig.told.clear()
    rig.ask(operator, SetRole(None, "alice", int(Role.OWNER)))
    assert not any(isinstance(event, events.Act) for event in rig.told)
    rig.write()
    rig.ask(alice, Announce("a secret between friends"))
    rig.ask(alice, Kick(None, "alice", ""))  # nobody acts on themselves
    rig.write()
    acts = [event for event in rig.told if isinstance(event, events.Act)]
    assert [(act.by, act.action, act.room, act.subject, act.detail, act.reason) for act in acts] == [
        ("operator", "owner", "", "alice", "owner", ""),
        ("alice", "announce", "", "", "", ""),
    ]
