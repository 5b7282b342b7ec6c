from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import udpchat
from udpchat.chat.names import BadName, parse_nick, parse_room
from udpchat.chat.phrase import Phrase
from udpchat.chat.refusals import REFUSALS, detail_of, refusal
from udpchat.wire.frames import EnterRefused, encode

SERVER = Path(udpchat.__file__).parent / "server"
REFUSING = {"Failed": 0, "EnterRefused": 0, "FollowRefused": 1, "Reject": 1, "_failed": 1}  # where the code stands


def sent() -> Iterator[tuple[str, str, int]]:
    """(place, code, number of values) of each refusal that the server's sources write out."""
    for path in SERVER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSING:
                code, *detail = node.args[REFUSING[node.func.id] :]
                if isinstance(code, ast.Constant):
                    values = detail[0].elts if detail and isinstance(detail[0], ast.Tuple) else []
                    yield f"{path.name}:{node.lineno}", str(code.value), len(values)


def test_what_the_server_refuses_with_is_in_the_table_with_as_many_values() -> None:
    found = list(sent())
    assert len(found) > 15
    assert [place for place, code, count in found if code not in REFUSALS or len(REFUSALS[code]) != count] == []


@pytest.mark.parametrize("key", REFUSALS)
def test_a_refusal_is_received_as_it_was_made(key: str) -> None:
    phrase = Phrase(key, {name: f"a {name}" for name in REFUSALS[key]})
    assert refusal(key, detail_of(phrase)) == phrase
    encode(EnterRefused(key, detail_of(phrase)))


@pytest.mark.parametrize("name", ["", "a b", "a\x00", "x" * 33, "x" * 1_000, "-x", "admin", "\u0301x", "a!"])
def test_each_bad_name_can_be_sent(name: str) -> None:
    for parse in (parse_nick, parse_room):
        if name == "admin" and parse is parse_room:
            continue
        with pytest.raises(BadName) as caught:
            parse(name)
        phrase = caught.value.phrase
        received = refusal(phrase.key, detail_of(phrase))
        assert received == Phrase(phrase.key, {key: str(value) for key, value in phrase.values.items()})


@pytest.mark.parametrize("detail", [(), ("one", "two")])
def test_a_refusal_of_another_version_keeps_its_key_and_its_values(detail: tuple[str, ...]) -> None:
    for key in ("of_later", "no_such_nick.later", "no_such_nick", "bad_nick.space.x"):
        received = refusal(key, detail)
        assert received == Phrase(f"{key}.of_later", {"key": key, "detail": ", ".join(detail)})
        assert received.code == key.partition(".")[0]
