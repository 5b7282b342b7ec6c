"""What a server writes and prints in a whole session with all kinds of secrets, at the level that tells most."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.shell.waiting import Program, chatting, serving, url_of

PASSWORD, WRONG = "correct-horse-battery", "incorrect-horse-battery"
SAID, TOLD, ANNOUNCED = "said-in-the-room-4711", "told-to-bob-alone-4712", "announced-to-all-4713"
TOPIC, AWAY = "topic-of-the-room-4714", "away-for-a-reason-4715"


def run(*words: str | Path) -> list[str]:
    """What a program printed that ended with 0."""
    with Program(*words) as program:
        program.end_input()
        assert program.code() == 0, program.rest_of(program.err)
        return program.rest_of(program.out)


def talk(nick: str, url: str, data: Path, *lines: str, given: tuple[str, ...] = (), code: int = 0) -> Program:
    """A client that typed these lines, and has ended with this code."""
    with chatting(nick, url, data, *given) as client:
        client.type(*lines)
        client.end_input()
        assert client.code() == code, client.rest_of(client.err)
    return client


def code_in(client: Program) -> str:
    """The one-time code that a client was shown."""
    (event,) = client.events("code")
    return str(event["code"])


@pytest.mark.timeout(180)
def test_no_text_password_or_code_is_in_any_log_and_no_password_or_code_in_any_file(tmp_path: Path) -> None:
    data, log = tmp_path / "server", tmp_path / "server.log"
    for name, text in (("right", PASSWORD), ("wrong", WRONG)):
        (tmp_path / name).write_text(f"{text}\n", encoding="utf-8")
    given = ("--log-level", "debug", "--log-file", str(log), "--log-format", "json")
    with serving(data, *given) as server:
        url = url_of(server)
        right, wrong = ("--password-file", str(tmp_path / "right")), ("--password-file", str(tmp_path / "wrong"))
        talk("bob", url, tmp_path / "bob", "hello")
        alice = talk(
            "alice", url, tmp_path / "alice", SAID, f"/msg bob {TOLD}", f"/topic {TOPIC}", f"/away {AWAY}", "/link"
        )
        run("client", "password", "--nick", "alice", "--server", url, "--data", tmp_path / "alice", *right)
        talk("alice", url, tmp_path / "second", given=wrong, code=4)
        talk("alice", url, tmp_path / "second", given=right)
        codes = [code_in(alice)]
        talk("alice", url, tmp_path / "third", given=("--link", codes[0]))
        for words in (("invite", "carol"), ("account", "reset", "bob")):
            codes += run("server", *words, "--data", data)
        run("server", "announce", ANNOUNCED, "--data", data)
        talk("alice", url, tmp_path / "fourth", given=("--link", "AAAA-BBBB-CCCC-DDDD"), code=4)
        server.process.terminate()
        assert server.code() == 0
        printed = "\n".join(server.rest_of(server.err)).encode()
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert {"entered", "left", "refused", "act"} <= {event.get("event") for event in events}
    written = {path: path.read_bytes() for path in (log, *data.rglob("*")) if path.is_file()}
    assert {"server.sqlite", "activity.log", "server.log"} <= {path.name for path in written}
    secrets = [PASSWORD, WRONG, *codes, *(code.replace("-", "") for code in codes)]
    for path, content in {**written, Path("stderr"): printed}.items():
        assert not [secret for secret in secrets if secret.encode() in content], path
        if path.suffix != ".sqlite":  # where texts belong
            texts = (SAID, TOLD, ANNOUNCED, TOPIC, AWAY)
            assert not [text for text in texts if text.encode() in content], path
