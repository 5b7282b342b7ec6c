"""Reads README and SPEC as the tests need them: sections, tables, the lists of fields, the shell sessions."""

from __future__ import annotations

import re
import shlex
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SPEC = (ROOT / "udpchat" / "wire" / "SPEC.md").read_text(encoding="utf-8")
NESTED = r"(?:[^()]|\([^()]*\))*"  # text with parentheses, and parentheses in these
REDIRECTIONS = {"<", ">", ">>", "2>", "2>>"}
SEPARATORS = {"|", "||", "&", "&&", ";"}
KEYWORDS = {"if", "then", "else", "fi", "while", "until", "do", "done", "!"}
FIELDS = r"(?:`[a-z_]+`(?:(?:, | and )`[a-z_]+`)*)"


def section(document: str, title: str) -> str:
    """The text below the heading that begins with `title`, with its subsections; AssertionError if there is none."""
    found = re.search(rf"^(#+) {re.escape(title)}.*\n", document, re.MULTILINE)
    assert found, f"no section {title!r}"
    end = re.search(rf"^#{{1,{len(found[1])}}} ", document[found.end() :], re.MULTILINE)
    return document[found.end() :][: end.start() if end else None]


def rows(text: str) -> list[list[str]]:
    """The cells of all rows of the tables in a text, without the headings."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<=\s)\|(?=\s)", line.strip("|"))] for line in lines]
    rules = [number for number, line in enumerate(lines) if set(line) <= set("|-: ")]
    headings = {number - 1 for number in rules}
    return [row for number, row in enumerate(cells) if number not in headings and number not in rules]


def on_one_line(text: str) -> str:
    """The text with every break and indentation made one space: for sentences that go over lines."""
    return " ".join(text.split())


def split_outside(text: str, separator: str = ",") -> list[str]:
    """The parts of a list. A separator counts before a space, and not within parentheses."""
    parts, depth = [""], 0
    for character, following in zip(text, f"{text} "[1:], strict=True):
        depth += (character == "(") - (character == ")")
        if character == separator and following == " " and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


# --- Events (README) ----------


@dataclass(slots=True)
class EventFields:
    """What README promises of one event: the fields it always has, and those that it has in some cases."""

    always: list[str] = field(default_factory=list)
    sometimes: list[str] = field(default_factory=list)


def events_of(text: str) -> dict[str, EventFields]:
    """The events of a table `event | fields`.

    The cell of the fields begins with those that all events of the row have. Further clauses: `x` has `a` adds to one
    of the events, `a` alone to all of them; with `when`, `where` or `if` behind it, in some cases. A clause that names
    no field, or says no case of one alone, explains; so does what is in parentheses.
    """
    found: dict[str, EventFields] = {}
    for names, described in rows(text):
        events = re.findall(r"`([a-z_]+)`", names)
        assert events, names
        listed, *clauses = split_outside(re.sub(rf"\s*\({NESTED}\)", "", described), ";")
        shared = re.match(rf"{FIELDS}?", listed)
        assert shared
        for event in events:
            found[event] = EventFields(always=re.findall(r"`([a-z_]+)`", shared[0]))
        for clause in clauses:
            added = re.match(rf"(?:`([a-z_]+)` has )?({FIELDS})(\s*(?:when|where|if)\b)?", clause)
            if added and (added[1] in events or (added[1] is None and added[3])):
                for target in [found[added[1]]] if added[1] else [found[event] for event in events]:
                    (target.sometimes if added[3] else target.always).extend(re.findall(r"`([a-z_]+)`", added[2]))
    return found


# --- Shell sessions (README) ----------


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A line that README tells a person to type: one program, what it is given, and what is shown below it."""

    program: str
    arguments: tuple[str, ...]
    line: str
    comment: str
    shown: tuple[str, ...]


def sessions(document: str) -> list[list[str]]:
    """The indented blocks, each as its lines without the indentation."""
    blocks = re.findall(r"(?:^ {4,}\S.*\n)+", document, re.MULTILINE)
    return [[line[4:] for line in block.splitlines()] for block in blocks]


def command_lines(document: str, programs: Container[str]) -> list[CommandLine]:
    """Every command line that is shown: `$ ...`, and every line of a block that begins with one of these programs."""
    found: list[CommandLine] = []
    for block in sessions(document):
        starts = [number for number, line in enumerate(block) if line.startswith("$ ")]
        if not starts and block[0].split()[0] not in programs:
            continue
        for number in starts or range(len(block)):
            until = next((later for later in starts if later > number), len(block)) if starts else number + 1
            found += _programs_of(block[number].removeprefix("$ "), tuple(block[number + 1 : until]))
    return found


def settings_files(document: str) -> list[str]:
    """The blocks that are TOML."""
    return ["\n".join(block) for block in sessions(document) if re.match(r"[a-z_-]+ = |\[\w+\]$", block[0])]


def inline_command_lines(document: str, programs: Container[str]) -> list[CommandLine]:
    """Those that stand within sentences, with an argument at least; `...` stands for what is not said."""
    found = []
    for code in re.findall(r"`([^`\n]+)`", document):
        if " " in code and "..." not in code and code.split()[0] in programs:
            found += _programs_of(code, ())
    return found


def _programs_of(line: str, shown: tuple[str, ...]) -> Iterator[CommandLine]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|<>&;")
    lexer.whitespace_split = True
    lexer.commenters = ""
    words = list(lexer)
    comment = line.partition(" # ")[2].strip()
    if "#" in words:
        words = words[: words.index("#")]
    while words:
        end = next((number for number, word in enumerate(words) if word in SEPARATORS), len(words))
        command, words = words[:end], words[end + 1 :]
        while command and command[0] in KEYWORDS:
            del command[0]
        while redirected := [number for number, word in enumerate(command) if word in REDIRECTIONS]:
            del command[redirected[0] : redirected[0] + 2]
        if command:
            yield CommandLine(command[0], tuple(command[1:]), line, comment, shown)


# --- Frames, bodies and packets (SPEC) ----------


def fields_of(listed: str) -> list[str]:
    """A list of fields as names of attributes, in order: `first open` is `first_open`, `(log, head) ...` is a list."""
    names = []
    for part in split_outside(listed.partition(";")[0]):
        if repeated := re.fullmatch(rf"\(({NESTED})\) \.\.\.", part):
            names.append(f"[{' '.join(fields_of(repeated[1]))}]")
        elif part:
            plain = re.sub(rf"\s*\({NESTED}\)", "", part)
            names.append(re.sub(r" \d+$", "", plain).replace(" ", "_"))
    return names


SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}


def layout_of(described: str) -> list[tuple[str, int | None]]:
    """The fields of a packet behind its kind byte: name, and size in bytes; None: whatever is left."""
    layout: list[tuple[str, int | None]] = []
    for part in split_outside(described):
        sized = re.fullmatch(r"(.+) (u8|u16|u32|u64|\d+)", re.sub(rf"\s*\({NESTED}\)", "", part))
        name = sized[1] if sized else part
        layout.append((name.replace(" ", "_").lower(), (SIZES.get(sized[2]) or int(sized[2])) if sized else None))
    return layout


def numbered_sections(document: str) -> set[str]:
    """The numbers of all sections: those of headings, and `6.2` where a passage of section 6 begins with it."""
    numbers = set(re.findall(r"^#+ (\d+(?:\.\d+)*)[. ]", document, re.MULTILINE))
    passages: set[str] = set()
    for number in numbers:
        if "." not in number:
            text = on_one_line(section(document, f"{number}."))
            passages.update(re.findall(rf"(?:^|\. )({number}\.\d+) [A-Z]", text))
    return numbers | passages
