"""What README and SPEC say is so: commands, options, events and frames with their fields, exit codes, limits.

Each test reads a table, a list or the command lines out of the document (`tests.documents`) and compares all of it with
the code. What the command lines do when they are run is `tests/test_documents_run.py`.
"""

from __future__ import annotations

import argparse
import enum
import importlib
import os
import pkgutil
import re
import sys
import tomllib
import typing
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NoReturn, get_args, get_type_hints

import pytest
from msgspec import structs

import udpchat
from tests import documents
from tests.documents import README, ROOT, SPEC, CommandLine
from tests.scripts.loading import load
from tests.wire.records import records
from udpchat import cli, doctor, operator_commands, parsers
from udpchat.chat import events
from udpchat.chat.permissions import PERMISSIONS, Role
from udpchat.chat.refusals import REFUSALS
from udpchat.client.entering import FINAL_REFUSALS
from udpchat.shell import client_app, hosting, listing, maintenance, options, outbox, server_app
from udpchat.shell.addresses import parse_server
from udpchat.ui import attention
from udpchat.ui.commands import COMMANDS
from udpchat.ui.json_events import json_event
from udpchat.ui.phrases import text_of
from udpchat.ui.tui.keys import ACTIONS, spelled
from udpchat.wire import content, frames, limits, packets, requests
from udpchat.wire.fields import Value, WireStruct

SOURCES = sorted((ROOT / "udpchat").rglob("*.py"))
PROGRAMS = {"udpchat-server": cli.server, "udpchat-client": cli.client, "udpchat": cli.main}
SCRIPTS = sorted(path.name for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix)
OURS = {*PROGRAMS, *(f"scripts/{name}" for name in SCRIPTS)}
OTHERS = {"echo", "kill", "pip", "python", "sleep"}
SHOWN = documents.command_lines(README, OURS | OTHERS)
INLINE = documents.inline_command_lines(README, OURS)

CALL = attention.Alert("", "", attention.Event.MENTION, "", "")

# --- README: commands, options, files ----------


def test_every_command_of_the_readme_exists_and_every_command_is_in_the_readme() -> None:
    cells = [cell for cell, _ in documents.rows(documents.section(README, "Commands"))]
    assert {form for cell in cells for form in re.findall(r"`([^`]+)`", cell)} == {one.form for one in COMMANDS}


