"""Cookies: bound to address, key and time."""

from random import Random

from udpchat.session.cookie import CookieJar
from udpchat.wire.limits import COOKIE_BYTES, COOKIE_LIFETIME_S, COOKIE_SECRET_LIFETIME_S
from udpchat.wire.packets import NO_COOKIE, Address

HERE = ("192.168.1.7", 5000)
KEY = bytes(range(32))


def jar(seed: int = 1) -> CookieJar:
    """A jar with secrets of its own."""
    return CookieJar(Random(seed).randbytes)


def test_a_cookie_is_good_for_its_address_and_key() -> None:
    cookies = jar()
    cookie = cookies.mint(100.0, HERE, KEY)
    assert len(cookie) == COOKIE_BYTES
    assert cookies.check(100.0, HERE, KEY, cookie)
    assert cookies.check(100.0 + COOKIE_LIFETIME_S, HERE, KEY, cookie)


def test_a_cookie_is_bad_for_any_other() -> None:
    cookies = jar()
    cookie = cookies.mint(100.0, HERE, KEY)
    assert not cookies.check(100.0, ("192.168.1.8", 5000), KEY, cookie)
    assert not cookies.check(100.0, ("192.168.1.7", 5001), KEY, cookie)
    assert not cookies.check(100.0, HERE, bytes(32), cookie)
    assert not jar(2).check(100.0, HERE, KEY, cookie)
    assert not cookies.check(100.0, HERE, KEY, NO_COOKIE)
    assert not cookies.check(100.0, HERE, KEY, b"")


def test_every_bit_of_a_cookie_counts() -> None:
    cookies = jar()
    cookie = cookies.mint(100.0, HERE, KEY)
    for bit in range(COOKIE_BYTES * 8):
        flipped = bytearray(cookie)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not cookies.check(100.0, HERE, KEY, bytes(flipped))


def test_a_stale_cookie_and_one_from_the_future_are_bad() -> None:
    cookies = jar()
    cookie = cookies.mint(100.0, HERE, KEY)
    assert not cookies.check(100.002 + COOKIE_LIFETIME_S, HERE, KEY, cookie)
    assert not cookies.check(99.0, HERE, KEY, cookie)


def test_a_cookie_outlives_one_rotation_of_the_secret() -> None:
    cookies = jar()
    cookies.mint(0.0, HERE, KEY)
    before = COOKIE_SECRET_LIFETIME_S - 1.0
    cookie = cookies.mint(before, HERE, KEY)
    assert cookies.check(before + 2.0, HERE, KEY, cookie)


def test_a_secret_dies_with_the_second_rotation() -> None:
    cookies = jar()
    cookie = cookies.mint(0.0, HERE, KEY)
    wrapped_s = 2**32 / 1000  # the time in the cookie reads as now again
    cookies.check(COOKIE_SECRET_LIFETIME_S, HERE, KEY, cookie)
    assert not cookies.check(wrapped_s, HERE, KEY, cookie)


def test_the_clock_may_wrap_while_a_cookie_lives() -> None:
    cookies = jar()
    near_wrap_s = 2**32 / 1000 - 1.0
    cookie = cookies.mint(near_wrap_s, HERE, KEY)
    assert cookies.check(near_wrap_s + 2.0, HERE, KEY, cookie)


def test_a_cookie_of_one_address_of_the_server_is_bad_at_another() -> None:
    cookies = jar()
    here = Address("192.168.1.7", 5000, "192.168.1.1")
    cookie = cookies.mint(100.0, here, KEY)
    assert cookies.check(100.0, here, KEY, cookie)
    assert not cookies.check(100.0, here._replace(local="192.168.1.2"), KEY, cookie)
    assert not cookies.check(100.0, here._replace(local=""), KEY, cookie)
