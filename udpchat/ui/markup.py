"""Light formatting of messages: bold, italic, struck out, code, links. Pure, and linear in the length of the text.

`*bold*` or `**bold**`, `_italic_`, `~~struck out~~`, `` `code` ``, lines between two lines of three backticks, and bare
http and https addresses. Formatting neither nests into code or links nor goes over a line break. A marker counts at the
edges of words only, so that snake_case and 2*3*4 stay as they are; one without its partner is text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from enum import Flag, auto
from typing import Final

from udpchat.chat.text import printable
from udpchat.wire.fields import Value

FENCE: Final = "```"
LANGUAGE_CHARACTERS_MAX: Final = 20  # behind the backticks that open a block: `python`


class Style(Flag):
    """How a part of a text is to be drawn."""

    PLAIN = 0
    BOLD = auto()
    ITALIC = auto()
    STRIKE = auto()
    CODE = auto()  # in a line, or in a block
    LINK = auto()


class Span(Value, frozen=True):
    """A part of a line. `url`: of a link, equal to its text: no link hides where it leads."""

    text: str
    style: Style
    url: str = ""


MARKERS: Final = {"*": Style.BOLD, "**": Style.BOLD, "_": Style.ITALIC, "~~": Style.STRIKE}

_TOKEN: Final = re.compile(r"`+|\*+|_+|~+|(?<![^\W_])https?://[^\s<>\"`]+", re.IGNORECASE)
_OPENING: Final = re.compile(rf"{FENCE}[\w+#.-]{{0,{LANGUAGE_CHARACTERS_MAX}}}")
_HAS_HOST: Final = re.compile("https?://[^/?#]", re.IGNORECASE)
_TRAILING: Final = frozenset(".,;:!?'*_~\u2026\u201d\u2019\u00bb")  # behind an address it belongs to the sentence
_BRACKETS: Final = {")": "(", "]": "[", "}": "{"}  # these too, unless they are opened within the address


class _Token(Value, frozen=True):
    """What is not plain text in a line: code or a link with its style, or else a marker."""

    start: int
    end: int
    style: Style = Style.PLAIN
    text: str = ""  # what is shown of it


def parse(text: str) -> list[list[Span]]:
    """The lines of a message, each as spans; an empty line has none.

    The markers that count are removed, as are the lines of backticks around a block, except that a language named there
    stays as its first line. The backticks of code within a line stay: not every terminal can show in another way that
    `*` and `_` are meant there. All other text is kept as it is: whoever draws it makes it safe.
    """
    return [
        ([Span(line, Style.CODE)] if line else []) if is_code else _spans(line) for _, line, is_code in _lines(text)
    ]


def links(text: str) -> list[str]:
    """The addresses in a message, in order."""
    return [span.url for line in parse(text) for span in line if span.url]


def verbatim(text: str) -> list[tuple[int, int]]:
    """Where code and links stand in a message: start and end of each, in order."""
    found = []
    for start, line, is_code in _lines(text):
        if is_code:
            found.append((start, start + len(line)))
        else:
            found += [(start + token.start, start + token.end) for token in _tokens(line) if token.style]
    return found


def _lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """Each line with its place in the text, and whether it is in a block; without the lines that fence a block."""
    lines = text.split("\n")
    closing = 0  # the nearest line below that could end a block; 0: there is none
    closings = []
    for number in range(len(lines) - 1, -1, -1):
        closings.append(closing)
        closing = number if lines[number] == FENCE else closing
    closings.reverse()
    start, end = 0, -1  # `end`: the line that ends the block which is open
    for number, line in enumerate(lines):
        if number < end:
            yield start, line, True
        elif number > end and closings[number] > number + 1 and _OPENING.fullmatch(line):
            end = closings[number]
            if language := line[len(FENCE) :]:
                yield start + len(FENCE), language, True
        elif number != end:
            yield start, line, False
        start += len(line) + 1


def _spans(line: str) -> list[Span]:
    tokens = _tokens(line)
    effects = _effects(line, tokens)
    spans: list[Span] = []
    styles = [Style.PLAIN]
    at = 0
    for number, token in enumerate(tokens):
        if not token.style and number not in effects:
            continue  # a marker without its partner: text
        if at < token.start:
            spans.append(Span(line[at : token.start], styles[-1]))
        at = token.end
        if token.style:
            spans.append(Span(token.text, styles[-1] | token.style, token.text if token.style is Style.LINK else ""))
        elif effects[number]:
            styles.append(styles[-1] | effects[number])
        else:
            styles.pop()
    if at < len(line):
        spans.append(Span(line[at:], styles[-1]))
    return spans


# --- What is in a line ----------


def _tokens(line: str) -> list[_Token]:
    code_ends = _code_ends(line)
    tokens = []
    at = 0
    while found := _TOKEN.search(line, at):
        start, at = found.span()
        if line[start] == "`":
            if start in code_ends:
                at = code_ends[start] + (at - start)
                tokens.append(_Token(start, at, Style.CODE, line[start:at]))
        elif line[start] in "*_~":
            if found[0] in MARKERS:
                tokens.append(_Token(start, at))
        elif (end := _link_end(line, start, at)) > start:
            at = end
            tokens.append(_Token(start, end, Style.LINK, line[start:end]))
    return tokens


def _code_ends(line: str) -> dict[int, int]:
    """For each run of backticks the next one of the same length, which is where code that begins there ends."""
    ends: dict[int, int] = {}
    next_of_length: dict[int, int] = {}
    for run in reversed(list(re.finditer("`+", line))):
        length = len(run[0])
        if length in next_of_length:
            ends[run.start()] = next_of_length[length]
        next_of_length[length] = run.start()
    return ends


def _link_end(line: str, start: int, end: int) -> int:
    """Where the address at `start`, which ends at `end` at the latest, really ends; `start`: it is none."""
    surplus = Counter(line[start:end])
    while line[end - 1] in _TRAILING or surplus[line[end - 1]] > surplus[_BRACKETS.get(line[end - 1], line[end - 1])]:
        end -= 1
        surplus[line[end]] -= 1
    url = line[start:end]
    return end if _HAS_HOST.match(url) and printable(url) == url else start


def _effects(line: str, tokens: list[_Token]) -> dict[int, Style]:
    """What the markers that have a partner do, by the number of their token: the style that begins; PLAIN: one ends."""
    effects: dict[int, Style] = {}
    open_now: list[tuple[str, int]] = []
    count_open: Counter[str] = Counter()
    for number, token in enumerate(tokens):
        if token.style:
            continue
        marker = line[token.start : token.end]
        before, after = line[token.start - 1 : token.start], line[token.end : token.end + 1]
        if count_open[marker] and not before.isspace() and not after.isalnum():
            opener = ""
            while opener != marker:  # those between are text: they were not closed in time
                opener, opener_number = open_now.pop()
                count_open[opener] -= 1
            effects[opener_number], effects[number] = MARKERS[marker], Style.PLAIN
        elif after and not after.isspace() and not before.isalnum():
            open_now.append((marker, number))
            count_open[marker] += 1
    return effects
