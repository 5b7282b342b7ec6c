"""`udpchat doctor` as a program; what it finds on networks: tests/lan/test_doctor."""

from __future__ import annotations

import json
from pathlib import Path

from tests.shell.waiting import Program, free_port, serving, url_of
from udpchat.client.diagnosis import CHECKS


def test_programs_get_one_object_and_an_exit_code(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server, Program("doctor", url_of(server), "--json") as doctor:
        found = json.loads(doctor.line())
        assert doctor.code() == 0
    assert found["ok"] is True and found["server"].startswith("udpchat://127.0.0.1:")
    assert [each["check"] for each in found["findings"]] == list(CHECKS)
    assert all(set(each) == {"check", "ok", "text", "advice"} for each in found["findings"])


def test_without_a_server_it_is_the_one_used_last(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "last_server").write_text(f"udpchat://127.0.0.1:{port}\n")
    with Program("doctor", "--data", tmp_path, "--timeout", "5") as doctor:
        assert doctor.code() == 3
        lines = doctor.rest_of(doctor.out)
    assert any(line.startswith("FAILED  refused") and str(port) in line for line in lines)


def test_an_address_that_is_none_is_one_line() -> None:
    with Program("doctor", "two words") as doctor:
        assert doctor.code() == 2
        assert "is no server address" in "".join(doctor.rest_of(doctor.err))
