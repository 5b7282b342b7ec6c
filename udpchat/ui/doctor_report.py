"""What a doctor found, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from udpchat.chat.phrase import Phrase
from udpchat.client.diagnosis import Finding
from udpchat.ui.phrases import sentence, text_of


def report_lines(findings: Sequence[Finding], verdict: Phrase) -> list[str]:
    """A line for each finding, one below it for each advice, and the verdict."""
    marks = {True: sentence("report.ok"), False: sentence("report.failed"), None: sentence("report.untried")}
    mark_width, check_width = max(map(len, marks.values())), max(len(finding.check) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{marks[finding.ok]:{mark_width}}  {finding.check:{check_width}}  {text_of(finding.seen)}")
        indent = " " * (mark_width + check_width + 4)
        lines += [indent + sentence("report.to_do", advice=advice) for advice in finding.advice]
    return [*lines, text_of(verdict)]


def report_object(findings: Sequence[Finding], *, ok: bool, server: str | None) -> dict[str, Any]:
    """The same for programs; `ok`: whether one can chat."""
    return {
        "ok": ok,
        "server": server,
        "findings": [
            {
                "check": finding.check,
                "ok": finding.ok,
                "text": text_of(finding.seen),
                "advice": "; ".join(map(text_of, finding.advice)),
            }
            for finding in findings
        ],
    }
