"""`python -m tests.shell.reborn server|client ...`: the program in a child, and in another whenever one is killed.

Prints `pid N` for each, on standard output, which they share. Of a client that was killed it also prints what its
outbox holds: `{"event": "outbox", "texts": [...]}`. Ends as the first child does that ends by itself.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from pathlib import Path

from udpchat import cli
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.wire.frames import parse_request_untrusted
from udpchat.wire.requests import Say


def outbox(data: Path) -> list[str]:
    """What was said and not answered, in the one store of this folder."""
    texts = []
    for path in (data / "clients").rglob("*.sqlite"):
        with closing(SqliteClientStore(path)) as store:
            requests = [parse_request_untrusted(body) for _, body in store.load().unanswered]
            texts += [request.text for request in requests if isinstance(request, Say)]
    return texts


def main(arguments: list[str]) -> int:
    """The exit code of the last child."""
    while True:
        pid = os.fork()
        if pid == 0:
            return cli.main(arguments)
        print(f"\npid {pid}", flush=True)  # on a line of its own: who was killed may have left one without an end
        _, status = os.waitpid(pid, 0)
        if not os.WIFSIGNALED(status):
            return os.waitstatus_to_exitcode(status)
        if arguments[0] == "client":
            texts = outbox(Path(arguments[arguments.index("--data") + 1]))
            print(f"\n{json.dumps({'event': 'outbox', 'texts': texts})}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
