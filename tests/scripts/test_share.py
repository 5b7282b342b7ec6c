"""scripts/share: the files beside the programs are as the options are, complete them, and are installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.scripts.loading import load
from udpchat.chat.exit_codes import ExitCode

share = load("share")
ROOT = share.SHARE.parent
COMPLETE = """source "$1"; shift; complete -p "$1" > /dev/null || exit 1
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }
"_${1//-/_}"; echo "${COMPREPLY[@]}"
"""
BUILD_S_MAX = 100


def needs(program: str) -> str:
    found = shutil.which(program)
    return found or pytest.skip(f"there is no {program} here")


def test_the_files_are_as_the_options_are() -> None:
    assert share.stale() == [], "run scripts/share"


def test_a_file_that_is_old_or_of_nobody_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(share.SHARE, tmp_path / "share")
    monkeypatch.setattr(share, "SHARE", tmp_path / "share")
    assert share.stale() == []
    (tmp_path / "share" / "man" / "man1" / "udpchat.1").write_text("old")
    (tmp_path / "share" / "other").touch()
    (tmp_path / "share" / "bash-completion" / "completions" / "udpchat").unlink()
    assert share.stale() == ["bash-completion/completions/udpchat", "man/man1/udpchat.1", "other"]


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        (["udpchat-client", "--ni"], "--nick"),
        (["udpchat-client", ""], "export outbox config password"),
        (["udpchat-client", "outbox", "d"], "drop"),
        (["udpchat-client", "outbox", "--j"], "--json"),
        (["udpchat-client", "export", "--fol"], ""),
        (["udpchat-client", "--nick", ""], ""),
        (["udpchat-server", "--durability", ""], "fsync os memory"),
        (["udpchat-server", "restore", "--key", "k"], "keep"),
        (["udpchat-server", "backup", ""], ""),
        (["udpchat", "st"], "stop status"),
        (["udpchat", "server", "bac"], "backup"),
        (["udpchat", "server", "backup", "--f"], "--force"),
        (["udpchat", "--ho"], "--host"),
    ],
    ids=" ".join,
)
def test_bash_completes(typed: list[str], completed: str) -> None:
    file = share.SHARE / "bash-completion" / "completions" / typed[0]
    command = [needs("bash"), "--norc", "-c", COMPLETE, "bash", str(file), *typed]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == (completed, "")


def test_fish_completes() -> None:
    file = share.SHARE / "fish" / "vendor_completions.d" / "udpchat.fish"
    for typed, completed in (("--ni", "--nick"), ("server backup --f", "--force"), ("server --log-format j", "json")):
        script = f"source {file}; complete -C 'udpchat {typed}'"
        done = subprocess.run([needs("fish"), "--no-config", "-c", script], capture_output=True, text=True, check=True)
        assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [completed]


def test_zsh_can_read_its_files() -> None:
    for file in (share.SHARE / "zsh" / "site-functions").iterdir():
        subprocess.run([needs("zsh"), "-n", str(file)], check=True)


@pytest.mark.parametrize("program", share.PROGRAMS)
def test_a_manual_has_every_option_and_command_and_is_sound(program: str) -> None:
    path = share.SHARE / "man" / "man1" / f"{program}.1"
    text = path.read_text(encoding="utf-8").replace("\\-", "-")
    parser = share.every_parser()[program]
    assert all(option in text for option in share.options(parser))
    assert all(f'.SS "{program} {command}"' in text for command in parser.commands)
    if groff := shutil.which("groff"):
        done = subprocess.run([groff, "-man", "-Tutf8", "-ww", str(path)], capture_output=True, text=True, check=True)
        assert done.stderr == ""


def test_the_manuals_explain_every_exit_code() -> None:
    assert set(share.EXIT_STATUS) == set(ExitCode)


def builds_wheels() -> bool:
    """Without the package `wheel`, and without a network."""
    found = {one.name: one.version for one in distributions(name="setuptools")}
    found |= {one.name: one.version for one in distributions(name="pip")}
    return "pip" in found and tuple(map(int, found.get("setuptools", "0").split(".")[:2])) >= (70, 1)


def test_a_wheel_holds_them_all(tmp_path: Path) -> None:
    if not builds_wheels():
        pytest.skip("pip, or a setuptools that builds wheels, is not here: the extra [test] brings it")
    tree = tmp_path / "tree"
    for name in ("udpchat", "share"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*build, "-w", str(tmp_path), str(tree)], check=True, timeout=BUILD_S_MAX, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    held = {name.partition(".data/data/share/")[2] for name in zipfile.ZipFile(wheel).namelist()}
    assert set(share.files()) <= held
