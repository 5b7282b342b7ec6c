"""`udpchat doctor` and `udpchat-server doctor`: look at the path to a server, and print what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from udpchat.chat.exit_codes import ExitCode
from udpchat.chat.phrase import Phrase
from udpchat.chat.text import json_line
from udpchat.client.diagnosis import Finding, Served, judge, judge_server, no_server
from udpchat.shell.addresses import SCHEME, ServerAddress
from udpchat.shell.data_folder import DataUnusable, KnownServers, last_server
from udpchat.shell.interfaces import hosts_to_name
from udpchat.shell.net import machine
from udpchat.shell.net.examination import examine
from udpchat.shell.operating.address_file import read_address
from udpchat.ui.doctor_report import report_lines, report_object

TIMEOUT_S: Final = 15.0
DROPS: Final = "drops."  # of what was dropped and refused, in the status of a server


def run(server: ServerAddress | None, data: Path, *, as_json: bool, timeout_s: float) -> tuple[list[str], ExitCode]:
    """The lines to print, and the exit code. Without a server: the one used last, else the first one that is found."""
    servers = KnownServers(data)

    def known(meant: ServerAddress) -> str:
        try:
            return meant.fingerprint or servers.fingerprint(meant.name) or ""
        except DataUnusable:  # a client reports it
            return ""

    seen = examine(server or last_server(data), known=known, timeout_s=timeout_s, follows=server is None)
    verdict = Phrase("doctor.can_chat" if seen.can_chat else "doctor.cannot_chat", {"server": seen.server})
    url = f"{SCHEME}{seen.server}" if seen.server else None
    return report(judge(seen), verdict, ok=seen.can_chat, server=url, as_json=as_json)


def run_at_server(data: Path, status: Mapping[str, Any] | None, *, as_json: bool) -> tuple[list[str], ExitCode]:
    """The same for the server of this folder, as its machine sees it. `status`: what it reports; None: none runs."""
    address = read_address(data)
    if status is None or address is None:
        verdict = Phrase("doctor.not_serving", {"data": data})
        return report(no_server(str(data)), verdict, ok=False, server=None, as_json=as_json)
    near = address.changed(host=hosts_to_name(["::"])[0])  # where others reach it, if it is bound to all addresses
    seen = examine(near, known=lambda meant: meant.fingerprint, timeout_s=TIMEOUT_S)
    drops = {name.removeprefix(DROPS): count for name, count in status.items() if name.startswith(DROPS)}
    served = Served(drops, machine.socket_drops(address.port), status.get("probes", 0))
    verdict = Phrase("doctor.serving" if seen.can_chat else "doctor.not_serving", {"data": data})
    return report(judge_server(seen, served), verdict, ok=seen.can_chat, server=near.url, as_json=as_json)


def report(
    findings: list[Finding], verdict: Phrase, *, ok: bool, server: str | None, as_json: bool
) -> tuple[list[str], ExitCode]:
    """Findings as lines, and the exit code."""
    lines = [json_line(report_object(findings, ok=ok, server=server))] if as_json else report_lines(findings, verdict)
    return lines, ExitCode.DONE if ok else ExitCode.NO_SERVER
