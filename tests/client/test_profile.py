"""A profile: who a client is, with nothing of the past and no name of a program unless it is asked for."""

from __future__ import annotations

import pytest

from udpchat.client.profile import Profile
from udpchat.session.noise import KeyPair


def test_a_profile_asks_for_no_history_unless_told() -> None:
    profile = Profile(KeyPair(bytes(32)), "alice", ("lobby",), "udpchat://server:1", lambda key: None)
    assert (profile.history, profile.agent) == (0, "")
    with pytest.raises(AttributeError):
        profile.nick = "bob"  # type: ignore[misc]
