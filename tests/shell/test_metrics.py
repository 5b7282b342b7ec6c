"""The page for Prometheus: read back by the library's own parser."""

from __future__ import annotations

import re

from prometheus_client.parser import text_string_to_metric_families

from udpchat import __version__
from udpchat.server.usage import Usage
from udpchat.shell.metrics import prometheus_text
from udpchat.shell.snapshot import Snapshot
from udpchat.shell.write_times import BOUNDS_S, WriteTimes

TAKEN = Snapshot(
    uptime_s=61.5,
    trouble="",
    peers=3,
    rooms=2,
    messages=17,
    drops={"bad seal": 2, "not sent: EPERM": 1},
    budgets=(Usage("peers", 3, 20_000), Usage("empty rooms", 1, 4_096)),
    queues=(Usage("queries", 4, 64),),
    writes=WriteTimes((5, 3, *[0] * (len(BOUNDS_S) - 2), 1), 2.5),
    disk_free_bytes=1e9,
    delay_s=0.002,
)


def samples(taken: Snapshot, *, memory_bytes: int = 5_000) -> dict[tuple[str, str], float]:
    """Values by the name of the metric and the only label, if it has one."""
    families = text_string_to_metric_families(prometheus_text(taken, memory_bytes=memory_bytes).decode())
    found = [sample for family in families for sample in family.samples]
    return {(sample.name, next(iter(sample.labels.values()), "")): sample.value for sample in found}


def test_all_numbers_of_a_snapshot_are_there() -> None:
    found = samples(TAKEN)
    assert found["udpchat_build_info", __version__] == 1
    plain = {name.removeprefix("udpchat_"): value for (name, label), value in found.items() if not label}
    del plain["write_duration_seconds_count"], plain["write_duration_seconds_sum"]
    assert plain == {
        "uptime_seconds": 61.5, "writable": 1, "peers": 3, "rooms": 2, "messages_total": 17,
        "loop_delay_seconds": 0.002, "disk_free_bytes": 1e9, "resident_memory_bytes": 5_000,
    }  # fmt: skip
    assert found["udpchat_drops_total", "bad seal"] == 2 and found["udpchat_drops_total", "not sent: EPERM"] == 1
    assert (found["udpchat_budget_used", "empty rooms"], found["udpchat_budget_limit", "empty rooms"]) == (1, 4_096)
    assert (found["udpchat_queue_used", "queries"], found["udpchat_queue_limit", "queries"]) == (4, 64)


def test_writes_are_a_histogram_that_counts_upwards() -> None:
    found = samples(TAKEN)
    bucket = "udpchat_write_duration_seconds_bucket"
    assert [found[bucket, edge] for edge in ("0.001", "0.0025", "1.0", "+Inf")] == [5, 8, 8, 9]
    assert found["udpchat_write_duration_seconds_count", ""] == 9
    assert found["udpchat_write_duration_seconds_sum", ""] == 2.5


def test_what_is_unknown_is_left_out_and_trouble_is_a_zero() -> None:
    found = samples(TAKEN.changed(trouble="no room", disk_free_bytes=float("inf")), memory_bytes=0)
    assert found["udpchat_writable", ""] == 0
    assert not {("udpchat_disk_free_bytes", ""), ("udpchat_resident_memory_bytes", "")} & set(found)


def test_every_metric_has_a_help_and_a_name_as_prometheus_wants_it() -> None:
    page = prometheus_text(TAKEN, memory_bytes=1).decode()
    helped = re.findall(r"^# HELP (\S+) (\S.*)$", page, re.MULTILINE)
    typed = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))
    assert [name for name, _ in helped] == list(typed) and len(typed) == len(set(typed)) == 15
    for name, kind in typed.items():
        assert re.fullmatch(r"udpchat_[a-z_]+", name)
        assert name.endswith("_total") == (kind == "counter")
        assert not re.search(r"_(?:ms|kb|mb|minutes)\b", name)


def test_a_reason_that_is_odd_breaks_no_line() -> None:
    found = samples(TAKEN.changed(drops={'a "quoted" \\ reason\nof two lines': 4}))
    assert found["udpchat_drops_total", 'a "quoted" \\ reason\nof two lines'] == 4
