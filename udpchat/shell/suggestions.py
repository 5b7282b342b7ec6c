"""Which option of a command line does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

_OPTION: Final = re.compile(r"--?[A-Za-z]")


def unknown_option(arguments: Sequence[str], known: Iterable[str]) -> str | None:
    """The first argument that is written as an option and is none of `known`, or None.

    As `argparse` sees them: `--name=value` is the option `--name`; what holds a space, is a negative number or stands
    behind `--` is no option.
    """
    names = frozenset(known)
    for argument in arguments:
        if argument == "--":
            return None
        option = argument.partition("=")[0]
        if _OPTION.match(option) and " " not in argument and option not in names:
            return option
    return None
