"""The engine: a planted fault is found, made small and replayed; the same seed does the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import pytest

from tests.fuzz import engine
from tests.fuzz.cases import Case, Choices, parse_case
from tests.fuzz.engine import Failure, Fuzzer, MakeTarget
from tests.fuzz.server import ServerTarget
from tests.fuzz.targets import TARGETS
from tests.fuzz.wire import WireTarget
from udpchat.chat import events
from udpchat.server.registry import Peer
from udpchat.server.rooms import Rooms
from udpchat.wire.content import Reason

CASES = 60


class Door:
    """Opens to three numbers in a row: only who is told that the first was right finds the second."""

    def __init__(self) -> None:
        self._found = 0
        self.is_closed = False
        OPENED.append(self)

    def step(self, choices: Choices) -> None:
        """Try a number."""
        self._found = self._found + 1 if choices.below(40) == 7 * (self._found + 1) else 0
        if self._found == 3:
            raise ValueError("open after 3")

    def finish(self) -> None:
        """Nothing is checked."""

    def noted(self) -> set[Hashable]:
        """How far it got."""
        return {self._found}

    def close(self) -> None:
        """It is noted that it was closed."""
        self.is_closed = True


OPENED: list[Door] = []


def found_by(fuzzer: Fuzzer, count: int) -> list[tuple[Case, Failure]]:
    told: list[tuple[Case, Failure]] = []
    fuzzer.run_cases(count, lambda case, failure: told.append((case, failure)))
    assert told == fuzzer.report.found
    return told


def test_what_takes_several_steps_in_a_row_is_found_once_and_made_small() -> None:
    ((case, failure),) = found_by(Fuzzer("door", Door, seed=1), 3_000)
    assert len(case.steps) == 3
    assert failure.kind.startswith("ValueError in step, fuzz/test_engine.py:")
    assert failure.kind.endswith(": open after N")
    again, _ = engine.run(parse_case(case.text(failure.text)), Door)
    assert again is not None and again.kind == failure.kind
    assert all(door.is_closed for door in OPENED)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_the_same_seed_gives_the_same_cases(target: str) -> None:
    def cases_of(seed: int) -> list[Case]:
        fuzzer = Fuzzer(target, TARGETS[target], seed=seed)
        return [fuzzer.next_case() for _ in range(5)]

    assert cases_of(1) == cases_of(1) != cases_of(2)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_the_same_case_does_the_same(target: str) -> None:
    """All that a target notes, and all lines that run."""
    fuzzer = Fuzzer(target, TARGETS[target], seed=4)
    for _ in range(3):
        case = Case(target, fuzzer.next_case().steps[:25])
        engine.run(case, TARGETS[target])  # what is computed once in a process is computed now
        assert engine.reached(case, TARGETS[target]) == engine.reached(case, TARGETS[target])


def test_a_fuzzed_client_enters_and_a_fuzzed_server_lets_devices_in() -> None:
    """Else all that they do would be done to who stands before the door."""
    for target, happened in (("client", events.Connected), ("server", events.PeerEntered.__name__)):
        failure, noted = engine.run(Case(target, (bytes(8),)), TARGETS[target])
        assert failure is None and happened in noted


def test_a_table_that_grows_in_the_server_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the stream of a log that nobody follows any more were kept."""
    monkeypatch.setattr(Rooms, "remove", without_unfollowing(Rooms.remove))
    fuzzer = Fuzzer("server", ServerTarget, seed=1)
    case = next(case for case in (fuzzer.next_case() for _ in range(CASES)) if engine.run(case, ServerTarget)[0])
    monkeypatch.undo()
    assert engine.run(case, ServerTarget)[0] is None


def without_unfollowing(remove: Callable[[Rooms, float, Peer, Reason], None]) -> object:
    def leaky(rooms: Rooms, now: float, peer: Peer, reason: Reason) -> None:
        peer.downlink.subscriptions.clear()
        remove(rooms, now, peer, reason)

    return leaky


def test_a_parser_that_raises_something_else_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from udpchat.wire import packets

    def parse(data: bytes) -> packets.Packet:
        if len(data) == 1199:
            raise IndexError("too short")
        return packets.Reset(1)

    monkeypatch.setattr(packets, "parse_packet_untrusted", parse)
    kinds = [failure.kind for _, failure in found_by(Fuzzer("wire", WireTarget, seed=1), CASES)]
    assert any(kind.startswith("IndexError in parse") for kind in kinds)


def make_idle() -> MakeTarget:
    """A target that never ends a step."""

    class Idle(Door):
        def step(self, choices: Choices) -> None:
            """For ever."""
            while True:
                pass

    return Idle


def test_a_step_that_never_ends_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CASE_S_MAX", 0.05)
    failure, _ = engine.run(Case("idle", (b"x",)), make_idle())
    assert failure is not None and failure.kind.startswith("Endless in ")
