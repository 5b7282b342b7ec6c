"""What a core gives away and takes back: its results are sent with the turn that takes them."""

from __future__ import annotations

from tests.server.rig import Rig
from tests.server.test_logins import owner
from udpchat.server.core import ServerCore
from udpchat.server.derivations import Derived
from udpchat.server.off_loop import OffLoop
from udpchat.wire.frames import Proof


def test_what_was_computed_is_answered_in_the_turn_that_takes_it() -> None:
    rig = Rig()
    owner(rig)
    peer = rig.stranger()
    rig.enter(peer, "alice", Proof(False, "wrong horse", 1))
    rig.settle()
    (derivation,) = rig.server.drain_derivations()
    assert not rig.server.drain_transmits()
    rig.server.derived(rig.now, derivation, Derived(is_right=False), 0.1)
    assert [address for _, address in rig.server.drain_transmits()] == [peer.session.path.address]
    assert issubclass(ServerCore, OffLoop)
