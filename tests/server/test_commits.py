"""Commits: in order, durable before anything follows, and dropped whole when nothing was written."""

from __future__ import annotations

from tests.storage.memory import MemoryLog
from udpchat.chat.ids import client_id_of
from udpchat.server.commits import Commits
from udpchat.server.proposals import Action, ActionProposal, Admit, Author, EnterProposal, Proposal, Reject, SendResult
from udpchat.session.noise import user_id
from udpchat.wire.content import Claim
from udpchat.wire.limits import WRITE_ENTRY_BYTES
from udpchat.wire.requests import Failed, Rename, Say, Stored

INSTANCE = b"i" * 16


def author(key: bytes) -> Author:
    return Author(client_id_of(key, INSTANCE), key, user_id(key), INSTANCE, key)


def proposal(key: bytes, action: Action, counter: int = 1) -> Proposal:
    return ActionProposal(author(key), "alice", counter, 0, action)


ALICE, BOB = b"a" * 32, b"b" * 32


def commit(commits: Commits, log: MemoryLog) -> list[object]:
    """Write what is to be written; the effects."""
    batch = commits.drain_appends()
    log.append(batch)
    effects: list[object] = []
    for settlement in commits.take_durable(len(batch)):
        effects += settlement.effects
        commits.apply_durable(settlement)
    commits.rebase()
    return effects


def test_nothing_follows_a_proposal_before_it_is_durable() -> None:
    log = MemoryLog()
    commits = Commits(log)
    assert commits.propose(proposal(ALICE, Say("lobby", 0, "one"))) == ()
    assert commits.propose(proposal(ALICE, Say("lobby", 0, "two"), 2)) == ()
    results = [effect.result for effect in commit(commits, log) if isinstance(effect, SendResult)]
    assert results == [Stored("#lobby", 1), Stored("#lobby", 2)]


def test_what_needs_no_entry_follows_at_once_only_if_nothing_is_under_way() -> None:
    log = MemoryLog()
    commits = Commits(log)
    commits.propose(EnterProposal(author(ALICE), "alice"))
    assert commits.propose(EnterProposal(author(BOB), "alice")) == ()  # it rests on a claim that may yet fail
    admitted, rejected = commit(commits, log)
    assert isinstance(admitted, Admit) and isinstance(rejected, Reject)
    (again,) = commits.propose(EnterProposal(author(ALICE), "alice"))
    assert isinstance(again, Admit) and not commits.drain_appends()


def test_two_who_claim_one_nick_at_once_get_one_owner() -> None:
    log = MemoryLog()
    commits = Commits(log)
    commits.propose(proposal(ALICE, Rename("carol")))
    commits.propose(proposal(BOB, Rename("Carol")))
    results = [effect.result for effect in commit(commits, log) if isinstance(effect, SendResult)]
    assert isinstance(results[1], Failed) and commits.durable.claims.owner("carol") == Claim("carol", ALICE)


def test_a_failed_write_drops_all_that_is_under_way_and_the_state_is_that_of_the_store() -> None:
    log = MemoryLog()
    commits = Commits(log)
    commits.propose(proposal(ALICE, Say("lobby", 0, "kept")))
    commit(commits, log)
    asked = [
        proposal(ALICE, Rename("carol"), 2),
        proposal(BOB, Say("lobby", 0, "x")),
        proposal(BOB, Say("den", 0, "y"), 2),
    ]
    for each in asked:
        commits.propose(each)
    commits.drain_appends()
    assert commits.rejected() == asked and commits.is_unwritable
    assert commits.durable.claims.owner("carol") is None and commits.pending_of(asked[1].author.client_id) == []
    commits.propose(proposal(BOB, Say("lobby", 0, "again")))
    (answered,) = commit(commits, log)
    assert answered == SendResult(asked[1].author.client_id, 1, Stored("#lobby", 2)) and not commits.is_unwritable


def test_a_batch_in_the_middle_of_what_is_under_way_leaves_the_rest_settled_over_it() -> None:
    log = MemoryLog()
    commits = Commits(log)
    commits.propose(proposal(ALICE, Say("lobby", 0, "one")))
    first = commits.drain_appends()
    commits.propose(proposal(ALICE, Say("lobby", 0, "two"), 2))
    log.append(first)
    second = commits.drain_appends()
    log.append(second)  # the store shows it before the core knows that it is durable
    for settlement in commits.take_durable(1):
        commits.apply_durable(settlement)
    commits.rebase()
    assert commits.durable.head("#lobby") == 1 and commits.pending_of(client_id_of(ALICE, INSTANCE)) == [2]
    commits.propose(proposal(ALICE, Say("lobby", 0, "three"), 3))
    assert [append.sequence for append in commits.drain_appends()] == [3]


def test_what_is_settled_ahead_of_the_disk_is_counted_in_bytes() -> None:
    log = MemoryLog()
    commits = Commits(log)
    for counter in (1, 2):
        commits.propose(proposal(ALICE, Say("lobby", 0, "x" * 1_000), counter))
    assert 2_000 + 2 * WRITE_ENTRY_BYTES < commits.pending_bytes < 2_500
    commit(commits, log)
    assert not commits.pending_bytes
    commits.propose(proposal(ALICE, Say("lobby", 0, "x"), 3))
    assert commits.pending_bytes
    commits.rejected()
    assert not commits.pending_bytes
