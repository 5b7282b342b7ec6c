from __future__ import annotations

from udpchat.chat.phrase import Phrase
from udpchat.client.diagnosis import Finding
from udpchat.ui.doctor_report import report_lines, report_object

FINDINGS = [
    Finding("clock", True, Phrase("doctor.clock")),
    Finding("refused", False, Phrase("doctor.refused"), (Phrase("advice.start"), Phrase("advice.rejected"))),
    Finding("mdns", None, Phrase("doctor.mdns")),
]


def test_people_get_a_line_for_each_finding_and_below_it_what_to_do() -> None:
    lines = report_lines(FINDINGS, Phrase("doctor.can_chat", {"server": "den"}))
    assert [line[:17].split() for line in lines[:5]] == [["ok", "clock"], ["FAILED", "refused"], [], [], ["-", "mdns"]]
    assert lines[2].strip().startswith("to do: start") and lines[3].strip().startswith("to do: if it runs")
    assert lines[5] == "one can chat with den"


def test_programs_get_one_object() -> None:
    made = report_object(FINDINGS, ok=False, server=None)
    assert made["ok"] is False and made["server"] is None
    assert [(each["check"], each["ok"]) for each in made["findings"]] == [
        ("clock", True), ("refused", False), ("mdns", None),
    ]  # fmt: skip
    assert made["findings"][0]["advice"] == "" and "; if it runs there" in made["findings"][1]["advice"]
