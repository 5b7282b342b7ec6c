"""Where a password is read, and what is told if there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from udpchat.shell.options import CLIENT_SETTINGS, PASSWORD_VARIABLE, PasswordPlace, client_choices
from udpchat.shell.password_source import PasswordUnread, password_at
from udpchat.ui.phrases import text_of


def test_the_first_line_of_a_file_counts_without_the_blanks_around_it(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(" correct horse \r\nsomething else\n", encoding="utf-8")
    assert password_at(PasswordPlace(file=file)) == "correct horse"


def test_nothing_given_is_nothing() -> None:
    assert password_at(PasswordPlace()) == ""


@pytest.mark.parametrize(("data", "told"), [(None, "No such file"), (b"\n", "first line"), (b"\xff\n", "not UTF-8")])
def test_a_file_without_a_password_is_named(data: bytes | None, told: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(PasswordUnread) as unread:
        password_at(PasswordPlace(file=file))
    assert told in text_of(unread.value.phrase) and str(file) in text_of(unread.value.phrase)


def test_what_is_started_from_here_does_not_find_it_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "correct horse")
    chosen = client_choices({}, os.environ, default_config=None, needs_nick=False)
    assert password_at(chosen.password) == "correct horse"
    assert PASSWORD_VARIABLE not in os.environ


def test_the_option_outranks_the_environment_and_that_the_file(tmp_path: Path) -> None:
    config = tmp_path / "client.toml"
    config.write_text('password-file = "of_config"\n', encoding="utf-8")
    flags = {"config": str(config)}

    def place(flags: dict[str, str], environment: dict[str, str]) -> PasswordPlace:
        return client_choices(flags, environment, default_config=None, needs_nick=False).password

    assert place(flags, {}) == PasswordPlace(file=Path("of_config"))
    assert place(flags, {PASSWORD_VARIABLE: "secret"}) == PasswordPlace(text="secret")
    assert place({**flags, "password-file": "x"}, {PASSWORD_VARIABLE: "secret"}) == PasswordPlace(file=Path("x"))


def test_no_option_has_the_password_itself() -> None:
    assert "password" not in CLIENT_SETTINGS
