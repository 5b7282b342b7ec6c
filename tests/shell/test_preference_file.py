from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from udpchat.chat.phrase import Phrase
from udpchat.shell.preference_file import FILE_BYTES_MAX, FILE_NAME, PreferenceFile
from udpchat.ui.phrases import text_of


def file_in(folder: Path) -> tuple[PreferenceFile, list[Phrase]]:
    reported: list[Phrase] = []
    return PreferenceFile(folder, reported.append), reported


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    file, reported = file_in(tmp_path)
    assert file.load() == {}
    file.save({"theme": "light"})
    file.save({"theme": "dark", "highlight": ["é"]})
    assert file.load() == {"theme": "dark", "highlight": ["é"]}
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert reported == []


@pytest.mark.skipif(os.name == "nt", reason="modes say nothing there")
def test_it_is_the_persons_alone(tmp_path: Path) -> None:
    file_in(tmp_path)[0].save({})
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'"x"', b'{"a": "' + b"x" * FILE_BYTES_MAX + b'"}']
)
def test_what_cannot_be_read_is_set_aside_with_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    file, reported = file_in(tmp_path)
    assert file.load() == {}
    (said,) = reported
    assert text_of(said).startswith(f"cannot read your settings in {tmp_path / FILE_NAME}: no JSON")
    assert (tmp_path / f"{FILE_NAME}.unreadable").read_bytes() == content
    file.save({"theme": "light"})
    assert file.load() == {"theme": "light"}
    assert len(reported) == 1


def test_a_folder_that_takes_no_file_is_said_and_raises_nothing(tmp_path: Path) -> None:
    file, reported = file_in(tmp_path / "gone")
    file.save({"theme": "light"})
    assert [phrase.key for phrase in reported] == ["preferences.unwritable"]
    assert file.load() == {}
