"""Each request, asked of a server's core: what it does, and why it may not be done."""

from __future__ import annotations

import pytest

from tests.server.rig import Rig, device_counts
from udpchat.chat.ids import DIRECTORY_LOG, conversation_log, message_id
from udpchat.server.credit import FOLLOWER_US, REPLACE_US, WRITE_KIB_US
from udpchat.server.registry import Peer
from udpchat.server.request_context import PAGE_BYTES_MAX, RequestContext
from udpchat.server.request_handlers import HANDLERS, price_of
from udpchat.sync.log_stream import RECENT_ENTRIES_MAX
from udpchat.wire import content, requests
from udpchat.wire.content import EDIT, REACTION, REDACTION, TEXT, Claim, ConversationRecord, Extra, TopicRecord
from udpchat.wire.frames import Cursor, encode
from udpchat.wire.limits import (
    CONVERSATIONS_PER_KEY_MAX,
    FRAGMENT_BYTES,
    NICK_CHARACTERS_MAX,
    NICKS_PER_KEY_MAX,
    NOTICED_PEERS_MAX,
    NOTICES_BURST,
    PAST_BYTES_MAX,
    TEXT_BYTES_MAX,
    TOPIC_BYTES_MAX,
)
from udpchat.wire.requests import (
    Absent,
    Away,
    Done,
    EntryList,
    Failed,
    GetHistory,
    GetTopic,
    Here,
    Holders,
    ListHolders,
    ListMembers,
    ListRooms,
    Malformed,
    MemberPage,
    Page,
    Part,
    Person,
    Rename,
    RequestBody,
    Say,
    Search,
    SetAway,
    SetTopic,
    Stored,
    Tell,
    Whois,
)


def done(rig: Rig, peer: Peer, request: RequestBody) -> requests.ResultBody:
    """The result of a request, once it is written."""
    counter = rig.ask(peer, request)
    rig.write()
    result = rig.result(peer, counter)
    assert result is not None
    return result


def why_not(rig: Rig, peer: Peer, request: RequestBody) -> str:
    """The code of a failure, of which nothing is written."""
    counter = rig.ask(peer, request)
    assert rig.server.drain_writes() == []
    result = rig.result(peer, counter)
    assert isinstance(result, Failed), result
    return result.code.partition(".")[0]


def test_every_request_has_a_handler() -> None:
    assert set(HANDLERS) == set(RequestBody.__args__)


# --- What is said ----------


def test_what_is_about_another_message_is_kept_with_what_it_refers_to() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "lobby"), rig.device("bob")
    done(rig, alice, Say("lobby", TEXT, "helo"))
    about = Extra(bytes(8), b"", 1)
    for request in (
        Say("lobby", TEXT, "an answer", about),
        Say("lobby", REACTION, "\u2665", about),
        Say("lobby", REACTION, "\u2665", Extra(bytes(8), b"-", 1)),
        Say("lobby", EDIT, "hello", about),
        Say("lobby", REDACTION, "", about),
    ):
        result = done(rig, alice, request)
        assert isinstance(result, Stored)
        entry = rig.entry("#lobby", result.sequence)
        assert isinstance(entry, content.Message) and entry.kind == request.kind and entry.extra == request.extra
    assert isinstance(done(rig, bob, Tell("alice", TEXT, "psst")), Stored)
    assert isinstance(done(rig, alice, Tell("bob", REACTION, "\u2665", about)), Stored)


def test_what_is_about_a_message_needs_one_that_the_log_reaches() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "lobby"), rig.device("bob")
    done(rig, alice, Say("lobby", TEXT, "hello"))
    for kind in (REACTION, EDIT, REDACTION):
        for extra in (None, Extra(), Extra(bytes(8)), Extra(None, b"", 1), Extra(bytes(8), b"", 2)):
            assert why_not(rig, alice, Say("lobby", kind, "\u2665", extra)) == "no_such_message"
    assert why_not(rig, alice, Say("lobby", TEXT, "an answer", Extra(bytes(8), b"", 2))) == "no_such_message"
    assert why_not(rig, bob, Tell("alice", EDIT, "new", Extra(bytes(8), b"", 1))) == "no_such_message"


