"""A room's roster: devices counted, changes batched, and as many told at once as may happen at once."""

from __future__ import annotations

from tests.server.rig import Rig, device_counts, published
from udpchat.server.credit import Ledger
from udpchat.server.fanout import Fanout
from udpchat.server.roster import BATCH_S_MAX, KEPT_ENTRIES_MAX, PRESENCE_DELAY_S, Roster
from udpchat.wire.content import AwaySet, Entry, Joined, Left, Reason, Renamed, TopicSet
from udpchat.wire.frames import Ack, Cursor, Entries, parse_down_untrusted

USER = b"u" * 8


def users(count: int) -> list[bytes]:
    return [number.to_bytes(8, "big") for number in range(count)]


def test_the_first_device_to_come_and_the_last_to_go_are_news() -> None:
    rig = Rig()
    watcher = rig.device("watcher", "lobby")
    one = rig.device("alice", "lobby")
    two = rig.device("alice", "lobby", key=one.key)
    assert device_counts(rig.chat.rooms["lobby"].roster) == {"watcher": 1, "alice": 2}
    rig.leave(one)
    assert rig.roster("lobby") == [Joined("watcher", watcher.author.user), Joined("alice", one.author.user)]
    rig.leave(two, Reason.TIMED_OUT)
    assert rig.roster("lobby")[2:] == [Left("alice", one.author.user, "timed out")]
    assert device_counts(rig.chat.rooms["lobby"].roster) == {"watcher": 1}


def test_a_device_that_is_renamed_while_another_keeps_the_nick_is_one_more_member() -> None:
    roster = Roster("lobby", generation=1)
    for nick in ("alice", "alice", "alice"):
        roster.join(0.0, nick, USER)
    roster.rename(0.0, "alice", "bob", USER)
    roster.rename(0.0, "alice", "bob", USER)
    roster.flush(0.0, Fanout(Ledger()))
    assert published(roster) == [Joined("alice", USER), Joined("bob", USER)]
    roster.rename(1.0, "alice", "bob", USER)
    roster.flush(1.0, Fanout(Ledger()))
    assert published(roster)[2:] == [Renamed("alice", "bob", USER)]


def test_devices_are_counted_through_renames() -> None:
    roster = Roster("lobby", generation=1)
    roster.join(0.0, "alice", USER)
    roster.join(0.0, "alice", USER)
    roster.rename(0.0, "alice", "bob", USER)
    assert device_counts(roster) == {"alice": 1, "bob": 1}
    roster.rename(0.0, "alice", "bob", USER)
    assert device_counts(roster) == {"bob": 2}
    roster.leave(0.0, "bob", USER, Reason.QUIT)
    roster.leave(0.0, "bob", USER, Reason.QUIT)
    assert device_counts(roster) == {}


def test_changes_wait_for_one_another_the_longer_the_larger_the_room() -> None:
    roster = Roster("lobby", generation=1)
    roster.join(10.0, "alice", USER)
    assert roster.flush_at is not None and 10.0 < roster.flush_at <= 10.01
    first = roster.flush_at
    roster.join(10.005, "bob", USER)
    assert roster.flush_at == first and roster.stream.head == 0
    roster.flush(first, Fanout(Ledger()))
    assert roster.flush_at is None and roster.stream.head == 2
    for number, user in enumerate(users(2_000)):
        roster.join(20.0, f"peer{number}", user)
    roster.flush(20.0, Fanout(Ledger()))
    roster.set_topic(30.0, "tea", "alice")
    assert roster.flush_at == 30.0 + BATCH_S_MAX


