"""``python -m udpchat``: the same as the console script ``udpchat``."""

from __future__ import annotations

from udpchat.launch import main

main()