def test_a_reaction_is_an_emoji_and_an_edit_has_a_text() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    done(rig, alice, Say("lobby", TEXT, "hello"))
    about = Extra(bytes(8), b"", 1)
    for text in ("", "ok", "\u2665 \u2665"):
        assert why_not(rig, alice, Say("lobby", REACTION, text, about)) == "bad_reaction"
    assert why_not(rig, alice, Say("lobby", REACTION, "\u2665", Extra(bytes(8), b"+", 1))) == "bad_reaction"
    assert why_not(rig, alice, Say("lobby", EDIT, "\n", about)) == "empty"
    assert why_not(rig, alice, Say("lobby", EDIT, "x" * (TEXT_BYTES_MAX + 1), about)) == "too_long"


def test_nobody_says_that_their_message_was_edited() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    done(rig, alice, Say("lobby", TEXT, "hello", Extra(bytes(8), b"", 0, 2**40)))
    entry = rig.entry("#lobby", 1)
    assert isinstance(entry, content.Message) and entry.extra == Extra(bytes(8))


def test_what_changes_a_message_is_paid_as_if_that_had_the_longest_text() -> None:
    rig = Rig()
    context = RequestContext(rig.now, rig.chat, rig.device("alice", "lobby"))
    about = Extra(bytes(8), b"", 1)

    def surcharge_us(kind: int, text: str) -> float:
        said, told = Say("lobby", kind, text, about), Tell("alice", kind, text, about)
        room_us = price_of(context, said).later_us - price_of(context, Say("lobby", TEXT, text)).later_us
        assert room_us == price_of(context, told).later_us - price_of(context, Tell("alice", TEXT, text)).later_us
        return room_us

    assert surcharge_us(REACTION, "\u2665") == 0.0
    assert surcharge_us(EDIT, "hello") == surcharge_us(EDIT, "x" * TEXT_BYTES_MAX) == REPLACE_US
    assert surcharge_us(REDACTION, "") == REPLACE_US >= WRITE_KIB_US * TEXT_BYTES_MAX / 1024


