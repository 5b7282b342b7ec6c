"""``python -m udpchat``: the same as the console script ``udpchat``."""

from __future__ import annotations

import sys

from udpchat.cli import main

sys.exit(main())
