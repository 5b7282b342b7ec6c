from __future__ import annotations

from pathlib import Path

from udpchat.chat.phrase import Phrase
from udpchat.session.noise import fingerprint
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.data_folder import KnownServers
from udpchat.shell.pinning import Pinning
from udpchat.ui.phrases import text_of

ONE, OTHER = bytes(32), bytes(31) + b"\x01"


class Case:
    def __init__(self, folder: Path, wanted: str = "", *, has_moved: bool = False) -> None:
        self.said: list[str] = []
        self.known = KnownServers(folder)
        self.pinning = Pinning(self.known, ServerAddress("host", 5, wanted), self.say, has_moved=has_moved)

    def say(self, phrase: Phrase) -> None:
        self.said.append(text_of(phrase))

    def check(self, public: bytes) -> str:
        """Why this key is not approved; empty if it is."""
        why = self.pinning.check(public)
        return text_of(why) if why else ""


def test_first_contact_pins_the_key_and_says_the_fingerprint_once(tmp_path: Path) -> None:
    case = Case(tmp_path)
    assert case.check(ONE) == "" == case.check(ONE)
    assert case.known.fingerprint("host:5") == fingerprint(ONE)
    assert len(case.said) == 1 and fingerprint(ONE) in case.said[0]


def test_it_is_first_contact_until_a_key_is_known_or_named(tmp_path: Path) -> None:
    case = Case(tmp_path)
    assert case.pinning.is_first_contact() and not Case(tmp_path, fingerprint(ONE)).pinning.is_first_contact()
    case.check(ONE)
    assert not case.pinning.is_first_contact() and not Case(tmp_path).pinning.is_first_contact()
    case.known.path.unlink()
    case.known.path.mkdir()
    assert not case.pinning.is_first_contact()  # it cannot be read, which `check` reports


def test_a_known_key_is_approved_in_silence(tmp_path: Path) -> None:
    Case(tmp_path).check(ONE)
    again = Case(tmp_path)
    assert again.check(ONE) == ""
    assert again.said == []


def test_another_key_is_refused_with_both_fingerprints_and_what_to_do(tmp_path: Path) -> None:
    Case(tmp_path).check(ONE)
    case = Case(tmp_path)
    why = case.check(OTHER)
    for part in (fingerprint(ONE), fingerprint(OTHER), "CHANGED", str(case.known.path), "host:5"):
        assert part in why
    assert "\n" not in why
    assert case.known.fingerprint("host:5") == fingerprint(ONE)


def test_a_key_that_changes_while_we_are_connected_is_refused(tmp_path: Path) -> None:
    case = Case(tmp_path)
    assert case.check(ONE) == ""
    assert case.check(OTHER) != ""


def test_a_wanted_fingerprint_must_match_at_first_contact_too(tmp_path: Path) -> None:
    case = Case(tmp_path, fingerprint(ONE))
    why = case.check(OTHER)
    assert fingerprint(ONE) in why and fingerprint(OTHER) in why
    assert case.known.fingerprint("host:5") is None
    assert case.check(ONE) == ""


def test_a_wanted_fingerprint_does_not_override_a_pinned_one(tmp_path: Path) -> None:
    Case(tmp_path).check(ONE)
    assert "CHANGED" in Case(tmp_path, fingerprint(OTHER)).check(OTHER)


def test_a_server_that_moved_here_takes_the_place_of_the_one_that_was_here_with_its_own_key_only(
    tmp_path: Path,
) -> None:
    Case(tmp_path).check(ONE)
    moved = Case(tmp_path, fingerprint(OTHER), has_moved=True)
    assert fingerprint(OTHER) in moved.check(ONE)
    assert moved.known.fingerprint("host:5") == fingerprint(ONE)
    assert moved.check(OTHER) == "" and moved.said == [], "that it has moved was said before"
    assert moved.known.fingerprint("host:5") == fingerprint(OTHER)


def test_pins_that_cannot_be_read_approve_nobody(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.known.path.mkdir()
    assert "cannot read" in case.check(ONE)


def test_a_pin_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    case = Case(tmp_path / "nowhere")
    assert case.check(ONE) == ""
    assert "not remembered" in case.said[-1]
