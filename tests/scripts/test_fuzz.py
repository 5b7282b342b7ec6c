"""scripts/fuzz: targets are fuzzed in turn, a failure is written as a file, and the file fails again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.cases import Case, load_corpus
from tests.fuzz.engine import Failure
from tests.fuzz.targets import CORPUS, TARGETS
from tests.scripts.loading import load

script = load("fuzz")


def plant(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that any text finds."""

    def fail(text: str) -> str:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("tests.fuzz.wire.clean_text", fail)


def test_a_failure_is_told_with_its_seed_and_its_file_fails_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(monkeypatch)
    report = script.fuzz("wire", script.parse(["wire", "--seconds", "0.3", "--seed", "5", "--out", str(tmp_path)]))
    (path,) = tmp_path.iterdir()
    told = capsys.readouterr().out
    assert len(report.found) == 1 and told.startswith("wire, seed 5: ZeroDivisionError in ")
    assert told.endswith(f"replay: scripts/fuzz --replay {path}\n")
    assert script.replay([path]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    monkeypatch.undo()
    assert script.replay([path]) == 0


def test_cases_that_reach_something_new_are_kept_and_run_the_next_time(tmp_path: Path) -> None:
    script.fuzz("wire", script.parse(["wire", "--seconds", "0.3", "--keep", str(tmp_path / "kept")]))
    kept = load_corpus(tmp_path / "kept", "wire")
    assert kept
    from_now_on = len(load_corpus(CORPUS, "wire")) + len(kept)
    again = script.fuzz("wire", script.parse(["wire", "--seconds", "0", "--corpus", str(tmp_path / "kept")]))
    assert again.cases == from_now_on and not again.found


def test_what_fails_is_written_with_the_text_of_its_failure(tmp_path: Path) -> None:
    script.Findings(tmp_path, 3).tell(Case("wire", (b"\x01",)), Failure("kind", "why\nand where"))
    assert (tmp_path / "fuzz-wire-3-1.case").read_text().splitlines() == [
        "# found with --seed 3", "# why", "# and where", "wire", "01",
    ]  # fmt: skip


def test_all_targets_are_fuzzed_unless_some_are_named() -> None:
    assert script.parse([]).targets == list(TARGETS)
    assert script.parse(["store", "wire"]).targets == ["store", "wire"]


@pytest.mark.parametrize("arguments", [["nothing"], ["--seconds", "-1"], ["--engine", "x"], ["--seed", "x"]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        script.parse(arguments)
    assert exit_info.value.code == 2


def test_a_file_that_is_no_case_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.case"
    path.write_text("nothing\n00\n")
    with pytest.raises(SystemExit):
        script.replay([path])
