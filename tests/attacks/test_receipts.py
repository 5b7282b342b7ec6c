"""Who has a message is told to its author only, of a log that they follow, and costs the server little (SPEC 6.6).

Else a member could learn who reads what, how far others are behind, and who talks with whom in private; and each
question looks at all followers of a log.
"""

from __future__ import annotations

from functools import partial

from tests.attacks.member import Member
from tests.server.rig import Rig
from tests.work import steps_of
from udpchat.chat.ids import conversation_log, message_id
from udpchat.server.request_handlers import HANDLERS, RequestContext
from udpchat.wire import frames
from udpchat.wire.limits import NOTICED_PEERS_MAX, NOTICES_BURST, REQUESTS_IN_FLIGHT_MAX
from udpchat.wire.requests import Failed, Holders, ListHolders, ResultBody, Say, Tell

NOTICED = 2.0


def answers_to(member: Member, *asked: ListHolders, first: int = 1) -> list[ResultBody]:
    """What the server answers to these."""
    sent = [frames.Request(counter, first, request) for counter, request in enumerate(asked, first)]
    return [frame.body for frame in member.send(*sent) if isinstance(frame, frames.Result)]


def test_a_member_learns_nothing_of_the_messages_of_others_whatever_it_names() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "lobby"), rig.device("bob", "lobby")
    for request in (Say("lobby", 0, "hi"), Tell("bob", 0, "psst")):
        rig.ask(alice, request)
        rig.write()
    hostile = Member(rig)
    hostile.enter("hostile")
    said, told = (message_id(alice.author.instance, counter) for counter in (1, 2))
    private = conversation_log(alice.key, bob.key)
    outside = answers_to(hostile, ListHolders("#lobby", 1, said), ListHolders(private, 1, told))
    assert outside == [Failed("not_in_room", ("lobby",)), Failed("not_allowed")]
    hostile.send(frames.Follow("#lobby"))
    inside = answers_to(hostile, ListHolders("#lobby", 1, said), ListHolders("#lobby", 1, told), first=3)
    assert inside == [Failed("not_allowed.author"), Failed("no_such_message")]


def test_of_a_window_of_such_questions_only_a_few_are_looked_into() -> None:
    rig = Rig()
    hostile = Member(rig)
    hostile.enter("hostile")
    hostile.send(frames.Follow("#lobby"), frames.Request(1, 1, Say("lobby", 0, "hi")))
    own = next(iter(rig.chat.registry.peers_of(hostile.key.public))).author.instance
    asked = [ListHolders("#lobby", 1, message_id(own, 1))] * (REQUESTS_IN_FLIGHT_MAX - 1)
    answers = answers_to(hostile, *asked, first=2)  # as many as fit a turn
    rig.handle_timeouts()  # the others
    peer = next(iter(rig.chat.registry.peers_of(hostile.key.public)))
    answers += [rig.result(peer, 2 + at) for at in range(len(answers), len(asked))]
    looked_into, refused = answers[: int(NOTICES_BURST)], answers[int(NOTICES_BURST) :]
    assert looked_into == [Holders([], [])] * int(NOTICES_BURST) and set(refused) == {Failed("too_fast")}


def test_a_question_in_a_crowd_is_no_more_work_than_in_the_largest_room_that_is_answered() -> None:
    work = []
    for others in (NOTICED_PEERS_MAX - 1, 2 * NOTICED_PEERS_MAX):
        rig = Rig()
        alice = rig.device("alice", "lobby")
        rig.ask(alice, Say("lobby", 0, "hi"))
        rig.write()
        for number in range(others):
            rig.device(f"peer{number}", "lobby")
        request = ListHolders("#lobby", 1, message_id(alice.author.instance, 1))
        handle = partial(HANDLERS[ListHolders].handle, RequestContext(rig.now, rig.chat, alice), request)
        work.append(steps_of(handle))
    assert work[1] <= NOTICED * work[0]
