"""Notifications of the desktop, by the library `desktop-notifier`, which is installed with `udpchat[notify]`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from udpchat.chat.phrase import Phrase

if TYPE_CHECKING:
    from desktop_notifier import DesktopNotifier

APP_NAME: Final = "udpchat"
PLAIN_TEXT_SYSTEMS: Final = ("win32", "darwin")  # others take the body, not the title, for markup: <b>, <a>, <img>


class Desktop:
    """Shows notifications while an event loop runs. `report` prints one line, once, if the desktop shows none."""

    def __init__(self, report: Callable[[Phrase], object]) -> None:
        self._report = report
        self._notifier: DesktopNotifier | None = None
        self._showing: asyncio.Task[None] | None = None
        self._is_unable = False

    def show(self, title: str, body: str) -> None:
        """Show a notification soon; none while the one before is still on its way, or if one failed."""
        if not self._is_unable and (self._showing is None or self._showing.done()):
            self._showing = asyncio.get_running_loop().create_task(self._show(title, body))

    async def _show(self, title: str, body: str) -> None:
        import html  # brings a table of 2,000 entities, which a start need not wait for

        try:
            if self._notifier is None:
                from desktop_notifier import DesktopNotifier  # optional, and slow to import

                self._notifier = DesktopNotifier(app_name=APP_NAME)
            message = body if sys.platform in PLAIN_TEXT_SYSTEMS else html.escape(body, quote=False)
            await self._notifier.send(title=title, message=message)
        except ImportError:
            self._fail(Phrase("desktop.missing"))
        except Exception as error:  # whatever the desktop's service does to it: the chat goes on
            self._fail(Phrase("desktop.failed", {"reason": f"{type(error).__name__}: {error}"}))

    def _fail(self, reason: Phrase) -> None:
        self._is_unable = True
        self._report(reason)
