"""A server in the background: hosted once, found again, not hosted beside one used elsewhere, stopped by word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.shell.waiting import LIMIT_S, ROOT, Program, free_port, serving, url_of
from tests.worded import worded
from udpchat.chat.phrase import Phrase
from udpchat.shell import hosting
from udpchat.shell.addresses import ServerAddress, parse_server
from udpchat.shell.hosting import Hosting, host, status, status_phrase, stop
from udpchat.shell.maintenance import LOG_FILE, OperationFailed
from udpchat.storage.lock import StoreLock, holder_of
from udpchat.ui.phrases import text_of


class Reports(list[str]):
    """What a person is told."""

    def add(self, phrase: Phrase) -> None:
        self.append(text_of(phrase))


@pytest.fixture
def reports() -> Reports:
    return Reports()


def fake_server(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(hosting, "SERVER", ("-c", program))


def test_it_is_hosted_found_again_and_stopped_as_often_as_one_likes(hosted: Hosting, reports: Reports) -> None:
    here = ServerAddress("127.0.0.1", hosted.port)
    assert host(hosted, reports.add) == here
    process = holder_of(hosted.data / LOG_FILE)
    assert f":{hosted.port}#" in reports[0] and f"process {process}" in reports[0]
    assert reports[0].endswith(f"to stop it: scripts/chat stop --data {hosted.data}")
    assert host(hosted, reports.add) == here
    assert reports[1].startswith(f"joining the server of this machine, {here.url} (process {process}); to stop it:")
    stop(hosted, reports.add)
    stop(hosted, reports.add)
    assert reports[2:] == [f"stopped the server (process {process})", f"no server runs on {hosted.data}"]
    assert host(hosted, reports.add) == here  # what an earlier server printed is not believed
    assert str(holder_of(hosted.data / LOG_FILE)) in reports[-1]


def test_one_that_runs_at_another_port_is_found_by_what_it_printed(hosted: Hosting, reports: Reports) -> None:
    there = host(hosted, reports.add)
    other = Hosting(hosted.data, free_port(), None, "scripts/chat")
    assert host(other, reports.add) == there


def test_a_server_of_somebody_else_at_the_port_is_joined(hosted: Hosting, reports: Reports, tmp_path: Path) -> None:
    with Program("server", "--port", str(hosted.port), "--data", tmp_path / "other") as other:
        url_of(other)
        assert host(hosted, reports.add) == ServerAddress("127.0.0.1", hosted.port)
        assert "which is not of this data folder" in reports[0]
        stop(hosted, reports.add)
        assert other.process.poll() is None


def test_why_it_cannot_be_hosted_is_one_line(
    hosted: Hosting, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_server(monkeypatch, "import sys; print('ready'); sys.exit('the data folder is full')")
    with worded(OperationFailed, match=r"^cannot host: the data folder is full$"):
        host(hosted, reports.add)
    fake_server(monkeypatch, "")
    with worded(OperationFailed, match=r"without a word: see .*server\.log"):
        host(hosted, reports.add)


def test_one_that_never_gets_ready_is_not_waited_for_forever(
    hosted: Hosting, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosting, "READY_S_MAX", 0.0)
    fake_server(monkeypatch, "")
    with worded(OperationFailed, match="not ready after 0 s"):
        host(hosted, reports.add)


def test_what_it_prints_does_not_grow_for_ever(
    hosted: Hosting, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted.output.write_bytes(b"x" * (hosting.OUTPUT_BYTES_MAX + 1))
    fake_server(monkeypatch, "import sys; sys.exit('the end')")
    with pytest.raises(OperationFailed):
        host(hosted, reports.add)
    assert hosted.output.read_bytes() == b"the end\n"


def test_of_two_that_host_at_once_one_joins_what_the_other_hosts(hosted: Hosting, reports: Reports) -> None:
    """Each starts a server before it sees that of the other, and both servers print to one file.

    As found: the second server waited for the folder, and served once the first was stopped.
    """
    hosting_it = (
        "import sys; from pathlib import Path; from udpchat.shell.hosting import Hosting, host;"
        "hosting = Hosting(Path(sys.argv[1]), int(sys.argv[2]), None, 'scripts/chat');"
        "print('about to', flush=True); sys.stdin.readline(); host(hosting, lambda said: print(said.key))"
    )
    command = [sys.executable, "-c", hosting_it, str(hosted.data), str(hosted.port)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    with subprocess.Popen(command, **pipes) as one, subprocess.Popen(command, **pipes) as two:
        for process in (one, two):
            assert process.stdout and process.stdout.readline() == "about to\n"
        for process in (one, two):
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        said = sorted(process.communicate(timeout=LIMIT_S)[0] for process in (one, two))
    assert said == ["hosting\n", "hosting.joined\n"]
    stop(hosted, reports.add)
    if os.name == "nt":
        return  # there a venv's Python starts another, and the second is not ended
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(hosted.data) not in processes


# --- Stopped ----------


def test_one_started_by_hand_on_the_folder_is_stopped_too(tmp_path: Path, reports: Reports) -> None:
    with serving(tmp_path) as running:
        port = parse_server(url_of(running)).port
        stop(Hosting(tmp_path, port, None, "udpchat"), reports.add)
        assert running.code() == 0
    assert reports == [f"stopped the server (process {running.process.pid})"]


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot ask a process to end")
def test_one_that_does_not_stop_is_reported(
    hosted: Hosting, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosting, "STOPPED_S_MAX", 0.1)
    held = f"import sys; from pathlib import Path; from udpchat.storage.lock import StoreLock; import signal, time;\
signal.signal(signal.SIGTERM, signal.SIG_IGN); lock = StoreLock(Path({str(hosted.data / LOG_FILE)!r}));\
print('ready udpchat://127.0.0.1:5', flush=True); time.sleep(60)"
    fake_server(monkeypatch, held)
    monkeypatch.setattr(hosting, "ANSWER_S_MAX", 0.05)
    host(hosted, reports.add)
    with worded(OperationFailed, match="still runs after"):
        stop(hosted, reports.add)
    process = holder_of(hosted.data / LOG_FILE)
    assert process is not None
    os.kill(process, signal.SIGKILL)


def test_the_command_to_stop_needs_no_folder_where_it_is_the_usual_one() -> None:
    usual = hosting.data_folder()
    assert Hosting(usual, 1, None, "udpchat").stop_command == "udpchat stop"
    assert Hosting(Path("/a b"), 1, None, "udpchat").stop_command == "udpchat stop --data '/a b'"


def test_its_status_says_whether_it_runs_where_and_whether_it_answers(hosted: Hosting) -> None:
    none = {"running": False, "process": None, "server": None, "fingerprint": None, "answers": False}
    assert status(hosted) == none
    url = host(hosted, lambda line: None).url
    found = status(hosted)
    process, fingerprint = holder_of(hosted.data / LOG_FILE), found["fingerprint"]
    expected = {"running": True, "process": process, "server": url, "fingerprint": fingerprint, "answers": True}
    assert found == expected and len(fingerprint) == 32
    assert text_of(status_phrase(hosted, found)).startswith(f"{url} runs in the background (process {process}, ")
    stop(hosted, lambda line: None)
    assert status(hosted) == none


def test_the_status_of_one_that_does_not_answer_says_so(hosted: Hosting) -> None:
    lock = StoreLock(hosted.data / LOG_FILE)
    said = text_of(status_phrase(hosted, status(hosted)))
    lock.release()
    assert said == (
        f"a server runs (process {os.getpid()}, log {hosted.output}),"
        f" but does not answer at udpchat://127.0.0.1:{hosted.port}"
    )
