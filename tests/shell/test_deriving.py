"""The thread that computes passwords: what it finds, that it rests, and what it does where it cannot."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Iterator

import pytest

from tests.shell.waiting import run_until
from udpchat.server.derivations import NOBODYS_PASSWORD, Derivation, Derived
from udpchat.shell import deriving
from udpchat.shell.deriving import ThreadDeriver, derive
from udpchat.wire.limits import PASSWORD_MEMORY_KIB, PASSWORD_PASSES


def derivation(password: str, phc: str = "", counter: int = 1) -> Derivation:
    return Derivation(b"client", counter, "10.0.0.1", "alice", b"alice", b"alice", password, phc)


def hashed(password: str) -> str:
    found = derive(derivation(password))
    assert found is not None
    return found.phc


def test_a_password_is_hashed_with_argon2id_and_a_salt_of_its_own() -> None:
    one, other = hashed("correct horse"), hashed("correct horse")
    assert one.startswith(f"$argon2id$v=19$m={PASSWORD_MEMORY_KIB},t={PASSWORD_PASSES},p=1$") and one != other
    assert derive(derivation("correct horse", one)) == Derived(is_right=True)
    assert derive(derivation("wrong horse", one)) == Derived(is_right=False)


def test_a_password_is_the_same_however_its_letters_are_composed() -> None:
    typed = "zw\u00f6lf Boxk\u00e4mpfer"
    phc = hashed(unicodedata.normalize("NFD", typed))
    assert derive(derivation(unicodedata.normalize("NFC", typed), phc)) == Derived(is_right=True)


@pytest.mark.parametrize("phc", [NOBODYS_PASSWORD, "no such thing", "$argon2id$v=19$m=8,t=1,p=1$AA$AA"])
def test_nothing_is_the_password_of_nobody_nor_of_what_is_no_hash(phc: str) -> None:
    assert derive(derivation("correct horse", phc)) == Derived(is_right=False)


def test_the_password_of_nobody_is_a_hash_that_is_computed() -> None:
    """Else its refusal would take no time."""
    import time

    phc = hashed("correct horse")
    spans: dict[str, float] = {}
    for each in (phc, NOBODYS_PASSWORD):
        began = time.process_time()
        derive(derivation("wrong horse", each))
        spans[each] = time.process_time() - began
    assert spans[NOBODYS_PASSWORD] > spans[phc] / 4


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
    deriver = Deriver(loop, derivation("one"), derivation("two"))
    deriver.thread.start()
    deriver.thread.close()
    deriver.thread.start()
    loop.run_until_complete(asyncio.sleep(0.05))
    assert deriver.found == [] and len(deriver.waiting) == 1


def test_where_there_is_no_argon2id_it_is_said_once_and_nothing_is_weakened(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(deriving, "_argon2id", lambda: None)
    deriver = Deriver(loop, derivation("a secret"), derivation("a secret", NOBODYS_PASSWORD, counter=2))
    deriver.thread.start()
    run_until(loop, lambda: len(deriver.found) == 2)
    deriver.thread.close()
    assert deriver.found == [(1, None), (2, None)]
    assert len(caplog.records) == 1 and "Argon2id" in caplog.text and "secret" not in caplog.text
