"""The slowest lines of a room of 50: quiet, and while others guess passwords or flood it."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from pathlib import Path
from statistics import median

from measure.attack import ADVERSARIES, FULL, QUICK, fill_used, run_attack
from measure.tables import Table, percentile
from udpchat.shell.maintenance import LOG_FILE
from udpchat.wire.limits import FRAMES_MAX

REPETITIONS = 3
SHARE = 0.99
TIMES_MAX = 2.0
ROOM = dataclasses.replace(FULL, people=50, quiet_s=6.0, attack_s=10.0, old_messages=2_000, is_alike=True)
SMALL = dataclasses.replace(QUICK, is_alike=True)
CASES = (("sources", "elsewhere"), ("person", "logins"), ("sources", "logins"), ("person", "talk"))
GUESSES = {"logins": FRAMES_MAX}  # in a datagram
COLUMNS = ("adversary: attack", "sent/s", "guesses/s", "quiet p99 ms", "p99 ms", "times", "least", "most", "holds")


def measure(*, quick: bool) -> list[Table]:
    """The part `room`."""
    scale = SMALL if quick else ROOM
    table = Table(f"room: the slowest of 100 lines in a room of {scale.people}, quiet and attacked", COLUMNS)
    with tempfile.TemporaryDirectory(prefix="udpchat-bench-", ignore_cleanup_errors=True) as folder:
        used = Path(folder) / LOG_FILE
        fill_used(used, scale.old_messages)
        for name, kind in CASES[1:2] if quick else CASES:
            print(f"  {name}: {kind}", file=sys.stderr, flush=True)
            found = [run_attack(used, ADVERSARIES[name], kind, scale) for _ in range(1 if quick else REPETITIONS)]
            quiet = [percentile(each.quiet.lines_s, SHARE) for each in found]
            attacked = [percentile(each.attacked.lines_s, SHARE) for each in found]
            times = [under / without for under, without in zip(attacked, quiet, strict=True)]
            sent = median(each.sent.datagrams / each.sent.wall_s if each.sent.wall_s else 0.0 for each in found)
            holds = "yes" if median(times) <= TIMES_MAX else "p99"
            guesses = round(sent * GUESSES[kind]) if kind in GUESSES else None
            milliseconds = (1e3 * median(quiet), 1e3 * median(attacked))
            row = (round(sent), guesses, *milliseconds, median(times), min(times), max(times), holds)
            table.add(f"{name}: {kind}", *row)
    table.notes += [
        f"Medians of {REPETITIONS} runs, each with a server of its own: {scale.quiet_s:.0f} s quiet, then"
        f" {scale.attack_s:.0f} s under attack; least and most are the times of single runs. Newcomers come in both,"
        " and the adversary, where the system allows it, has only the processor time that all others leave.",
        f"holds: the median is at most {TIMES_MAX:.0f} times quiet. elsewhere: the same datagrams to nobody, which is"
        " what the machine makes of it.",
    ]
    return [table]
