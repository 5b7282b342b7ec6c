"""Messages of a client that were not confirmed: kept for its next run, listed, or dropped."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from udpchat.chat.events import kind_name
from udpchat.chat.phrase import Phrase
from udpchat.chat.text import json_line, printable
from udpchat.client.own_requests import is_said, room_of
from udpchat.client.stored import RequestDone
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.client_state import report_set_aside
from udpchat.shell.maintenance import replica_of
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.store_interfaces import ClientStore
from udpchat.wire import content, requests
from udpchat.wire.frames import parse_request_untrusted


def discard(store: ClientStore) -> Phrase | None:
    """Drop the requests of earlier runs that have no result; one line that says so, None if there were no messages.

    Raises `StoreError`.
    """
    waiting = store.unanswered()
    store.write([RequestDone(counter) for counter, _ in waiting])
    said = sum(is_said(body) for _, body in waiting)
    return Phrase("dropped", {"count": said}) if said else None


def show(
    data: Path,
    nick: str,
    server: ServerAddress | None,
    *,
    as_json: bool,
    drops: bool,
    write_out: Callable[[str], object],
    say: Callable[[Phrase], object],
) -> None:
    """List what this nick said at a server and did not get confirmed, one line each; forget it if `drops`.

    Raises `OperationFailed`, and `StoreUnusable` while a client of this nick runs: it is sending it.
    """
    path = replica_of(data, nick, server)
    with closing(SqliteClientStore(path)) as store:
        report_set_aside(store, path, say)
        said = [(counter, body) for counter, body in store.unanswered() if is_said(body)]
        draw = json_of if as_json else line_of
        write_out("".join(f"{draw(counter, body)}\n" for counter, body in said))
        if drops:
            say(discard(store) or Phrase("dropped.nothing"))
        elif not said:
            say(Phrase("outbox.empty"))
        else:
            say(Phrase("outbox.waiting", {"count": len(said)}))


def line_of(counter: int, body: bytes) -> str:
    """`17 [lobby] text`: the counter of the request, the room or `@nick`, and the text."""
    request = _said(body)
    mark = {content.TEXT: "", content.ACTION: "* "}.get(request.kind, f"({kind_name(request.kind)}) ")
    text = f"{mark}{request.text}"
    return printable(f"{counter} [{room_of(request)}] {text}")


def json_of(counter: int, body: bytes) -> str:
    """The same as an object: `counter`, `room`, `text`, `kind`."""
    request = _said(body)
    kind = kind_name(request.kind)
    return json_line({"counter": counter, "room": room_of(request), "text": request.text, "kind": kind})


def _said(body: bytes) -> requests.Say | requests.Tell:
    request = parse_request_untrusted(body)
    assert isinstance(request, requests.Say | requests.Tell)
    return request