def help_of(program: str, *words: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        PROGRAMS[program]([*words, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_every_option_that_the_readme_names_exists(capsys: pytest.CaptureFixture[str]) -> None:
    subcommands = {(one.program, one.arguments[0]) for one in SHOWN if one.arguments and one.arguments[0][0] != "-"}
    helps = [help_of(program, word, capsys=capsys) for program, word in subcommands if program in PROGRAMS]
    helps += [help_of(program, capsys=capsys) for program in PROGRAMS]
    helps += [(ROOT / "scripts" / name).read_text(encoding="utf-8") for name in SCRIPTS]
    known = {option for text in helps for option in re.findall(r"--[a-z][a-z-]+", text)}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    assert named - known == set()
    variables = {name.lower().replace("_", "-") for name in re.findall(r"\bUDPCHAT_([A-Z_]+)", README)}
    settings = {name for text in documents.settings_files(README) for name in tomllib.loads(text)}
    told = {name.removeprefix("UDPCHAT_").lower().replace("_", "-") for name in attention.variables(CALL)}
    alone = {options.PASSWORD_VARIABLE.removeprefix("UDPCHAT_").lower()}  # which has no option
    assert variables and {f"--{name}" for name in variables - told - alone | settings - {options.KEYS}} - known == set()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no sh")
def test_the_config_files_of_the_readme_are_right(tmp_path: Path) -> None:
    for number, text in enumerate(documents.settings_files(README)):
        file = tmp_path / f"{number}.toml"
        file.write_text(text, encoding="utf-8")
        table = parsers.key_table()
        found = options.choices(options.CLIENT_SETTINGS, {"config": str(file)}, {}, table=table)
        assert [text_of(fault) for fault in found.faults] == []


RUN = (  # what the commands do, once their options are understood
    (server_app, "run"), (client_app, "run"), (outbox, "show"), (operator_commands, "run"), (doctor, "run"),
    *((hosting, name) for name in ("stop", "status")),
    (cli, "find_or_host"),
    (listing, "show_servers"),
    *((maintenance, name) for name in ("back_up", "restore", "check", "export", "replica_of")),
)  # fmt: skip


def understood(*_: object, **__: object) -> NoReturn:
    sys.exit(0)


@pytest.mark.parametrize("shown", [*SHOWN, *INLINE], ids=lambda shown: shown.line)
def test_every_command_line_of_the_readme_is_understood(
    shown: CommandLine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """By the real parser, which also checks the values; what would then be run is not."""
    monkeypatch.chdir(tmp_path)
    Path("server.toml").touch()
    Path("secret.txt").write_text("correct horse battery\n", encoding="utf-8")
    script = shown.program.removeprefix("scripts/")
    arguments = list(shown.arguments)
    for owner, name in RUN:
        monkeypatch.setattr(owner, name, understood)
    for name in [name for name in os.environ if name.startswith("UDPCHAT_")]:
        monkeypatch.delenv(name)
    parse = cli.main if script == "chat" else PROGRAMS.get(shown.program)
    if parse is not None:
        with pytest.raises(SystemExit) as ended:
            sys.exit(parse(arguments))
        assert ended.value.code == 0, capsys.readouterr().err
    elif script == "sim":
        assert isinstance(load("sim").parse(arguments), argparse.Namespace)
    elif script != shown.program:
        text = (ROOT / "scripts" / script).read_text(encoding="utf-8")
        assert all(word in text for word in arguments if word.startswith("--"))
    else:
        assert shown.program in OTHERS, "a program that this test does not know"


def test_the_readme_shows_command_lines_of_every_program() -> None:
    assert {one.program for one in SHOWN} >= {"udpchat-server", "udpchat-client", "scripts/chat", "scripts/test"}


def test_every_script_of_the_readme_exists() -> None:
    named = {name for name in re.findall(r"\bscripts/([a-z]+)", README) if not (ROOT / "scripts" / name).is_dir()}
    assert named and named <= set(SCRIPTS)


def test_every_module_and_name_of_the_tour_exists() -> None:
    tour = documents.section(README, "Reading the code")
    named = re.findall(r"`([\w/]+\.(?:py|md))`", tour)
    known = {path.relative_to(ROOT).as_posix() for path in (*SOURCES, *ROOT.rglob("*.md"), *ROOT.glob("tests/*/*.py"))}
    assert named
    for file in named:
        assert any(f"/{path}".endswith(f"/{file}") for path in known), file
    for module, name in re.findall(r"`([a-z_]+)\.((?!py|md)_?[a-z_]+)`", tour):
        homes = [path for path in SOURCES if path.stem == module]
        assert any(re.search(rf"\bdef {name}\b", path.read_text(encoding="utf-8")) for path in homes), (module, name)


def test_each_hop_of_the_walk_is_a_function_of_the_file_that_it_names() -> None:
    walk = documents.section(README, "The walk of one message")
    hops = [cells for cells in documents.rows(walk) if cells[0].isdecimal()]
    assert [int(cells[0]) for cells in hops] == list(range(1, len(hops) + 1))
    for _, file, function, _ in hops:
        path, name = ROOT / "udpchat" / file.strip("`"), function.strip("`")
        module, _, defined = name.partition(".")
        assert path.stem == module, name
        assert re.search(rf"\bdef {defined}\b", path.read_text(encoding="utf-8")), name


def test_the_libraries_of_the_readme_are_those_of_the_setup() -> None:
    asked = re.search(r"install_requires =\n((?: +\S+\n)+)", (ROOT / "setup.cfg").read_text(encoding="utf-8"))
    assert asked
    told = documents.section(README, "Install").split("libraries:")[1]
    required = re.findall(r"^ +([a-z_]+)", asked[1].replace("-", "_"), re.MULTILINE)
    assert set(required) == set(re.findall(r"`(\w+)` \(", told))


def test_the_keys_of_the_readme_are_those_of_the_table() -> None:
    known = {spelled(key) for action in ACTIONS for key in action.keys}
    section = documents.section(README, "At a terminal")
    named = [key for cells in documents.rows(section) for key in re.split(r", then |, | to ", cells[0])]
    assert named and set(named) <= known


# --- README: events ----------


def values_of(kind: Any) -> list[Any]:
    """Values of an annotated type, one for each case that may give an event other fields."""
    if isinstance(kind, type) and issubclass(kind, Value | WireStruct):
        return list(instances_of(kind))[-1:]
    if typing.get_origin(kind) in (tuple, list):
        inner = [value for one in get_args(kind) if one is not ... for value in values_of(one)[-1:]]
        return [typing.get_origin(kind)(each) for each in ([], inner)]
    if typing.get_origin(kind) is typing.Literal:
        return [get_args(kind)[-1]]
    if get_args(kind):
        return [value for one in get_args(kind) for value in values_of(one)]
    empty_and_not = {
        type(None): [None],
        str: ["", "x"],
        bytes: [b"x"],
        int: [0, 7],
        float: [0.0, 7.5],
        bool: [False, True],
    }
    return empty_and_not[kind]


def instances_of(kind: type[Value]) -> Iterator[Any]:
    """Events of a class, with each of its fields empty and not."""
    hints = get_type_hints(kind)
    fields = list(kind.__struct_fields__)
    texts: list[tuple[Any, ...]] = [("any.text", {"text": text}) for text in ("", "x")] if "key" in fields else [()]
    names = [name for name in fields if name not in ("key", "values")]
    for first, values in product(texts, product(*(values_of(hints[name]) for name in names))):
        yield kind(*first, **dict(zip(names, values, strict=True)))


def printed_events() -> dict[str, list[dict[str, Any]]]:
    """Every object that the line mode can print, by its event."""
    found: dict[str, list[dict[str, Any]]] = {}
    for kind in set(get_args(events.ClientEvent)) - set(get_args(events.ModelChange)):
        for event in instances_of(kind):
            printed = json_event(event)
            found.setdefault(printed["event"], []).append(printed)
    return found


def test_every_event_of_the_readme_is_printed_with_exactly_its_fields() -> None:
    promised = documents.events_of(documents.section(README, "JSON events"))
    printed = printed_events()
    assert set(promised) == set(printed)
    for name, expected in promised.items():
        for event in printed[name]:
            assert next(iter(event)) == "event"
            assert set(expected.always) <= set(event) - {"event"} <= {*expected.always, *expected.sometimes}, name
        for field in expected.sometimes:
            assert len({field in event for event in printed[name]}) == 2, f"{name} has {field} in some cases"


def test_times_are_iso_8601_in_utc() -> None:
    times = [event["time"] for event in printed_events()["message"]]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time) for time in times)


# --- README: exit codes, addresses, numbers ----------


def told_exit_codes(text: str) -> dict[int, str]:
    """Number and first word, from the sentence that lists them; empty if none does."""
    sentence = re.search(r"Exit codes: (.*?)(?:\. |$)", documents.on_one_line(text))
    listed = re.findall(r"(\d+) ([a-z]+)", re.sub(r"\([^()]*\)", "", sentence[1])) if sentence else []
    return {int(code): word for code, word in listed}


def exit_codes() -> Iterator[int]:
    """All that the programs have a name for."""
    for _, name, _ in pkgutil.walk_packages(udpchat.__path__, "udpchat."):
        for constant, value in vars(importlib.import_module(name)).items() if not name.endswith("__main__") else ():
            if constant.startswith("EXIT_") and isinstance(value, int):
                yield value
            elif isinstance(value, type) and issubclass(value, enum.IntEnum) and value.__name__ == "ExitCode":
                yield from value


def test_the_exit_codes_of_the_readme_are_those_of_the_programs() -> None:
    told = told_exit_codes(README)
    assert set(told) == {0, *exit_codes()}
    for source in SOURCES:
        assert told_exit_codes(source.read_text(encoding="utf-8").split('"""')[1]) in ({}, told), source.name


def test_the_addresses_of_the_readme_are_understood() -> None:
    addresses = re.findall(r"udpchat://[\w.:\[\]-]+(?:#[a-z2-7]{32})?(?![\w.#])", README)
    assert any("#" in address for address in addresses)
    for address in addresses:
        assert parse_server(address).port == limits.DEFAULT_PORT


def number(text: str) -> float:
    words = {"two": 2, "three": 3, "four": 4, "eight": 8, "An hour": 3600, "an hour": 3600, "half": 0.5}
    return words[text] if text in words else float(text.replace(",", ""))


def assert_says(document: str, phrase: str, expected: tuple[float, ...]) -> None:
    found = re.search(phrase, documents.on_one_line(document))
    assert found, f"the document no longer says {phrase!r}: write here how it does"
    assert tuple(map(number, found.groups())) == pytest.approx(expected), found[0]


KIB = 1024
N = r"([\d.,]*\d|[a-z]+)"  # a number


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        (f"UDP port {N}", (limits.DEFAULT_PORT,)),
        (f"announced as `timed out` after {N} s", (limits.EXPIRY_S,)),
        (f"A message has at most {N} KiB", (limits.TEXT_BYTES_MAX / KIB,)),
        (f"more bytes back than {N} times", (limits.AMPLIFICATION_MAX,)),
    ],
)
def test_a_number_of_the_readme_is_that_of_the_limits(phrase: str, expected: tuple[float, ...]) -> None:
    assert_says(README, phrase, expected)


