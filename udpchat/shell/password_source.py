"""The password that a person gives a client outside of the chat: in a file, or in the environment."""

from __future__ import annotations

import os
from typing import Final

from udpchat.chat.phrase import Problem
from udpchat.shell.options import PASSWORD_VARIABLE, PasswordPlace

FILE_BYTES_MAX: Final = 64 * 1024  # of which the first line counts


class PasswordUnread(Problem):
    """There is no password where one should be."""


def password_at(place: PasswordPlace) -> str:
    """The password, without blanks around it; empty if none was given. Raises `PasswordUnread`.

    It is taken out of the environment, where programs that this one starts would find it.
    """
    os.environ.pop(PASSWORD_VARIABLE, None)
    if place.file is None:
        return place.text.strip()
    try:
        with place.file.open("rb") as file:
            lines = file.read(FILE_BYTES_MAX).decode("utf-8").splitlines()
    except OSError as error:
        raise PasswordUnread("password_file.unread", path=place.file, reason=error.strerror) from error
    except UnicodeDecodeError as error:
        raise PasswordUnread("password_file.no_utf8", path=place.file) from error
    if not lines or not lines[0].strip():
        raise PasswordUnread("password_file.empty_line", path=place.file)
    return lines[0].strip()
