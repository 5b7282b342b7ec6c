"""The token buckets of sources."""

from udpchat.session.rate_limit import Rate, TokenBuckets, source_of

HOST = "10.0.0.1"


def sources() -> TokenBuckets[str]:
    """Three at once, two a second, four hosts."""
    return TokenBuckets(Rate(3, 2.0), holders_max=4)


def test_a_burst_is_taken_and_then_the_rate() -> None:
    limit = sources()
    assert [limit.take(0.0, HOST) for _ in range(4)] == [True, True, True, False]
    assert not limit.take(0.4, HOST)
    assert limit.take(0.5, HOST)
    assert not limit.take(0.6, HOST)


def test_one_host_does_not_spend_anothers_tokens() -> None:
    limit = sources()
    for _ in range(10):
        limit.take(0.0, HOST)
    assert limit.take(0.0, "10.0.0.2")


def test_what_was_taken_comes_back_and_who_only_asks_gets_no_bucket() -> None:
    limit = sources()
    limit.take(0.0, HOST)
    limit.take(0.0, HOST)
    assert [limit.taken(at, HOST) for at in (0.0, 0.5, 1.0, 9.0)] == [2.0, 1.0, 0.0, 0.0]
    assert limit.taken(0.0, "10.0.0.2") == 0.0 and len(limit) == 1


def test_rest_fills_a_bucket_to_the_burst_only() -> None:
    limit = sources()
    limit.take(0.0, HOST)
    assert [limit.take(100.0, HOST) for _ in range(4)] == [True, True, True, False]


def test_the_table_is_bounded_and_the_least_recent_goes() -> None:
    limit = sources()
    for _ in range(3):
        limit.take(0.0, HOST)
    for number in range(10):
        limit.take(1e-6 * number, f"10.0.1.{number}")
        assert not limit.take(1e-6 * (number + 0.5), HOST)  # kept: it was used since
    assert len(limit) == 4


def test_full_buckets_are_forgotten_when_others_come() -> None:
    limit = sources()
    limit.take(0.0, HOST)
    limit.take(1.0, "10.0.0.2")
    limit.take(1.4, "10.0.0.3")
    assert len(limit) == 2, "one takes half a second to be full"
    limit.take(9.0, "10.0.0.4")
    assert len(limit) == 1


def test_a_source_is_an_ipv4_address_or_the_slash_64_of_an_ipv6_address() -> None:
    assert source_of("10.1.2.3") == "10.1.2.3" == source_of("::ffff:10.1.2.3")
    assert source_of("2001:db8:1:2::1") == source_of("2001:db8:1:2:ffff::9") == "2001:db8:1:2::"
    assert source_of("2001:db8:1:3::1") != source_of("2001:db8:1:2::1")


def test_a_link_local_source_is_that_of_its_interface() -> None:
    assert source_of("fe80::1%eth0") == source_of("fe80::2%eth0") == "fe80::%eth0" != source_of("fe80::1%eth1")
