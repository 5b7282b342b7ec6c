"""Labels: what is known of a line that a script gives again."""

from __future__ import annotations

import pytest

from udpchat.client.labels import Known, Labels
from udpchat.client.stored import LABELS_MAX, ClientState, Label, Labelled, digest_of

BODY, OTHER = b"say hi", b"say ho"
RESULT = b"result"


def labels(result: bytes = b"", resumed: frozenset[int] = frozenset()) -> Labels:
    """Line 2 was asked by an earlier run, under counter 9."""
    return Labels(ClientState(bytes(16), labels={2: Labelled(9, digest_of(BODY), result)}, labelled=resumed))


@pytest.mark.parametrize(
    ("made", "line", "body", "is_open", "known"),
    [
        (labels(), 1, BODY, False, Known.NEW),
        (labels(), LABELS_MAX, BODY, False, Known.NEW),
        (labels(), LABELS_MAX + 1, BODY, False, Known.TOO_LATE),
        (labels(RESULT), 2, OTHER, False, Known.OTHER),
        (labels(resumed=frozenset([9])), 2, BODY, True, Known.OPEN),
        (labels(resumed=frozenset([9])), 2, BODY, False, Known.ANSWERED_NOW),
        (labels(), 2, BODY, False, Known.DISCARDED),
        (labels(RESULT), 2, BODY, False, Known.ANSWERED),
    ],
)
def test_what_is_known_of_a_line(made: Labels, line: int, body: bytes, is_open: bool, known: Known) -> None:
    assert made.look_up(Label("job", line), body, unanswered={9} if is_open else ()) is known


def test_a_line_that_is_asked_now_is_known_from_then_on() -> None:
    made = labels()
    made.add(Label("job", 3), 12, BODY)
    assert made.find(Label("job", 3)) == Labelled(12, digest_of(BODY))
    assert made.look_up(Label("job", 3), BODY, unanswered={12}) is Known.OPEN
