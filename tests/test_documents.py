"""What README and SPEC say is so: commands, options, events, exit codes, tags, limits."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from udpchat.ui.commands import COMMANDS
from udpchat.wire import bodies, frames, limits, packets

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SPEC = (ROOT / "udpchat" / "wire" / "SPEC.md").read_text(encoding="utf-8")
SOURCES = sorted((ROOT / "udpchat").rglob("*.py"))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "udpchat", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=30, check=False)


def test_every_command_of_the_readme_exists_and_every_command_is_in_the_readme() -> None:
    table = README.split("| command | does |")[1].split("## JSON")[0]
    named = set(re.findall(r"`/([a-z]+)", table))
    assert named == {command.name for command in COMMANDS}


@pytest.mark.parametrize("program", ["server", "client"])
def test_every_option_of_the_readme_exists(program: str) -> None:
    lines = [line for line in README.splitlines() if f"udpchat-{program}" in line and line.startswith("    $")]
    options = {option for line in lines for option in re.findall(r"(--[a-z-]+)", line)}
    shown = run(program, "--help").stdout
    for subcommand in ("backup", "restore", "export", "check"):
        shown += run(program, subcommand, "--help").stdout if program == "server" else ""
    assert options and all(option in shown for option in options)


def test_every_script_of_the_readme_exists() -> None:
    for name in re.findall(r"scripts/([a-z]+)", README):
        assert (ROOT / "scripts" / name).is_file(), name


def test_every_file_of_the_tour_exists() -> None:
    tour = README.split("An evening's tour:")[1]
    for name in re.findall(r"`([a-z]+/[A-Za-z]+\.(?:py|md))`", tour):
        assert (ROOT / "udpchat" / name).is_file(), name


def test_every_event_of_the_readme_has_the_fields_that_the_line_mode_prints() -> None:
    source = (ROOT / "udpchat" / "ui" / "lines.py").read_text(encoding="utf-8")
    table = README.split("## JSON events")[1].split("Within a room")[0]
    for row in re.findall(r"^\| (`.*) \| (.*) \|$", table, re.MULTILINE):
        for name in re.findall(r"`([a-z]+)`", row[0]):
            assert f'"{name}"' in source, name


def test_a_wrong_option_is_one_line_and_exit_code_two() -> None:
    result = run("client", "--nick", "alice", "--wrong")
    assert result.returncode == 2
    assert "--wrong" in result.stderr and "Traceback" not in result.stderr


def tags(union: object) -> dict[str, int]:
    return {struct.__name__: struct.__struct_config__.tag for struct in get_args(union)}


@pytest.mark.parametrize("union", [frames.Up, frames.Down])
def test_every_frame_stands_in_the_spec_under_its_tag(union: object) -> None:
    for name, tag in tags(union).items():
        assert re.search(rf"^\| {tag} \| {name} \|", SPEC, re.MULTILINE), name


@pytest.mark.parametrize(
    ("section", "union"),
    [("4.3", bodies.RequestBody), ("4.4", bodies.ResultBody), ("4.5", bodies.Entry), ("4.6", bodies.Record)],
)
def test_every_body_stands_in_the_spec_under_its_tag(section: str, union: object) -> None:
    text = SPEC.split(f"### {section}")[1].split("### ")[0]
    for name, tag in tags(union).items():
        assert re.search(rf"\b{tag} {name}\b", text), name


def test_the_packets_of_the_spec_are_those_of_the_code() -> None:
    for kind in packets.Kind:
        name = "".join(part.capitalize() for part in kind.name.split("_"))
        assert re.search(rf"^\| {int(kind)} \| {name} \|", SPEC, re.MULTILINE), name
    assert limits.PROTOCOL_VERSION == 1


def test_sections_that_the_code_cites_exist() -> None:
    for source in SOURCES:
        for section in re.findall(r"SPEC (\d+(?:\.\d+)?)", source.read_text(encoding="utf-8")):
            heading = re.search(rf"^#+ {re.escape(section)}[. ]", SPEC, re.MULTILINE)
            inline = re.search(rf"(?:^|[ (]){re.escape(section)} ", SPEC, re.MULTILINE)
            assert heading or inline, f"{source.name} cites SPEC {section}"