# --- SPEC ----------

HELLO_RESEND = (
    limits.HELLO_RESEND_S, limits.HELLO_RESEND_GROWTH, limits.HELLO_RESEND_GROWTH_NEAR, limits.HELLO_RESEND_S_MAX,
    100 * limits.HELLO_RESEND_JITTER,
)  # fmt: skip


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        (f"payloads are at most {N} bytes", (limits.DATAGRAM_BYTES_MAX,)),
        (f"never more bytes than {N} times what it sent", (limits.AMPLIFICATION_MAX,)),
        (f"zeros up to {N} bytes in all", (limits.HELLO_BYTES,)),
        (f"Good for {N} s", (limits.COOKIE_LIFETIME_S,)),
        (f"drawn anew every {N} s", (limits.COOKIE_SECRET_LIFETIME_S,)),
        (f"waits on after {N} s, growing {N}-fold before the first answer and {N}-fold after it, up to {N} s, "
         f"jittered by {N} %", HELLO_RESEND),
        (f"but not before {N} ms nor, on a long path, later than {N} s",
         (1000 * limits.HELLO_RESEND_S_MIN, limits.HELLO_RESEND_S)),
        (f"those of kinds 8 and 9, at most {N}", (limits.PROBE_BYTES_MAX,)),
        (f"zeros up to at least {N} bytes in all", (limits.PROBE_BYTES_MIN,)),
        (
            f"answers {N} Probes a second of a source and {N} in all; {N} and {N} at once",
            (limits.PROBES_PER_SOURCE_PER_S, limits.PROBES_PER_S, limits.PROBES_PER_SOURCE_BURST, limits.PROBES_BURST),
        ),
        (f"Of the latest {N} probe ids", (limits.PROBE_RUNS_MAX,)),
        (f"A window of {N} counters", (limits.REPLAY_WINDOW_PACKETS,)),
        (r"After (an hour), or 2\^(\d+) packets",
         (limits.SESSION_AGE_S_MAX, limits.SESSION_PACKETS_MAX.bit_length() - 1)),
        (f"both open the old one for {N} s more", (limits.SESSION_OVERLAP_S,)),
        (f"within {N} times the bytes that came from there", (limits.AMPLIFICATION_MAX,)),
        (f"in use, or left within {N} s", (limits.PATH_LEFT_S,)),
        (f"refused only until {N} s after", (limits.PATH_ALONE_S,)),
        (f"and {N} KiB may be written at once", (limits.WRITE_AHEAD_BYTES_LONG_MAX / KIB,)),
        (f"asked for: {N} KiB to be written", (limits.WRITE_AHEAD_BYTES_MAX / KIB,)),
        (f"array of 1 to {N} frames", (limits.FRAMES_MAX,)),
        (f"fit {N} KiB", (limits.PAST_BYTES_MAX / KIB,)),
        (f"goes as 2 to {N} fragments of {N} bytes", (limits.FRAGMENTS_MAX, limits.FRAGMENT_BYTES)),
        (f"A message has at most {N} KiB of text", (limits.TEXT_BYTES_MAX / KIB,)),
        (f"generation, cursor, at most {N} ranges", (limits.ACK_RANGES_MAX,)),
        (f"`ack_delay_ms` to {N} ms for each member, at least {N} ms",
         (1000 / limits.ACKS_PER_S_BUDGET, 1000 * limits.ACK_INTERVAL_S_MIN)),
        (f"and in rooms above {N}, where receivers notice what is lost, to {N} ms for each",
         (limits.SENDER_DRIVEN_PEERS_MAX, 1000 / limits.LARGE_ROOM_ACKS_PER_S_BUDGET)),
        (f"under {N} a second, in a large one under {N}",
         (limits.ACKS_PER_S_BUDGET, limits.LARGE_ROOM_ACKS_PER_S_BUDGET)),
        (f"In rooms up to {N}, what is unacknowledged", (limits.SENDER_DRIVEN_PEERS_MAX,)),
        (f"with more than {N} KiB live unacknowledged", (limits.LAG_BYTES_MAX / KIB,)),
        (f"the {N} entries that a replica keeps", (limits.REPLICA_HELD_MAX,)),
        (f"holds at most {N}, and repeats", (limits.REQUESTS_IN_FLIGHT_MAX,)),
        (f"enter from {N} devices at once", (limits.PEERS_PER_KEY_MAX,)),
        (f"of silence, {N} s less up to {N} %", (limits.HEARTBEAT_S, 100 * limits.HEARTBEAT_JITTER)),
        (f"`expiry`, {N} s, of silence", (limits.EXPIRY_S,)),
        (r"The udpchat protocol, version (\d+)", (limits.PROTOCOL_VERSION,)),
        (f"An account has at most {N} devices", (limits.DEVICES_PER_ACCOUNT_MAX,)),
        (
            f"At most {N} that add a device to one account are valid at once, and {N} in all; {N} of these",
            (limits.CODES_PER_ACCOUNT_MAX, limits.CODES_MAX, limits.LINK_CODES_SHARE),
        ),
        (
            f"The first {N} of an account, and {N} of a source, are free",
            (limits.LOGIN_FAILURES_FREE, limits.LOGIN_FAILURES_FREE_OF_SOURCE),
        ),
        (f"A password has at most {N} characters", (limits.SECRET_CHARACTERS_MAX,)),
        (
            f"At most {N} hold in a room, {N} in all rooms, and {N} on the",
            (limits.SANCTIONS_PER_ROOM_MAX, limits.SANCTIONS_MAX, limits.SANCTIONS_OF_SERVER_MAX),
        ),
        (f"at least {N} bits, of IPv6 {N}", tuple(limits.NETWORK_BITS_MIN.values())),
        (f"does at most {N} acts at once", (limits.ACTS_A_DAY[0][0],)),
        (f"as many a day; a source, {N}", (limits.ACTS_A_DAY[1][1],)),
        (
            f"In a room {N} persons have a role, in all rooms {N}, of which {N}",
            (limits.OPERATORS_PER_ROOM_MAX, limits.ROLES_MAX, limits.STORED_ROOMS_MAX),
        ),
        (f"The latest {N} are kept", (limits.AUDIT_ENTRIES_MAX,)),
    ],
)  # fmt: skip
def test_a_number_of_the_spec_is_that_of_the_limits(phrase: str, expected: tuple[float, ...]) -> None:
    assert_says(SPEC, phrase, expected)


