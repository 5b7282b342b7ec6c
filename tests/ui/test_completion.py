from __future__ import annotations

import pytest

from udpchat.client.model import Item
from udpchat.ui.arguments import ORDER_WORDS
from udpchat.ui.commands import COMMANDS
from udpchat.ui.completion import CANDIDATES_MAX, Completion, KnownNames, complete, speakers_first

WORDS = {**ORDER_WORDS, "LEVEL": ("none", "all"), "theme VALUE": ("dark", "light")}
KNOWN = KnownNames(("bob", "Alice", "alan", "Ünal"), ("lobby", "dev", "ops"), COMMANDS, WORDS)


def line_of(done: Completion | None) -> str:
    """The line with a bar for the cursor; empty if nothing fits."""
    return f"{done.text[: done.cursor]}|{done.text[done.cursor :]}" if done else ""


def tabbed(line: str, times: int = 1, *, backwards: bool = False, known: KnownNames = KNOWN) -> str:
    """What Tab makes of a line with a bar for the cursor, which is at the end without one."""
    cursor = len(line.partition("|")[0])
    text, done = line.replace("|", ""), None
    for _ in range(times):
        done = complete(text, cursor, known, done, backwards=backwards)
        text, cursor = (done.text, done.cursor) if done else (text, cursor)
    return line_of(done)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("b", "bob: |"),
        ("hello b", "hello bob |"),
        ("AL", "Alice: |"),
        ("ün", "Ünal: |"),
        ("", "bob: |"),
        ("a|, are you there", "Alice: |, are you there"),
        ("tell a| that", "tell Alice| that"),
        ("one\nb", "one\nbob: |"),
        ("see #d", "see #dev |"),
        ("ask @a", "ask @Alice |"),
        ("well :smil", "well :smile:|"),
        ("(:tad", "(:tada:|"),
    ],
)
def test_a_word_of_a_message_is_completed(line: str, expected: str) -> None:
    assert tabbed(line) == expected


@pytest.mark.parametrize("line", ["zoe", "hello ", "10:3", "http:", "/nothing", "/join x", "#none", "@none", "/zzz "])
def test_where_nothing_fits_nothing_changes(line: str) -> None:
    assert tabbed(line) == ""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/jo", "/join |"),
        ("/WHOI", "/whois |"),
        ("/msg b", "/msg bob |"),
        ("/msg @b", "/msg @bob |"),
        ("/msg #o", "/msg #ops |"),
        ("/m b", "/m bob |"),
        ("/msg bob tell a", "/msg bob tell Alice |"),
        ("/msg ", "/msg bob |"),
        ("/join d", "/join dev |"),
        ("/JOIN #d", "/JOIN #dev |"),
        ("/room @a", "/room @Alice |"),
        ("/topic #l", "/topic #lobby |"),
        ("/topic #lobby about a", "/topic #lobby about Alice |"),
        ("/me hugs b", "/me hugs bob |"),
        ("/help to", "/help topic |"),
        ("/help /to", "/help /topic |"),
        ("/search milk from:b", "/search milk from:bob |"),
        ("/search IN:o", "/search IN:ops |"),
        ("//jo b", "//jo bob |"),
        ("/ban b", "/ban bob |"),
        ("/ban -", "/ban --server |"),
        ("/ban --server b", "/ban --server bob |"),
        ("/ban bob f", "/ban bob for |"),
        ("/ban bob for 1h", "/ban bob for 1h |"),
        ("/mute --server bob for ", "/mute --server bob for 10m |"),
        ("/ban bob told a", "/ban bob told Alice |"),
        ("/kick b", "/kick bob |"),
        ("/invite bob d", "/invite bob dev |"),
        ("/invite --server b", "/invite --server bob |"),
        ("/mode d", "/mode dev |"),
        ("/mode +m", "/mode +moderated |"),
        ("/mode dev -t", "/mode dev -topic_locked |"),
        ("/mode dev +moderated +i", "/mode dev +moderated +invite_only |"),
        ("/role bob a", "/role bob admin |"),
        ("/accept c", "/accept contacts |"),
    ],
)
def test_a_command_and_what_its_usage_asks_for_are_completed(line: str, expected: str) -> None:
    assert tabbed(line) == expected


def test_a_usage_may_ask_for_words_that_the_caller_knows() -> None:
    notify, setting = (COMMANDS[0].changed(name=name, usage=usage)
                       for name, usage in (("notify", "[LEVEL]"), ("set", "[NAME [VALUE]]")))  # fmt: skip
    known = KnownNames((), (), (notify, setting), WORDS)
    assert tabbed("/notify a", known=known) == "/notify all |"
    assert tabbed("/set theme l", known=known) == "/set theme light |"
    assert tabbed("/set mouse l", known=known) == ""


def test_tab_goes_around_and_shift_tab_back() -> None:
    assert [tabbed("a", times) for times in (1, 2, 3)] == ["Alice: |", "alan: |", "Alice: |"]
    assert tabbed("a", backwards=True) == "alan: |"
    assert [tabbed("/join ", times) for times in (1, 2, 3, 4)] == [
        f"/join {room} |" for room in (*KNOWN.rooms, "lobby")
    ]
    assert [tabbed("/join ", times, backwards=True) for times in (1, 2)] == ["/join ops |", "/join dev |"]
    first = complete("a", 1, KNOWN)
    assert first is not None
    second = complete(first.text, first.cursor, KNOWN, first)
    assert second is not None
    assert line_of(complete(second.text, second.cursor, KNOWN, second, backwards=True)) == "Alice: |"


def test_typing_ends_the_round() -> None:
    first = complete("a", 1, KNOWN)
    assert first is not None and first.text == "Alice: "
    assert line_of(complete("Alice: b", 8, KNOWN, first)) == "Alice: bob |"
    assert complete(first.text, 0, KNOWN, first) != first  # the cursor was moved


def test_who_spoke_last_comes_first_and_oneself_never() -> None:
    items = [
        Item(n, str(n), nick, "hi", "text", 1, False) for n, nick in enumerate(("dave", "Bob", "me", "dave", "BOB"))
    ]
    assert speakers_first(items, ["alice", "bob", "Me", "carol"], "ME") == ("BOB", "dave", "alice", "carol")


def test_a_crowd_is_offered_in_part() -> None:
    done = complete("u", 1, KnownNames([f"user{n}" for n in range(5_000)], (), ()))
    assert done is not None and len(done.candidates) == CANDIDATES_MAX
