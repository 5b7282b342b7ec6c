"""The sentences of the operator's commands are a part of the table; test_phrases.py reads them all."""

from __future__ import annotations

from udpchat.ui.operator_sentences import OPERATOR_SENTENCES
from udpchat.ui.phrases import SENTENCES, sentence


def test_they_are_in_the_table_and_nowhere_else_in_it() -> None:
    assert OPERATOR_SENTENCES.items() <= SENTENCES.items()


def test_an_act_is_one_line_without_what_it_does_not_have() -> None:
    nothing = {"subject": "", "room": "", "detail": "", "reason": ""}
    assert sentence("operate.act", time="T", by="alice", action="reload", **nothing) == "T alice: reload"
    full = {"subject": "bob", "room": "den", "detail": "2 hours", "reason": "spam"}
    assert sentence("operate.act", time="T", by="alice", action="ban", **full) == (
        "T alice: ban bob in den (2 hours): spam"
    )