def fields_of(struct: type) -> list[str]:
    """Names of a struct's fields in the order of the wire; a list of other structs as these are listed in SPEC."""
    names = []
    for name, hint in get_type_hints(struct).items():
        (inner,) = get_args(hint) if typing.get_origin(hint) is list else (None,)
        is_nested = isinstance(inner, type) and issubclass(inner, WireStruct)
        names.append(f"[{' '.join(fields_of(inner))}]" if is_nested else name)
    return names


def shapes_of(union: object) -> dict[str, tuple[int, list[str]]]:
    """Tag and fields of each struct of a union."""
    found = {struct.__name__: (struct.__struct_config__.tag, fields_of(struct)) for struct in get_args(union)}
    assert found
    return found


UP = frames.Introduction | frames.Up


@pytest.mark.parametrize(
    ("title", "union"),
    [
        ("4.1", UP), ("4.2", frames.Down), ("4.3", requests.RequestBody), ("4.4", requests.ResultBody),
        ("4.5", content.Entry), ("4.6", content.Record),
    ],
)  # fmt: skip
def test_the_records_of_the_spec_are_those_of_the_code_with_their_fields_in_order(title: str, union: object) -> None:
    table = [row for row in documents.rows(documents.section(SPEC, f"{title} ")) if re.fullmatch(r"[A-Z]\w+", row[1])]
    told = {name: (int(tag), documents.fields_of(listed)) for tag, name, listed, *_ in table}
    shared = {"Goodbye"} - set(told)  # stands in the table of the other direction
    assert told == {name: shape for name, shape in shapes_of(union).items() if name not in shared}


