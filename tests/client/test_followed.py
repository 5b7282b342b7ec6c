"""Which logs a client follows, and how often one of them may be begun anew."""

from __future__ import annotations

from udpchat.client.followed import NAMES_MAX, FollowedLogs
from udpchat.wire.limits import CONVERSATIONS_FOLLOWED_MAX, LOG_CHANGES_BURST

INBOX = "~" + "1" * 20


def talk(number: int) -> str:
    return f"@{number:020x}"


def test_a_room_is_welcome_with_its_roster_while_it_is_wanted() -> None:
    logs = FollowedLogs(INBOX, ())
    logs.want("lobby")
    assert [log for log in ("#lobby", "%lobby", "#attic", INBOX, "~x", "@x") if logs.is_welcome(log)] == [
        "#lobby", "%lobby", INBOX,
    ]  # fmt: skip
    assert logs.drop("lobby") and not logs.drop("lobby") and not logs.is_welcome("%lobby")


def test_conversations_of_all_runs_have_so_many_places() -> None:
    logs = FollowedLogs(INBOX, [talk(0), "#lobby"])
    for number in range(1, CONVERSATIONS_FOLLOWED_MAX):
        assert logs.is_welcome(talk(number))
        logs.on_opened(talk(number))
    assert not logs.is_welcome(talk(CONVERSATIONS_FOLLOWED_MAX)) and logs.is_welcome(talk(0))


def test_logs_may_be_begun_anew_so_often_and_then_at_a_rate() -> None:
    logs = FollowedLogs(INBOX, ())
    assert sum(logs.may_change(1_000.0) for _ in range(2 * int(LOG_CHANGES_BURST))) == LOG_CHANGES_BURST
    assert sum(logs.may_change(1_010.0) for _ in range(100)) == 10


def test_that_a_log_cannot_be_read_is_news_once() -> None:
    logs = FollowedLogs(INBOX, ())
    assert logs.note_unreadable("#lobby") and logs.note_unreadable("#attic") and not logs.note_unreadable("#lobby")


def test_a_conversation_is_known_by_each_nick_of_the_other_and_of_so_many_the_oldest_is_forgotten() -> None:
    logs = FollowedLogs(INBOX, ())
    logs.name(talk(0), "bob")
    logs.name(talk(0), "robert")
    assert logs.log_of("@BOB") == logs.log_of("@robert") == talk(0) and logs.room_of(talk(0)) == "@bob"
    assert logs.log_of("lobby") == "#lobby" and logs.room_of("#lobby") == "lobby" and logs.log_of("@carol") is None
    for number in range(NAMES_MAX - 1):
        logs.name(talk(1), f"nick{number}")
    assert logs.log_of("@bob") is None and logs.log_of("@robert") == talk(0)