def test_a_message_is_paid_by_its_length_and_by_the_datagrams_that_it_makes() -> None:
    rig = Rig()
    context = RequestContext(rig.now, rig.chat, rig.device("alice", "lobby"))
    rig.device("bob", "lobby")

    def price_us(request: Say | Tell) -> float:
        return price_of(context, request).later_us

    longest, written_us = "\u00e4" * (TEXT_BYTES_MAX // 2), WRITE_KIB_US * TEXT_BYTES_MAX / 1024
    of_two_us = 2 * FOLLOWER_US * (TEXT_BYTES_MAX // FRAGMENT_BYTES)
    for short, long in (
        (Say("lobby", TEXT, ""), Say("lobby", TEXT, longest)),
        (Tell("bob", TEXT, ""), Tell("bob", TEXT, longest)),
    ):
        assert price_us(long) - price_us(short) == written_us + of_two_us
    assert price_us(Tell("alice", TEXT, longest)) - price_us(Tell("alice", TEXT, "")) == written_us + of_two_us / 2
    assert price_us(Tell("nobody", TEXT, longest)) - price_us(Tell("nobody", TEXT, "")) == written_us
    assert price_us(Say("lobby", 9, "", Extra(None, longest.encode()))) == price_us(Say("lobby", TEXT, longest))


def test_an_edit_or_a_redaction_keeps_no_data() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    done(rig, alice, Say("lobby", TEXT, "hello", Extra(bytes(8), b"data")))
    for kind in (EDIT, REDACTION):
        done(rig, alice, Say("lobby", kind, "hi", Extra(bytes(8), b"data", 1)))
    entries = [rig.entry("#lobby", sequence) for sequence in (1, 2, 3)]
    found = [entry.extra for entry in entries if isinstance(entry, content.Message)]
    assert found == [Extra(bytes(8), b"data"), Extra(bytes(8), b"", 1), Extra(bytes(8), b"", 1)]


def test_a_message_of_the_largest_size_is_kept_and_a_byte_more_is_not() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    text = "\u00e4" * (TEXT_BYTES_MAX // 2)
    assert done(rig, alice, Say("lobby", 1, text)) == Stored("#lobby", 1)
    assert why_not(rig, alice, Say("lobby", 1, "x" + text)) == "too_long"
    assert rig.texts("#lobby") == [text]


@pytest.mark.parametrize("text", ["\n", "\r\n\n"])
def test_a_message_of_nothing_is_no_message(text: str) -> None:
    rig = Rig()
    assert why_not(rig, rig.device("alice"), Say("lobby", 0, text)) == "empty"


def test_a_room_that_cannot_be_named_is_refused() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    assert why_not(rig, alice, Say("no room", 0, "x")) == "bad_room"


# --- To one person ----------


def test_one_tells_oneself_something() -> None:
    rig = Rig()
    alice = rig.device("alice")
    log = conversation_log(alice.key, alice.key)
    assert done(rig, alice, Tell("Alice", 0, "milk")) == Stored(log, 1)
    assert rig.texts(log) == ["milk"] and rig.chat.commits.durable.conversations(alice.key) == {log: alice.key}


def test_nobody_is_told_anything_under_a_nick_that_nobody_ever_had() -> None:
    rig = Rig()
    assert why_not(rig, rig.device("alice"), Tell("nobody", 0, "hi")) == "no_such_nick"


def test_who_goes_by_another_nick_now_is_here_and_gets_what_is_told_to_the_old_one() -> None:
    rig = Rig()
    alice, bob = rig.device("alice"), rig.device("bob")
    done(rig, bob, Rename("robert"))
    log = conversation_log(alice.key, bob.key)
    assert done(rig, alice, Tell("bob", 0, "hi")) == Stored(log, 1, Here())
    assert done(rig, alice, Tell("robert", 0, "hi")) == Stored(log, 2, Here())


def test_a_person_is_away_while_all_devices_are() -> None:
    rig = Rig()
    alice, bob = rig.device("alice"), rig.device("bob")
    other = rig.device("bob", key=bob.key)
    log = conversation_log(alice.key, bob.key)
    assert done(rig, bob, SetAway("lunch")) == Done()
    assert done(rig, alice, Tell("bob", 0, "hi")) == Stored(log, 1, Here())
    rig.leave(other)
    assert done(rig, alice, Tell("bob", 0, "hi")) == Stored(log, 2, Away("lunch"))
    done(rig, bob, SetAway(None))
    assert done(rig, alice, Tell("bob", 0, "hi")) == Stored(log, 3, Here())
    assert why_not(rig, bob, SetAway("\u00e4" * 101)) == "too_long"


def test_a_person_has_so_many_conversations() -> None:
    rig = Rig()
    alice, bob = rig.device("alice"), rig.device("bob")
    for number in range(CONVERSATIONS_PER_KEY_MAX):
        name, keys = f"@{number}", (number.to_bytes(32, "big"), bob.key)
        rig.chat.commits.durable.apply(DIRECTORY_LOG, 2 + number, encode(ConversationRecord(name, keys)))
    rig.chat.commits.durable.unpin_heads(())
    assert why_not(rig, alice, Tell("bob", 0, "hi")) == "too_many_conversations"
    assert isinstance(done(rig, bob, Tell("alice", 0, "hi")), Stored)


# --- Nicks ----------


def test_a_rename_keeps_the_old_nick_for_its_key_and_shows_in_all_its_rooms() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "lobby", "den"), rig.device("bob", "lobby")
    assert done(rig, alice, Rename("carol")) == Done() and alice.nick == "carol"
    assert device_counts(rig.chat.rooms["lobby"].roster) == {"carol": 1, "bob": 1}
    assert device_counts(rig.chat.rooms["den"].roster) == {"carol": 1}
    for nick in ("alice", "CAROL", "a1ice"):
        assert why_not(rig, bob, Rename(nick)) == "nick_taken"
    counter = rig.ask(alice, Rename("alice"))  # one's own: nothing is to be written
    assert rig.result(alice, counter) == Done() and rig.server.drain_writes() == []
    assert Rig(rig.log).chat.commits.durable.claims.owner("carol") == Claim("carol", alice.key, 100_000)


def test_a_rename_to_a_bad_nick_or_to_one_too_many_is_refused() -> None:
    rig = Rig()
    alice = rig.device("alice")
    assert why_not(rig, alice, Rename("no nick")) == "bad_nick"
    for number in range(NICKS_PER_KEY_MAX - 1):
        done(rig, alice, Rename(f"nick{number}"))
    assert why_not(rig, alice, Rename("more")) == "too_many_nicks"
    assert done(rig, alice, Rename("alice")) == Done()


def test_a_rename_of_one_device_leaves_the_other_as_it_was() -> None:
    rig = Rig()
    one = rig.device("alice", "lobby")
    two = rig.device("alice", "lobby", key=one.key)
    done(rig, one, Rename("carol"))
    assert (one.nick, two.nick) == ("carol", "alice")
    assert device_counts(rig.chat.rooms["lobby"].roster) == {"carol": 1, "alice": 1}
    rig.leave(one)
    rig.leave(two)
    assert "lobby" not in rig.chat.rooms


# --- Who is where ----------


def test_two_thousand_names_come_in_order_page_by_page() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    names = [f"\u00e4peer-with-a-long-name-{number:04}" for number in range(2_000)]
    for name in names:
        rig.chat.rooms["lobby"].roster.join(rig.now, name, b"u" * 8)
    found: list[str] = []
    pages, more = 0, True
    while more:
        page = done(rig, alice, ListMembers("lobby", found[-1] if found else ""))
        assert isinstance(page, MemberPage) and 0 < sum(len(encode(item)) for item in page.items) <= PAGE_BYTES_MAX
        found, more, pages = found + [item.nick for item in page.items], page.more, pages + 1
    assert found == sorted(["alice", *names]) and pages <= 100


def test_rooms_are_those_with_members_or_something_said() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    done(rig, alice, Say("attic", 0, "x"))
    assert done(rig, alice, ListRooms("")) == Page(["attic", "lobby"], False)
    assert done(rig, alice, ListRooms("attic")) == Page(["lobby"], False)


def test_parting_from_a_room_where_one_is_not_is_done() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    assert done(rig, alice, Part("lobby")) == done(rig, alice, Part("lobby")) == Done()
    assert not alice.rooms and not rig.chat.rooms


def test_a_person_is_described_with_all_devices_and_rooms() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "lobby", "den"), rig.device("bob", "lobby")
    rig.device("alice", "attic", key=alice.key)
    rig.now += 30
    person = done(rig, bob, Whois("ALICE"))
    assert isinstance(person, Person) and person.nick == "alice" and person.presence == Here()
    assert person.rooms == ["attic", "den", "lobby"] and person.idle_s == 30
    assert why_not(rig, bob, Whois("nobody")) == "no_such_nick"


def test_a_nick_that_nobody_goes_by_at_the_moment_is_not_here() -> None:
    rig = Rig()
    alice, bob = rig.device("alice"), rig.device("bob")
    done(rig, alice, Rename("carol"))
    old, new = done(rig, bob, Whois("alice")), done(rig, bob, Whois("carol"))
    assert isinstance(old, Person) and isinstance(new, Person)
    assert (old.presence, new.presence) == (Absent(), Here()) and old.fingerprint == new.fingerprint
    done(rig, alice, Rename("CAR0L"))  # looks like carol, and is
    spelled = done(rig, bob, Whois("carol"))
    assert isinstance(spelled, Person) and spelled.presence == Here()


def test_a_topic_is_set_by_who_is_in_the_room() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "lobby"), rig.device("bob")
    tea = TopicRecord("lobby", "tea", "alice")
    assert done(rig, alice, SetTopic("lobby", "tea")) == Done() and rig.chat.commits.durable.topic("lobby") == tea
    assert why_not(rig, bob, SetTopic("lobby", "coffee")) == "not_in_room"
    assert why_not(rig, alice, SetTopic("lobby", "\u00e4" * (TOPIC_BYTES_MAX // 2 + 1))) == "too_long"
    rig.leave(alice)
    assert Rig(rig.log).chat.commits.durable.topic("lobby") == tea
    assert done(rig, bob, GetTopic("lobby")) == content.TopicSet("tea", "alice")
    rig.follow(bob, "#lobby")
    assert done(rig, bob, SetTopic("lobby", "")) == Done() == done(rig, bob, GetTopic("lobby"))
    assert Rig(rig.log).chat.commits.durable.topic("lobby") is None


# --- Who has a message ----------


def own(peer: Peer, counter: int = 1, log: str = "#lobby", sequence: int = 1) -> ListHolders:
    """Who has what this device said with this request?"""
    return ListHolders(log, sequence, message_id(peer.author.instance, counter))


def hold(rig: Rig, log: str, sequence: int, *peers: Peer) -> None:
    """These devices acknowledge a log up to here."""
    for peer in peers:
        peer.downlink.subscriptions[log].on_cursor(Cursor(log, rig.log.extent(log).generation, sequence, []))


def test_an_author_is_told_who_has_a_message_by_what_one_of_their_devices_holds() -> None:
    rig = Rig()
    alice, bob, carol, dave = (rig.device(nick, "lobby") for nick in ("alice", "bob", "carol", "dave"))
    phone, _ = rig.device("alice", "lobby", key=alice.key), rig.device("bob", "lobby", key=bob.key)
    done(rig, alice, Say("lobby", 0, "hi"))
    hold(rig, "#lobby", 0, carol, dave)
    hold(rig, "#lobby", 1, phone, bob)
    assert done(rig, alice, own(alice)) == done(rig, phone, own(alice)) == Holders(["bob"], ["carol", "dave"])
    hold(rig, "#lobby", 1, dave)
    rig.leave(carol)
    assert done(rig, alice, own(alice)) == Holders(["bob", "dave"], [])


def test_an_author_is_told_whether_the_other_of_a_conversation_has_a_message_while_they_are_there() -> None:
    rig = Rig()
    alice, bob = rig.device("alice"), rig.device("bob")
    done(rig, alice, Tell("bob", 0, "psst"))
    log = conversation_log(alice.key, bob.key)
    assert done(rig, alice, own(alice, log=log)) == Holders([], ["bob"])
    hold(rig, log, 1, bob)
    assert done(rig, alice, own(alice, log=log)) == Holders(["bob"], [])
    rig.leave(bob)
    assert done(rig, alice, own(alice, log=log)) == Holders([], [])


def test_who_has_a_message_is_told_to_its_author_only_of_a_log_that_they_follow() -> None:
    rig = Rig()
    alice, bob, carol = rig.device("alice", "lobby"), rig.device("bob", "lobby"), rig.device("carol")
    done(rig, alice, Say("lobby", 0, "hi"))
    done(rig, alice, Tell("bob", 0, "psst"))
    private = own(alice, 2, conversation_log(alice.key, bob.key))
    assert done(rig, bob, own(alice)) == done(rig, bob, private) == Failed("not_allowed.author")
    assert why_not(rig, carol, own(alice)) == "not_in_room" and why_not(rig, carol, private) == "not_allowed"
    for log in ("%lobby", "~", "lobby", "!directory"):
        assert why_not(rig, alice, own(alice, log=log)) == "bad_log"


def test_who_has_what_is_not_that_message_is_not_told() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    done(rig, alice, Say("lobby", 0, "hi"))
    said = message_id(alice.author.instance, 1)
    for request in (own(alice, 2), own(alice, sequence=2), own(alice, sequence=2**53)):
        assert why_not(rig, alice, request) == "no_such_message"
    done(rig, alice, Say("lobby", REDACTION, "", Extra(said, b"", 1)))
    assert why_not(rig, alice, own(alice)) == "no_such_message"


def test_who_has_a_message_is_not_told_of_a_crowd_nor_faster_than_its_rate_but_of_what_is_not_in_memory_too() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    for number in range(RECENT_ENTRIES_MAX + 1):
        done(rig, alice, Say("lobby", 0, str(number)))
    others = sorted(rig.device(f"peer{number}", "lobby").nick or "" for number in range(NOTICED_PEERS_MAX - 1))
    for _ in range(int(NOTICES_BURST)):
        assert done(rig, alice, own(alice)) == Holders([], others)
    assert why_not(rig, alice, own(alice)) == "too_fast"
    rig.now += 1.0
    rig.device("another", "lobby")
    assert done(rig, alice, own(alice)) == Failed("too_many_followers", (str(NOTICED_PEERS_MAX),))


def test_the_widest_nicks_of_as_many_as_are_listed_fit_the_answer_that_has_room() -> None:
    nicks = ["\U0001f600" * NICK_CHARACTERS_MAX] * NOTICED_PEERS_MAX
    assert len(encode(Holders(nicks, []))) < PAST_BYTES_MAX


# --- The past ----------


def test_the_past_of_a_room_is_for_all_and_of_a_conversation_for_the_two() -> None:
    rig = Rig()
    alice, bob, carol = rig.device("alice"), rig.device("bob"), rig.device("carol")
    done(rig, alice, Tell("bob", 0, "secret word"))
    done(rig, alice, Say("lobby", 0, "open word"))
    log = conversation_log(alice.key, bob.key)
    assert why_not(rig, carol, GetHistory(log, None, None, 9)) == "not_allowed"
    assert why_not(rig, carol, GetHistory("!directory", None, None, 9)) == "bad_log"
    assert why_not(rig, carol, Search("word", None, log, 0)) == "not_allowed"
    for peer, logs in ((bob, {log, "#lobby"}), (carol, {"#lobby"})):
        found = done(rig, peer, Search("word", None, None, 0))
        assert isinstance(found, EntryList) and {item.log for item in found.items} == logs
    past = done(rig, bob, GetHistory(log, None, None, 9))
    assert isinstance(past, EntryList) and [item.sequence for item in past.items] == [1]


@pytest.mark.parametrize("request_of", [ListMembers, GetTopic, Part, SetTopic, Say])
def test_a_log_in_the_place_of_a_room_is_refused(request_of: type[RequestBody]) -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    more = {ListMembers: ("",), SetTopic: ("tea",), Say: (0, "hi")}.get(request_of, ())
    assert why_not(rig, alice, request_of("#lobby", *more)) == "bad_room"  # type: ignore[call-arg]


@pytest.mark.parametrize("log", ["lobby", "%lobby", "!directory"])
def test_what_is_no_readable_log_in_the_place_of_a_log_is_refused(log: str) -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    assert why_not(rig, alice, GetHistory(log, None, None, 9)) == "bad_log"
    assert why_not(rig, alice, Search("hi", None, log, 0)) == "bad_log"


def test_a_request_that_cannot_be_read_fails() -> None:
    rig = Rig()
    assert why_not(rig, rig.device("alice"), Malformed()) == "malformed"


def test_a_message_of_an_unknown_kind_may_have_no_text_and_its_data_counts_towards_its_size() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    assert isinstance(done(rig, alice, Say("lobby", 200, "")), Stored)
    full = Extra(None, b"x" * (TEXT_BYTES_MAX - 2))
    assert isinstance(done(rig, alice, Say("lobby", 200, "hi", full)), Stored)
    assert why_not(rig, alice, Say("lobby", 200, "hi!", full)) == "too_long"
    assert why_not(rig, alice, Say("lobby", content.TEXT, "", full)) == "empty"