def test_the_list_of_records_in_the_spec_is_made_from_the_types() -> None:
    listed = documents.section(SPEC, "4.8 ").split("```\n")[1]
    assert listed.splitlines() == list(records())


def codes_told() -> Iterator[tuple[str, int]]:
    """Each code of the specification with its variant, and how many values it has."""
    for code, values, *_ in documents.rows(documents.section(SPEC, "4.9 ")):
        named = [["", values, ""]] if "4.10" not in code else documents.rows(documents.section(SPEC, "4.10 "))
        for variant, of_variant, _ in named:
            key = ".".join(filter(None, (code.split("`")[1], variant.strip("`"))))
            yield key, len(of_variant.split(", ")) if of_variant else 0


def test_every_code_that_the_server_gives_and_the_client_stops_at_is_in_the_spec_with_its_values() -> None:
    told = dict(codes_told())
    assert told == {key: len(names) for key, names in REFUSALS.items()}
    assert {key.partition(".")[0] for key in told} >= FINAL_REFUSALS


def test_the_roles_and_the_table_of_who_may_do_what_are_those_of_the_code() -> None:
    rows = documents.rows(documents.section(SPEC, "6.11 "))
    roles = {name: int(number) for number, name, *_ in rows if number.isdecimal()}
    assert roles == {role.name.lower(): int(role) for role in Role}
    told = {cells[0].strip("`"): (cells[1], cells[2]) for cells in rows if len(cells) == 4}
    assert told == {
        str(action): (right.least.name.lower(), "yes" if right.outranks else "")
        for action, right in PERMISSIONS.items()
    }
    modes = [cells[0] for cells in rows if len(cells) == 2]
    assert modes == list(get_type_hints(content.Modes))


