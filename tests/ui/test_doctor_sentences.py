"""What a doctor says: what every finding needs is there for every system."""

from __future__ import annotations

from udpchat.client.diagnosis import CHECKS
from udpchat.ui.doctor_sentences import DOCTOR_SENTENCES


def test_every_check_can_say_that_all_is_well_or_that_it_was_not_tried() -> None:
    for check in set(CHECKS) - {"key"}:
        assert f"doctor.{check}" in DOCTOR_SENTENCES


def test_every_firewall_has_each_kind_of_command() -> None:
    kinds = [key.split(".") for key in DOCTOR_SENTENCES if key.startswith("let_")]
    of = {what: {system for kind, system in kinds if kind == what} for what, _ in kinds}
    assert len(of) == 3 and of["let_requests"] == of["let_replies"] == of["let_out"]
