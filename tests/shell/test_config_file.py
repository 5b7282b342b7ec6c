"""Config files: the line of each key, and of what is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from udpchat.shell.config_file import lines_of_keys, read_config
from udpchat.ui.phrases import text_of


def faults(folder: Path, text: str | bytes) -> list[str]:
    path = folder / "client.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [text_of(fault).removeprefix(f"{folder}{os.sep}") for fault in read_config(path, {"nick", "room"}).faults]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", {}),
        ("a = 1\nb = 2", {"a": 1, "b": 2}),
        ("# a = 0\n\n\n a = 1\r\nb = 2\r\n", {"a": 4, "b": 5}),
        ('a = """\nb = 7\n"""\nb = 2', {"a": 1, "b": 4}),
        ("a = [\n  'b = 7',\n# b = 7\n]\n'b' = 2\n\"c\" = 3", {"a": 1, "b": 5, "c": 6}),
        ("b.c = 1\na = { b = 2, c = 3 }", {"b": 1, "b.c": 1, "a": 2, "a.b": 2, "a.c": 2}),
        ("[a]\nb = [\n 1,\n]\nc = 2\n[a.d]\ne = 1", {"a": 1, "a.b": 2, "a.c": 5, "a.d": 6, "a.d.e": 7}),
        ("a = 1\n[b]\nc = 1\n[a-b]", {"a": 1, "b": 2, "b.c": 3, "a-b": 4}),
    ],
)
def test_the_line_of_a_key_is_the_one_where_its_statement_begins(text: str, lines: dict[str, int]) -> None:
    assert lines_of_keys(text) == lines


def test_each_fault_of_a_file_is_named_with_its_line(tmp_path: Path) -> None:
    assert faults(tmp_path, 'nick = "a"\n\nnik = "b"\nroom = 1\nroomy = 2\n') == [
        "client.toml, line 3: there is no setting 'nik'; did you mean nick?",
        "client.toml, line 5: there is no setting 'roomy'; did you mean room?",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nick = 'a'\nnick = 'b'", "client.toml, line 2: this is not TOML: Cannot overwrite a value"),
        (b"nick = 'a'\nroom = '\xff'", "client.toml, line 2: this is not TOML: 'utf-8' codec can't decode"),
        (b"\xef\xbb\xbfnick = 'a'\nnik = 5", "client.toml, line 2: there is no setting 'nik'"),
        ('"n\\u001b[2J" = 5', "client.toml, line 1: there is no setting 'n"),
    ],
)
def test_what_is_wrong_is_one_printable_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    (line,) = faults(tmp_path, text)
    assert line.startswith(said) and line.isprintable()


TABLES: dict[str, tuple[str, ...]] = {"keys": ("keys.send", "keys.clear"), "other": ()}


def test_what_stands_in_a_table_has_its_name_in_front(tmp_path: Path) -> None:
    path = tmp_path / "client.toml"
    path.write_text("nick = 'a'\n[other]\nnik = 5\n[keys]\nsend = 'F4'\n")
    file = read_config(path, {"nick"}, TABLES)
    assert file.faults == () and file.values["keys.send"] == "F4" and file.lines["keys.send"] == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[keys]\nsned = 'x'", "line 2: there is no setting 'keys.sned'; did you mean keys.send?"),
        ("[keys]\nxyzzy = 'x'", "line 2: there is no setting 'keys.xyzzy'; there are keys.clear, keys.send"),
        ("[keys]\n[keys.send]\nx = 1", "line 2: there is no table 'keys.send'; settings stand outside of tables"),
        ("keys = 'x'", "line 1: keys is a table: write [keys] on a line, and below it what is set"),
        ("[kyes]", "line 1: there is no table 'kyes'; settings stand outside of tables, but for keys, other"),
    ],
)
def test_what_is_wrong_in_a_table_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "client.toml"
    path.write_text(text)
    assert [text_of(fault) for fault in read_config(path, {"nick"}, TABLES).faults] == [f"{path}, {said}"]


def test_a_file_that_cannot_be_read_has_one_fault(tmp_path: Path) -> None:
    (fault,) = read_config(tmp_path, ()).faults
    assert text_of(fault).startswith(f"cannot read the config file {tmp_path}: ")
