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
        ("a = 1\n[b]\nc = 1\n[a-b]", {"a": 1, "b": 2, "c": 3, "a-b": 4}),
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


def test_a_file_that_cannot_be_read_has_one_fault(tmp_path: Path) -> None:
    (fault,) = read_config(tmp_path, ()).faults
    assert text_of(fault).startswith(f"cannot read the config file {tmp_path}: ")