def test_the_packets_of_the_spec_are_those_of_the_code() -> None:
    told = {name: int(kind) for kind, name, *_ in documents.rows(documents.section(SPEC, "1. "))}
    kinds = {"".join(part.capitalize() for part in kind.name.split("_")): int(kind) for kind in packets.Kind}
    assert told == kinds


@pytest.mark.parametrize("row", documents.rows(documents.section(SPEC, "1. ")), ids=lambda row: row[1])
def test_a_packet_has_its_fields_where_the_spec_says(row: list[str]) -> None:
    kind, name, _, described = row
    if described == "reserved":
        assert not hasattr(packets, name)
        return
    made = getattr(packets, name)
    fields = [field for field in structs.fields(made) if field.name != "size"]  # of the datagram: no field of it
    layout = documents.layout_of(described)
    values, expected = [], bytes((int(kind),))
    for number, (field, (told, size)) in enumerate(zip(fields, layout, strict=False), 1):
        assert field.name in told or told in field.name, f"{name}: {field.name} where SPEC has {told}"
        filled = bytes(range(0x10 * number, 0x10 * number + (size or 40) % 0x10 or 0x10)).ljust(size or 40, b"\xaa")
        values.append(int.from_bytes(filled, "big") if field.type is int else filled)
        expected += filled
    encoded = made(*values).encode()
    assert encoded.startswith(expected)
    filling = encoded[len(expected) :]
    assert len(layout) - len(fields) == bool(filling), "all that the packet has is in SPEC"
    assert not any(filling) and (not filling or len(encoded) in (limits.HELLO_BYTES, limits.PROBE_BYTES_MIN))


def test_sections_that_are_cited_exist() -> None:
    numbers = documents.numbered_sections(SPEC)
    cited = {("SPEC", one) for one in re.findall(r"\((\d\.\d)\)", SPEC)}
    for source in [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "scripts").rglob("*"))]:
        if source.is_file() and source.suffix in ("", ".py"):
            text = source.read_text(encoding="utf-8")
            cited |= {(source.name, one) for one in re.findall(r"\bSPEC (\d+(?:\.\d+)?)", text)}
    assert len(cited) > 10
    assert {(name, one) for name, one in cited if one not in numbers} == set()