def test_a_crowd_that_comes_and_goes_at_once_is_told_to_who_stays() -> None:
    """More changes in one batch than a stream keeps in memory, and than the roster keeps at all."""
    for count in (600, KEPT_ENTRIES_MAX + 600):
        roster = Roster("lobby", generation=1)
        fanout, peer = Fanout(Ledger()), Rig().stranger()
        downlink = peer.downlink
        fanout.follow(0.0, peer, roster.stream)
        downlink.receive_ack(0.0, Ack(None, [Cursor(roster.stream.log, 1, 0, [])]), packets_sent=1)
        for number, user in enumerate(users(count)):
            roster.join(0.0, f"peer{number}", user)
        roster.flush(0.1, fanout)
        assert roster.stream.head == count and roster.stream.base == max(0, count - KEPT_ENTRIES_MAX)
        frames = [frame for packet in downlink.drain_packets(0.1) for frame in parse_down_untrusted(packet.body)]
        assert any(isinstance(frame, Entries) for frame in frames)


def test_a_crowd_that_is_lost_at_once_does_not_stop_the_server() -> None:
    rig = Rig()
    stays = rig.device("stays", "lobby")
    for number in range(700):
        rig.device(f"peer{number}", "lobby")
    rig.roster("lobby")
    rig.now = rig.server.next_timeout() or 0.0
    stays.session.heard_s = rig.now + 60.0
    rig.stay_awake(rig.now + 60.0)
    rig.handle_timeouts()
    rig.now += BATCH_S_MAX
    rig.handle_timeouts()
    assert device_counts(rig.chat.rooms["lobby"].roster) == {"stays": 1}
    assert rig.chat.rooms["lobby"].roster.stream.head == 1401


def test_topics_and_renames_are_entries_like_any_other() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    rig.chat.rooms.change_topic(rig.now, "lobby", "tea", "alice")
    rig.chat.rooms.rename(rig.now, alice, "carol")
    told = [Joined("alice", alice.author.user), TopicSet("tea", "alice"), Renamed("alice", "carol", alice.author.user)]
    assert rig.roster("lobby") == told


def test_a_member_is_away_once_all_devices_of_its_nick_are_and_back_with_the_first() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    user = alice.author.user
    told = [Joined("alice", user)]

    def announces(*entries: Entry) -> bool:
        told.extend(entries)
        return rig.roster("lobby") == told

    rig.chat.rooms.set_away(rig.now, alice, "lunch")
    assert announces(AwaySet("alice", user, "lunch"))
    phone = rig.device("alice", "lobby", key=alice.key)
    assert announces(AwaySet("alice", user, None))
    rig.chat.rooms.set_away(rig.now, phone, "a walk")
    assert announces(AwaySet("alice", user, "lunch"))
    rig.chat.rooms.set_away(rig.now, alice, None)
    assert announces(AwaySet("alice", user, None))
    rig.leave(alice)
    assert announces(AwaySet("alice", user, "a walk"))
    rig.chat.rooms.rename(rig.now, phone, "ada")
    assert announces(Renamed("alice", "ada", user), AwaySet("ada", user, "a walk"))


def test_who_is_away_and_back_all_the_time_is_announced_once_a_second_as_what_it_is_then() -> None:
    roster = Roster("lobby", generation=1)
    roster.join(0.0, "alice", USER)
    roster.flush(0.0, Fanout(Ledger()))
    for former, reason in [(None, "lunch"), ("lunch", None)] * 1_000 + [(None, "tea")]:
        roster.set_away(1.0, "alice", former, reason)
    assert roster.flush_at == 1.0 + PRESENCE_DELAY_S and roster.head == 1
    assert roster.member("alice").away is None  # as of the head
    roster.flush(2.0, Fanout(Ledger()))
    roster.set_away(2.0, "alice", "tea", None)
    roster.set_away(2.0, "alice", None, "tea")
    roster.flush(3.0, Fanout(Ledger()))
    assert published(roster)[1:] == [AwaySet("alice", USER, "tea")] and roster.member("alice").away == "tea"


def test_a_list_of_members_is_as_of_the_last_change_also_if_it_is_not_published_yet() -> None:
    roster = Roster("lobby", generation=1)
    for nick in ("alice", "bob"):
        roster.join(0.0, nick, USER)
    assert roster.head == 2 and roster.stream.head == 0
    roster.flush(1.0, Fanout(Ledger()))
    assert roster.head == roster.stream.head == 2
