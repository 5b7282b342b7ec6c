from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple

import pytest

import udpchat
from udpchat.chat.events import notice
from udpchat.chat.phrase import Phrase
from udpchat.chat.refusals import REFUSALS, refusal
from udpchat.ui.phrases import SENTENCES, sentence, text_of

PACKAGE = Path(udpchat.__file__).parent
TEXT_FORMS = {"", "if", "a_role", "act", "until"}  # that make something of a text
MAKERS = {  # of phrases and sentences, beside the exceptions that derive from Problem: the first argument is the key
    "Phrase", "Notice", "Error", "Rejected", "Disconnected", "Reconnected", "notice", "error", "sentence",
    "told",
}  # fmt: skip
VALUES = {
    "count": 2,
    "duration": 61,
    "kept": (0, 5),
    "clauses": [],
    "list": ["x"],
    "words": ["x"],
    "until": 7,
}  # by form


class Use(NamedTuple):
    """A place that makes a phrase: the keys it may have as a pattern, the values; None where they are not written."""

    place: str
    maker: str
    pattern: str
    values: set[str] | None


@cache
def trees() -> dict[str, ast.Module]:
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in PACKAGE.rglob("*.py")
    }


@cache
def makers() -> set[str]:
    """The names of all functions and classes that make phrases."""
    found, classes = (
        set(MAKERS),
        [n for tree in trees().values() for n in ast.walk(tree) if isinstance(n, ast.ClassDef)],
    )
    problems = {"Problem"}
    while more := {c.name for c in classes for b in c.bases if ast.unparse(b) in problems} - problems:
        problems |= more
    return found | problems


def patterns_of(key: ast.expr) -> list[str]:
    """The keys that an expression may give, as patterns; none if it is a variable."""
    match key:
        case ast.Constant(value=str(text)):
            return [re.escape(text)]
        case ast.IfExp(body=body, orelse=other):
            return [*patterns_of(body), *patterns_of(other)]
        case ast.JoinedStr(values=parts):
            return ["".join(re.escape(p.value) if isinstance(p, ast.Constant) else ".*" for p in parts)]
    return []


def values_of(call: ast.Call) -> set[str] | None:
    literal = call.args[1] if len(call.args) > 1 else None
    if any(keyword.arg is None for keyword in call.keywords) or not isinstance(literal, ast.Dict | None):
        return None
    keys = literal.keys if literal else []
    return {keyword.arg or "" for keyword in call.keywords} | {ast.literal_eval(key) for key in keys if key}


@cache
def uses() -> list[Use]:
    return [
        Use(f"{name}:{node.lineno}", ast.unparse(node.func), pattern, values_of(node))
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node.args and is_maker(node.func)
        for pattern in patterns_of(node.args[0])
    ]


def is_maker(function: ast.expr) -> bool:
    match function:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="events"), attr=name):
            return name in makers()
    return False


def keys_of(use: Use) -> list[str]:
    exact = [key for key in SENTENCES if re.fullmatch(use.pattern, key)]
    return exact or [key for key in SENTENCES if key[0] == "*" and use.pattern.endswith(re.escape(key[1:]))]


def fields_of(key: str) -> Iterator[tuple[str, str]]:
    """(name, format) of each value of a sentence."""
    for _, name, form, _ in Formatter().parse(SENTENCES[key]):
        if name is not None:
            yield name, form or ""


def test_every_key_that_is_used_has_a_sentence() -> None:
    assert len(uses()) > 100
    assert [f"{use.place}: {use.pattern}" for use in uses() if not keys_of(use)] == []


def test_every_sentence_is_used() -> None:
    assert set(SENTENCES) - {key for use in uses() for key in keys_of(use)} - set(REFUSALS) == set()


def test_every_use_gives_the_values_that_its_sentence_names() -> None:
    faults = []
    for use in uses():
        for key in keys_of(use):
            missing = {name for name, _ in fields_of(key)} - (use.values or set())
            if use.values is not None and missing:
                faults.append(f"{use.place}: {key} needs {', '.join(sorted(missing))}")
    assert faults == []


CODES = {
    "NoServer": "no_server", "NoSuchHost": "no_server", "TimedOut": "timed_out", "DataUnusable": "data_unusable",
    "OperationFailed": "failed",
}  # fmt: skip


def test_what_ends_a_program_has_the_code_of_its_kind_for_programs() -> None:
    found = {(CODES[use.maker], use.pattern.split("\\.")[0]) for use in uses() if use.maker in CODES}
    assert found == {(code, code) for code in CODES.values()}


def test_every_refusal_has_a_sentence_of_the_values_that_are_sent() -> None:
    for key, names in REFUSALS.items():
        assert {name for name, _ in fields_of(key)} <= set(names)
        assert {form.partition(" ")[0] for _, form in fields_of(key)} <= TEXT_FORMS, "what is sent is text"


@pytest.mark.parametrize("key", SENTENCES)
def test_a_sentence_can_be_made_and_nothing_a_value_holds_is_a_field(key: str) -> None:
    values: dict[str, Any] = {}
    for name, form in fields_of(key):
        number = 7 if "|" in form or form in (",", "g", ".0f") else "{x}"
        values[name] = VALUES.get(form.split(" ")[0], number)
    shown = [name for name, _ in fields_of(key) if values[name] == "{x}"]
    text = sentence(key, **values)
    assert text.count("{") == text.count("{x}") == len(shown)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        (notice("ignored.none"), "you ignore nobody"),
        (notice("new", count=1_000, log="lobby"), "1,000 new in lobby since last time"),
        (notice("history", count=1, room="lobby"), "1 earlier message in lobby is not shown: /history"),
        (notice("history", count=2_998, room="lobby"), "2,998 earlier messages in lobby are not shown: /history"),
        (
            notice("history_gone", count=1, log="@bob"),
            "1 message of your conversation with bob is gone: the server keeps only later ones",
        ),
        (
            notice("history_gone", count=3, log="@"),
            "3 messages of a conversation are gone: the server keeps only later ones",
        ),
        (
            notice("kept", rooms=("den", "lobby"), limits=(86_400, None)),
            "what is said in den, lobby is kept by the server for 1 day; whoever joins and the server's operator can"
            " read it",
        ),
        (
            notice("whois", nick="bob", rooms=[], idle_s=5, away="", fingerprint="abcd"),
            "bob is here, in no room, idle for 5 seconds; key abcd",
        ),
        (
            notice("not_allowed.not_rejoined", room="den", reason=Phrase("not_allowed")),
            "den cannot be joined again: you cannot read that",
        ),
        (refusal("of_later", ()), "the server refuses: of_later"),
        (refusal("of_later.x", ("den", "3")), "the server refuses: of_later.x: den, 3"),
    ],
)
def test_a_value_has_its_form(phrase: Phrase, text: str) -> None:
    assert text_of(phrase) == text
