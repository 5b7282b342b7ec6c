"""Opens links with what the desktop has for them, if this process has a desktop that its person sees."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from threading import Thread
from typing import Final

_HOST: Final = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)  # with all that stands before it
LIMIT_S: Final = 30.0  # longer than a browser takes to begin; what has not ended by then is ended
DISPLAYS: Final = ("DISPLAY", "WAYLAND_DISPLAY")
REMOTE: Final = ("SSH_CONNECTION", "SSH_TTY")


def has_desktop(environment: Mapping[str, str], platform: str) -> bool:
    """Whether a browser would open on a screen that the person of this process sees."""
    if any(environment.get(name) for name in REMOTE):
        return False
    return platform in ("win32", "darwin") or any(environment.get(name) for name in DISPLAYS)


def open_link(url: str) -> bool:
    """Have the desktop open a link, without waiting for it.

    False if there is no desktop, or it is no web address, or one whose host can be taken for another: by letters that
    look like others, or by what stands before an `@`.
    """
    host = _HOST.match(url)
    is_plain = host is not None and host[1].isascii() and not set(host[1]) & set("@\\")
    if not is_plain or not has_desktop(os.environ, sys.platform):
        return False
    Thread(target=_open, args=(url,), daemon=True).start()
    return True


def _open(url: str) -> None:
    """In a process of its own, without a terminal: a browser writes to its own, and may not end for long. No shell."""
    command = [sys.executable, "-I", "-m", "webbrowser", url]
    nothing = subprocess.DEVNULL
    with suppress(OSError, subprocess.SubprocessError):
        subprocess.run(
            command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True, timeout=LIMIT_S, check=False
        )
