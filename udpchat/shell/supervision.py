"""What looks at a running server from outside: the manager that started it, and whoever reads its pages; and what is
done each minute for those who read its log.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

from udpchat.chat.text import counted
from udpchat.shell.addresses import ListenAddress, place
from udpchat.shell.http_pages import open_http_socket
from udpchat.shell.snapshot import Snapshot
from udpchat.shell.systemd import SystemdNotices

if TYPE_CHECKING:
    from udpchat.shell.monitoring import Monitoring

T = TypeVar("T")
EVERY_S: Final = 60.0

_logger = logging.getLogger("udpchat.server")


class Supervision:
    """Reports to all of them. `take` gives the state of the server; `on_minute` is called at the start, then every
    EVERY_S.

    Raises `EndpointError` if `metrics` cannot be listened at. Used from the thread of `loop`.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        metrics: ListenAddress | None,
        take: Callable[[], Snapshot],
        on_minute: Callable[[], None],
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._loop = loop
        self._take = take
        self._on_minute = on_minute
        self._systemd = SystemdNotices(loop, environment)
        self._monitoring: Monitoring | None = None
        self._url = ""
        self._timer: asyncio.TimerHandle | None = None
        if metrics is not None:
            from udpchat.shell.monitoring import Monitoring  # it needs a library that others need not have

            listening = open_http_socket(metrics.host, metrics.port)
            self._url = f"http://{place(metrics.host, listening.getsockname()[1])}"
            self._monitoring = Monitoring(loop, listening, take)

    def start(self) -> None:
        """The server serves."""
        self._minute()
        if self._monitoring is not None:
            self._monitoring.start()
            _logger.info("answering at %s/metrics and %s/healthz", self._url, self._url)
        self._systemd.ready(self._status())

    def reload(self, work: Callable[[], T]) -> T:
        """What the work gives, of which systemd knows that settings are being taken over."""
        self._systemd.reloading()
        try:
            return work()
        finally:
            self._systemd.ready(self._status())

    def stop(self) -> None:
        """The server stops: look no more. Also if it never started."""
        if self._timer is not None:
            self._timer.cancel()
        self._systemd.stopping()
        if self._monitoring is not None:
            self._monitoring.close()

    def _minute(self) -> None:
        self._on_minute()
        if self._timer is not None:
            self._systemd.say(self._status())
        self._timer = self._loop.call_later(EVERY_S, self._minute)

    def _status(self) -> str:
        """One line for `systemctl status`."""
        snapshot = self._take()
        if snapshot.trouble:
            return f"messages are refused: {snapshot.trouble}"
        return f"{counted(snapshot.peers, 'device')} connected, {counted(snapshot.rooms, 'room')} open"
