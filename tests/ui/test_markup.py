"""Light formatting: what is formatted, what stays as it is, and that nobody can lose text or time in it."""

from __future__ import annotations

import re
import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udpchat.chat.text import printable
from udpchat.ui.markup import LANGUAGE_CHARACTERS_MAX, Span, Style, links, parse, verbatim

MESSAGE_CHARACTERS = 16 * 1024
CODE, LINK = Style.CODE, Style.LINK
MARKS = ((Style.BOLD, "b"), (Style.ITALIC, "i"), (Style.STRIKE, "s"), (CODE, "c"), (LINK, "l"))


def drawn(text: str) -> str:
    """The spans of one line: `bold[text]`, the plain ones bare."""
    (line,) = parse(text)
    return "".join(
        f"{mark}[{s.text}]" if (mark := "".join(n for y, n in MARKS if y in s.style)) else s.text for s in line
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*bold* and **bold**", "b[bold] and b[bold]"),
        ("_italic_, ~~gone~~", "i[italic], s[gone]"),
        ("*two words* (_in brackets_)", "b[two words] (i[in brackets])"),
        ("_it *both* it_", "i[it ]bi[both]i[ it]"),
        ("*_both_*", "bi[both]"),
        ("*a **b** c*", "b[a ]b[b]b[ c]"),
        ("`code` and ``a ` b``", "c[`code`] and c[``a ` b``]"),
        ("`*as it is*` *`code`*", "c[`*as it is*`] bc[`code`]"),
        ("*_crossed* over_", "b[_crossed] over_"),
    ],
)
def test_markers_at_the_edges_of_words_format(text: str, expected: str) -> None:
    assert drawn(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "snake_case_name", "2*3*4", "2 * 3 * 4", "a ~ b ~~ c", "__init__", "*.py and *.c", "***", "** **", "* a *",
        "*open", "closed*", "~/a and ~/b", "_(:3", "`", "``", "`a", "/* c */", "f(*args, **kwargs)", "a*b* c", "é*b*",
    ],
)  # fmt: skip
def test_markers_elsewhere_stay_as_they_are(text: str) -> None:
    assert parse(text) == [[Span(text, Style.PLAIN)]]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("see https://example.org/a_b_c.", "https://example.org/a_b_c"),
        ("(http://example.org/wiki/Go_(game))", "http://example.org/wiki/Go_(game)"),
        ("<HTTPS://example.org/?q=1&b=*x*>!", "HTTPS://example.org/?q=1&b=*x"),
        ("https://example.org/a...", "https://example.org/a"),
        ("((see http://example.org/))).", "http://example.org/"),
        ("*https://example.org*", "https://example.org"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
        ('"http://10.0.0.1/x", he said', "http://10.0.0.1/x"),
        ("日本:http://例え.jp/道", "http://例え.jp/道"),
    ],
)
def test_an_address_is_a_link_without_the_punctuation_behind_it(text: str, url: str) -> None:
    (line,) = parse(text)
    assert [span.url for span in line if LINK in span.style] == [url]
    assert [span.text for span in line if LINK in span.style] == [url]


