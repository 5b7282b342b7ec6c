"""Pages over HTTP from a thread: right answers, and bounds that hold whoever asks."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from threading import active_count

import pytest

from udpchat.shell import http_pages
from udpchat.shell.http_pages import CONNECTIONS_MAX, PLAIN, REQUEST_BYTES_MAX, HttpPage, HttpPages, open_http_socket
from udpchat.shell.net.endpoint import EndpointError

LIMIT_S = 20.0


async def hello() -> HttpPage:
    return HttpPage(HTTPStatus.OK, PLAIN, b"hello\n")


async def unwell() -> HttpPage:
    return HttpPage(HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, b"unwell\n")


@contextmanager
def serving_at(host: str = "127.0.0.1") -> Iterator[int]:
    """The port at which two pages are served."""
    listening = open_http_socket(host, 0)
    port = listening.getsockname()[1]
    pages = HttpPages(listening, {"/hello": hello, "/unwell": unwell})
    pages.start()
    yield port
    pages.close()


@pytest.fixture
def port() -> Iterator[int]:
    with serving_at() as found:
        yield found


def get(port: int, path: str, *, method: str = "GET", host: str = "127.0.0.1") -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection(host, port, timeout=LIMIT_S)
    connection.request(method, path)
    answer = connection.getresponse()
    found = answer.status, str(answer.getheader("Content-Type")), answer.read()
    connection.close()
    return found


def sent(port: int, data: bytes) -> bytes:
    """All that is answered to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as made:
        made.sendall(data)
        answer = b""
        while more := made.recv(65_536):
            answer += more
    return answer


def test_a_page_is_given_with_its_status_and_type(port: int) -> None:
    assert get(port, "/hello") == (200, PLAIN, b"hello\n")
    assert get(port, "/hello?x=1") == (200, PLAIN, b"hello\n")
    assert get(port, "/unwell") == (503, PLAIN, b"unwell\n")
    assert get(port, "/hello", method="HEAD") == (200, PLAIN, b"")


def test_what_is_not_there_or_no_request_is_refused(port: int) -> None:
    assert get(port, "/nothing") == (404, PLAIN, b"there are /hello, /unwell\n")
    assert get(port, "/hello", method="POST")[0] == 405
    for wrong in (b"\r\n\r\n", b"GET /hello\r\n\r\n", b"GET /hello SSH/2\r\n\r\n", b"\xff\x00 \xfe x\r\n\r\n"):
        assert sent(port, wrong).startswith(b"HTTP/1.1 400 "), wrong
    assert sent(port, b"GET /" + b"a" * (2 * REQUEST_BYTES_MAX)).startswith(b"HTTP/1.1 431 ")


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
@pytest.mark.parametrize("host", ["::1", "::"])
def test_it_listens_on_ipv6_too_and_at_all_addresses_on_both(host: str) -> None:
    try:
        open_http_socket("::1", 0).close()
    except EndpointError as error:
        pytest.skip(f"no IPv6 on this machine: {error}")
    with serving_at(host) as port:
        assert get(port, "/hello", host="::1")[0] == 200
        if host == "::":
            assert get(port, "/hello", host="127.0.0.1")[0] == 200


def test_a_port_in_use_and_an_address_of_another_machine_are_one_line_each(port: int) -> None:
    for place, reason in ((("127.0.0.1", port), "is in use"), (("192.0.2.1", 0), "not an address of this machine")):
        with pytest.raises(EndpointError, match=reason) as raised:
            open_http_socket(*place)
        assert "--metrics" in str(raised.value) and "\n" not in str(raised.value)


def test_who_sends_nothing_is_let_go_after_a_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_pages, "REQUEST_S_MAX", 0.2)
    began = time.monotonic()
    assert sent(port, b"GET /hel") == b""
    assert 0.1 < time.monotonic() - began < LIMIT_S / 2


def test_who_sends_a_byte_now_and_then_gets_no_more_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_pages, "REQUEST_S_MAX", 0.3)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as slow,
        pytest.raises(OSError, match=r"reset|[Bb]roken|abort"),
    ):
        for _ in range(200):
            slow.sendall(b"x")
            time.sleep(0.05)  # the pace of the attack


def test_many_who_never_ask_keep_nobody_out_and_make_no_threads(port: int) -> None:
    """Each is a connection that the others have to make way for: the oldest goes."""
    threads = active_count()
    with ExitStack() as held:
        idle = []
        for _ in range(3 * CONNECTIONS_MAX):
            made = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S))
            idle.append(made)
        assert get(port, "/hello")[0] == 200
        assert active_count() == threads
        assert idle[0].recv(1) == b""  # let go, as the oldest
        idle[-1].sendall(b"GET /hello HTTP/1.1\r\n\r\n")  # the newest is still served
        assert idle[-1].recv(12) == b"HTTP/1.1 200"


def test_it_ends_at_once_with_clients_that_wait() -> None:
    listening = open_http_socket("127.0.0.1", 0)
    pages = HttpPages(listening, {"/hello": hello})
    pages.start()
    with socket.create_connection(listening.getsockname(), timeout=LIMIT_S) as waiting:
        assert get(listening.getsockname()[1], "/hello")[0] == 200  # and so the one before is accepted
        began = time.monotonic()
        pages.close()
        pages.close()
        assert time.monotonic() - began < 1.0
        assert waiting.recv(1) == b""


def test_what_was_never_started_can_be_closed() -> None:
    listening = open_http_socket("127.0.0.1", 0)
    HttpPages(listening, {}).close()
    assert listening.fileno() < 0
