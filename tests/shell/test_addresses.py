from __future__ import annotations

import pytest

from udpchat.shell.addresses import BadAddress, ServerAddress, parse_server
from udpchat.ui.phrases import text_of

FINGERPRINT = "abcdefghijklmnopqrstuvwxyz234567"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("chat.example", ServerAddress("chat.example", 47747)),
        ("Chat.Example:5", ServerAddress("chat.example", 5)),
        ("192.0.2.1:5", ServerAddress("192.0.2.1", 5)),
        ("udpchat://192.0.2.1", ServerAddress("192.0.2.1", 47747)),
        ("UDPCHAT://host:5/", ServerAddress("host", 5)),
        (f"udpchat://host:5#{FINGERPRINT}", ServerAddress("host", 5, FINGERPRINT)),
        (f"host#{FINGERPRINT.upper()}", ServerAddress("host", 47747, FINGERPRINT)),
        ("::1", ServerAddress("::1", 47747)),
        ("[::1]", ServerAddress("::1", 47747)),
        (f"[2001:DB8::1]:5#{FINGERPRINT}", ServerAddress("2001:db8::1", 5, FINGERPRINT)),
        (f"::1#{FINGERPRINT}", ServerAddress("::1", 47747, FINGERPRINT)),
        ("[fe80::1%Eth0]:5", ServerAddress("fe80::1%Eth0", 5)),
        (" host ", ServerAddress("host")),
        ("büro.local", ServerAddress("büro.local")),
    ],
)
def test_an_address_can_be_written_in_all_usual_ways(text: str, address: ServerAddress) -> None:
    assert parse_server(text) == address
    assert parse_server(address.url) == ServerAddress(address.host, address.port)
    assert parse_server(address.name) == ServerAddress(address.host, address.port)


@pytest.mark.parametrize(
    "text",
    ["", "udpchat://", "host:", "host:0", "host:65536", "host:x", "a b", "host#", "host#short", "[host]:5", "[::1",
     "::1]", "http://host", "host:1:2", "a\nb", "[]:5", f"host#{FINGERPRINT}0", "host:٣"],
)  # fmt: skip
def test_what_is_no_address_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadAddress) as refused:
        parse_server(text)
    assert "\n" not in text_of(refused.value.phrase)


def test_an_ipv6_address_has_brackets_in_its_name() -> None:
    assert ServerAddress("::1", 5).name == "[::1]:5"
    assert ServerAddress("::1", 5, FINGERPRINT).url == "udpchat://[::1]:5"
