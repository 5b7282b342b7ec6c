"""scripts/bench: each part runs to its end with tiny numbers and says what it found. Nothing of timing is asserted."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scripts.loading import SCRIPTS, load

bench = load("bench")
RUN_S_MAX = 50.0

from measure import processes, tables, tally  # noqa: E402  (found beside the scripts, which `load` has made importable)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / "bench"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=RUN_S_MAX, check=False)


def numbers_of(table: dict[str, Any]) -> list[float]:
    return [cell for row in table["rows"] for cell in row.values() if isinstance(cell, int | float)]


@pytest.mark.parametrize("part", bench.PARTS)
def test_a_quick_run_prints_its_tables_and_writes_them_as_json(part: str, tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    done = run("--quick", part, "--json", str(file))
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["quick"] is True
    assert set(found["conditions"]) >= {"python", "system", "processors", "cryptography", "msgspec"}
    assert list(found["parts"]) == [part]
    for table in found["parts"][part]:
        assert table["title"] in done.stdout
        assert table["rows"]
        assert all(math.isfinite(number) and number >= 0 for number in numbers_of(table))


def test_without_a_name_all_parts_are_meant_and_in_one_order() -> None:
    parser = bench.argument_parser()
    assert bench.parts_of(parser.parse_args([]), parser) == list(bench.PARTS)
    assert bench.parts_of(parser.parse_args(["durable", "fanout"]), parser) == ["fanout", "durable"]
    assert bench.parts_of(parser.parse_args(["--loss"]), parser) == ["loss"]


def test_an_unknown_part_is_one_line_and_exit_2() -> None:
    done = run("speed")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("bench: error: no such part: speed")


def test_an_unknown_attack_is_one_line_and_exit_2() -> None:
    done = run("attack", "--only", "noise")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("bench: error: no such attack: noise")


def test_a_table_is_flush_and_rounds_for_people_only() -> None:
    table = tables.Table("costs", ("who", "us"), notes=["measured here"])
    table.add("one", 1234.5678)
    table.add("another", None)
    lines = ["costs", "who         us", "one      1,235", "another      -", "  measured here"]
    assert table.render().splitlines() == lines
    assert table.data()["rows"] == [{"who": "one", "us": 1234.5678}, {"who": "another", "us": None}]


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 3), (0.99, 4), (1.0, 4)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert tables.percentile([4, 1, 3, 2], share) == value


def test_a_message_is_done_when_the_last_peer_has_it_and_all_before_it_are() -> None:
    count = tally.Tally(2)
    count.begin(1.0)
    count.begin(2.0)
    for now, number in ((3.0, 1), (4.0, 1), (5.0, 0)):
        count.on_message(now, number)
    assert (count.done, count.taken_s) == (0, [])
    count.on_message(6.0, 0)
    assert (count.done, count.taken_s) == (2, [5.0, 4.0])


def test_never_more_are_under_way_than_were_asked_for() -> None:
    count, most = tally.Tally(1), 0
    waiting: list[int] = []

    def turn(wait_s: float) -> None:
        nonlocal most
        most = max(most, len(waiting))
        count.on_message(0.0, waiting.pop(0))

    tally.run(count, messages=20, in_flight=3, say=lambda number, text: waiting.append(number), turn=turn)
    assert (count.done, most) == (20, 3)


def test_this_process_has_used_cpu_time_and_a_dead_one_has_not() -> None:
    used_s = processes.cpu_s(os.getpid())
    assert used_s is None or used_s > 0
    assert processes.cpu_s(2**22 + 1) is None


@pytest.mark.parametrize(("text", "seconds"), [("0:00.05", 0.05), ("01:02:03", 3723), ("2-00:00:01", 172_801)])
def test_where_there_is_no_proc_the_clock_of_ps_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, seconds: float
) -> None:
    said = subprocess.CompletedProcess([], 0, stdout=f" {text}\n")
    monkeypatch.setattr(processes, "PROC", tmp_path)
    monkeypatch.setattr(processes.sys, "platform", "darwin")
    monkeypatch.setattr(processes.subprocess, "run", lambda command, **_: said)
    assert processes.cpu_s(7) == pytest.approx(seconds)
