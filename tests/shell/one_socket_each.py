"""`python -m tests.shell.one_socket_each ...`: udpchat as it runs where the kernel names no destinations."""

from __future__ import annotations

import sys
from functools import partial

from udpchat.cli import main
from udpchat.shell import binding
from udpchat.shell import server_app as serve

if __name__ == "__main__":
    binding.ADDRESSES_LOOK_S = 0.1
    serve.open_sockets = partial(binding.open_sockets, has_pktinfo=False)
    sys.exit(main())
