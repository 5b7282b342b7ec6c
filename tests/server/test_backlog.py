"""The backlog: while as much is asked for as may be, there is room for more only for who has credit."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from tests.server.rig import Rig
from udpchat.server.backlog import KEPT_SHARE, Backlog
from udpchat.server.credit import CREDIT_US
from udpchat.server.pace import LONG, SHORT_S
from udpchat.server.registry import Peer
from udpchat.wire.limits import PEERS_BEHIND_MAX, REACH_IN_ALL, WRITE_AHEAD_BYTES_MAX

BURST, PER_S = REACH_IN_ALL
DEBTOR_US, SAVER_US = 1.0, -CREDIT_US  # used, on a clock at 0
NEW = 1.0 - KEPT_SHARE


class Desk:
    """A backlog of which a share is in use, in one of its three parts."""

    def __init__(self, part: str, share: float) -> None:
        self.chat = Rig().chat
        self.backlog = Backlog(self.chat.commits, self.chat.fanout, self.chat.ledger)
        self.backlog.pace.on_little_used(0.0)  # turns are short
        self.chat.ledger.clock_us = 0.0
        match part:
            case "written":
                self.chat.commits.pending_bytes = int(share * WRITE_AHEAD_BYTES_MAX)
            case "sent":
                peers = [Mock(spec=Peer) for _ in range(int(share * PEERS_BEHIND_MAX))]
                self.chat.fanout.flush_later(peers)
            case _:
                self.backlog.reach(share * BURST)


@pytest.mark.parametrize("part", ["written", "sent", "read"])
def test_who_has_no_credit_finds_room_in_a_part_of_it_and_who_has_all_credit_in_all(part: str) -> None:
    found = {share: [Desk(part, share).backlog.has_room(used) for used in (DEBTOR_US, SAVER_US)] for share in (
        0.9 * NEW, 1.1 * NEW, 0.99, 1.01
    )}  # fmt: skip
    assert list(found.values()) == [[True, True], [False, True], [False, True], [False, False]]


def test_the_more_credit_the_more_room() -> None:
    desk = Desk("read", 0.5)
    assert not desk.backlog.has_room(-CREDIT_US / 4) and desk.backlog.has_room(-CREDIT_US / 2)


def test_room_comes_back_with_time_and_it_is_known_when() -> None:
    backlog = Desk("read", 1.0).backlog
    for used_us in (SAVER_US, DEBTOR_US):
        due = backlog.room_at(used_us)
        assert due is not None
        backlog.begin_turn(due - 0.01)
        assert not backlog.has_room(used_us)
        backlog.begin_turn(due)
        assert backlog.has_room(used_us) and backlog.room_at(used_us) is None
    assert due == pytest.approx(KEPT_SHARE * BURST / PER_S, abs=0.002)


def test_what_is_to_be_written_is_no_matter_of_time() -> None:
    assert Desk("written", 1.0).backlog.room_at(DEBTOR_US) is None


def test_while_turns_are_long_what_is_read_has_no_bound_and_more_may_be_written() -> None:
    desk = Desk("read", 1.01)
    desk.backlog.pace.begin_turn(SHORT_S, strangers_wait=False)
    assert desk.backlog.pace.turns is LONG
    desk.backlog.reach(BURST)
    desk.chat.commits.pending_bytes = WRITE_AHEAD_BYTES_MAX
    assert desk.backlog.has_room(SAVER_US)
    desk.backlog.pace.on_little_used(SHORT_S)
    desk.backlog.pace.begin_turn(SHORT_S, strangers_wait=False)
    assert not desk.backlog.has_room(SAVER_US), "written"
    desk.chat.commits.pending_bytes = 0
    desk.backlog.begin_turn(SHORT_S)
    assert desk.backlog.has_room(DEBTOR_US), "what was said meanwhile counts as read"