@pytest.mark.parametrize(
    "text",
    [
        "ftp://example.org", "javascript://x", "xhttp://example.org", "http://", "https:///path", "http://.",
        "www.a.de", "http://a\x1b[31m", "http://a\u202eb", "http://a\x07", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_nothing_else_is_a_link(text: str) -> None:
    assert [span for line in parse(text) for span in line if span.url or LINK in span.style] == []


def test_a_block_of_code_stands_between_two_lines_of_backticks() -> None:
    lines = parse("so:\n```\n*a* = `b`\n\n  http://c\n```\n*d*")
    assert lines == [
        [Span("so:", Style.PLAIN)], [Span("*a* = `b`", CODE)], [], [Span("  http://c", CODE)], [Span("d", Style.BOLD)],
    ]  # fmt: skip


def test_the_language_of_a_block_is_shown() -> None:
    assert parse("```python\nx\n```") == [[Span("python", CODE)], [Span("x", CODE)]]
    long = "```" + "x" * (LANGUAGE_CHARACTERS_MAX + 1)
    assert parse(f"{long}\nx\n```")[0] == [Span(long, Style.PLAIN)]


@pytest.mark.parametrize("text", ["```", "```\nnever closed", "```\n```", "a\n```"])
def test_a_block_that_is_not_closed_or_empty_is_text(text: str) -> None:
    assert "\n".join("".join(span.text for span in line) for line in parse(text)) == text


def test_formatting_does_not_go_over_a_line_break() -> None:
    assert parse("*a\nb*") == [[Span("*a", Style.PLAIN)], [Span("b*", Style.PLAIN)]]
    assert parse("") == [[]]


def test_verbatim_names_code_and_links() -> None:
    text = "x `a:b` http://c.\n```d\ne\n```\n*f*"
    assert [text[start:end] for start, end in verbatim(text)] == ["`a:b`", "http://c", "d", "e"]


# --- For any text ----------

PIECES = st.sampled_from(
    [
        "*",
        "**",
        "_",
        "~~",
        "`",
        "``",
        "```",
        "\n",
        "\n```\n",
        " ",
        "a",
        "b1",
        "é",
        "(",
        ")",
        "http://a.b",
        ".",
        "\x1b",
        "#",
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join))


@given(TEXTS)
def test_nothing_but_markers_is_ever_lost(text: str) -> None:
    shown = "".join(span.text for line in parse(text) for span in line)
    assert re.sub(r"[*_~`\n]", "", shown) == re.sub(r"[*_~`\n]", "", text)
    assert is_subsequence(shown, text)


def is_subsequence(shorter: str, longer: str) -> bool:
    rest = iter(longer)
    return all(character in rest for character in shorter)


@given(st.text(alphabet=st.characters(exclude_characters="*_~`:")))
def test_a_text_without_markers_is_returned_as_it_is(text: str) -> None:
    assert parse(text) == [[Span(line, Style.PLAIN)] if line else [] for line in text.split("\n")]


@given(TEXTS)
def test_a_link_is_what_it_shows_and_safe_for_a_terminal(text: str) -> None:
    for span in (span for line in parse(text) for span in line):
        assert span.text
        assert bool(span.url) == (LINK in span.style)
        if span.url:
            assert span.url == span.text == printable(span.url)
            assert span.url.lower().startswith(("http://", "https://"))


@given(TEXTS)
def test_verbatim_parts_stand_in_order(text: str) -> None:
    edges = [edge for part in verbatim(text) for edge in part]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(text) for edge in edges)


HOSTILE = [
    "*", "**a ", "_a", "*a ", " *", "`", "` ", "``` ``", "~~", "*_", "http://", "http://a)", ")", "http://a,,,", "[",
    "```\n", "```\na\n", "*_~~`", "(http://a(", "\n", "_a_ ", "*a* _b_ ", "http:",
    "http://a.b/" + "(" * 50 + ")" * 60,
]  # fmt: skip


@pytest.mark.parametrize("piece", [*HOSTILE, "runs"])
def test_the_work_grows_no_faster_than_the_text(piece: str) -> None:
    """Lines of Python that are carried out: each runs no loop of its own over more than a constant part of the text."""
    whole = " ".join("`" * n for n in range(1, 180)) if piece == "runs" else piece * MESSAGE_CHARACTERS
    sizes = (MESSAGE_CHARACTERS // 4, MESSAGE_CHARACTERS)
    few, many = (lines_carried_out(whole[:size]) for size in sizes)
    assert many <= 4.5 * few + 100


def lines_carried_out(text: str) -> int:
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    former = sys.gettrace()
    sys.settrace(trace)
    try:
        parse(text)
    finally:
        sys.settrace(former)
    return count


def test_the_links_of_a_text_are_its_addresses_in_order_also_in_bold_but_none_in_code() -> None:
    text = "http://a.b, *https://c.d/e*\n`https://f.g` https://h.i"
    assert links(text) == ["http://a.b", "https://c.d/e", "https://h.i"]
