"""The thread that computes passwords: what it finds, that it rests, and what it does where it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.shell.waiting import LIMIT_S, run_until
from udpchat.server.derivations import NOBODYS_PASSWORD, Derivation, Derived
from udpchat.session.password_hash import NoArgon2id
from udpchat.shell import deriving
from udpchat.shell.deriving import ThreadDeriver, derive
from udpchat.shell.worker import Worker


def derivation(password: str, phc: str = "", counter: int = 1) -> Derivation:
    return Derivation(b"client", counter, "10.0.0.1", "alice", b"alice", b"alice", password, phc)


def test_a_password_is_hashed_with_a_salt_of_its_own_and_verified() -> None:
    one, other = derive(derivation("correct horse")), derive(derivation("correct horse"))
    assert one is not None and other is not None and one.phc != other.phc
    assert derive(derivation("correct horse", one.phc)) == Derived(is_right=True)
    assert derive(derivation("wrong horse", one.phc)) == Derived(is_right=False)


class Deriver:
    """A `ThreadDeriver`, what it is to compute, and what it found."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *waiting: Derivation) -> None:
        self.waiting = list(waiting)
        self.found: list[tuple[int, Derived | None]] = []
        self.thread = ThreadDeriver(loop, self._drain, self._on_derived)

    def _drain(self) -> list[Derivation]:
        return [self.waiting.pop(0)] if self.waiting else []

    def _on_derived(self, derivation: Derivation, derived: Derived | None, took_s: float) -> None:
        assert took_s >= 0
        self.found.append((derivation.counter, derived))
        self.thread.start()  # as a core's driver does: it rests


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_all_that_waits_is_computed_one_after_the_other(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deriving, "derive", lambda each: Derived(phc=each.password))
    deriver = Deriver(loop, derivation("one", counter=1), derivation("two", counter=2))
    deriver.thread.start()
    deriver.thread.start()
    assert len(deriver.waiting) == 1
    run_until(loop, lambda: len(deriver.found) == 2)
    assert deriver.found == [(1, Derived(phc="one")), (2, Derived(phc="two"))]
    deriver.thread.close()


def test_after_its_end_nothing_is_begun_nor_reported(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deriving, "derive", lambda each: Derived())
    workers: list[Worker] = []

    def begun(loop: asyncio.AbstractEventLoop, name: str, *, is_urgent: bool) -> Worker:
        workers.append(Worker(loop, name, is_urgent=is_urgent))
        return workers[-1]

    monkeypatch.setattr(deriving, "Worker", begun)
    deriver = Deriver(loop, derivation("one"), derivation("two"))
    deriver.thread.start()
    deriver.thread.close()
    deriver.thread.start()
    loop.run_until_complete(asyncio.wait_for(workers[0].idle(), LIMIT_S))  # what was begun is done
    assert deriver.found == [] and len(deriver.waiting) == 1


def _without_argon2id(*arguments: object) -> None:
    raise NoArgon2id


def test_where_there_is_no_argon2id_it_is_said_once_and_nothing_is_weakened(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("hash_password", "is_password"):
        monkeypatch.setattr(deriving, name, _without_argon2id)
    deriver = Deriver(loop, derivation("a secret"), derivation("a secret", NOBODYS_PASSWORD, counter=2))
    deriver.thread.start()
    run_until(loop, lambda: len(deriver.found) == 2)
    deriver.thread.close()
    assert deriver.found == [(1, None), (2, None)]
    assert len(caplog.records) == 1 and "Argon2id" in caplog.text and "secret" not in caplog.text
