"""A hostile member who reacts, edits and removes at any rate changes nothing of others, and little is kept of it.

What an edit, a removal or a reaction does is in `chat/amendments.py`; what each costs in `server/credit.py`.
"""

from __future__ import annotations

from tests.attacks.member import Member
from tests.server.rig import Rig
from udpchat.chat.amendments import TAKEN_BACK
from udpchat.chat.ids import message_id
from udpchat.storage.entry_words import message_of
from udpchat.wire.content import EDIT, REACTION, REDACTION, TEXT, Extra, Message, Tombstone
from udpchat.wire.frames import Request, Result
from udpchat.wire.limits import REACTIONS_MAX, REACTIONS_PER_AUTHOR_MAX
from udpchat.wire.requests import Failed, ResultBody, Say, Stored

FACES = [chr(0x1F600 + number) for number in range(64)]


class Speaker(Member):
    """A member who says things; `said` has what names each, by its counter."""

    counter = 0

    def say(self, kind: int, text: str, about: Extra | None = None) -> ResultBody:
        """The result of a Say."""
        self.counter += 1
        heard = self.send(Request(self.counter, self.counter, Say("lobby", kind, text, about)))
        (result,) = [frame.body for frame in heard if isinstance(frame, Result) and frame.counter == self.counter]
        return result

    def name(self, sequence: int, data: bytes = b"") -> Extra:
        """What names the message that it has said last, and that stands there."""
        return Extra(message_id(self.instance, self.counter), data, sequence)


def speaker(rig: Rig, nick: str) -> Speaker:
    made = Speaker(rig, f"10.0.0.{len(rig.chat.registry) + 1}")
    made.enter(nick)
    return made


def at(rig: Rig, sequence: int) -> Message | Tombstone | None:
    (entry,) = rig.log.read("#lobby", sequence, 1)
    return message_of(entry)


def head(rig: Rig) -> int:
    return rig.log.extent("#lobby").head


def begun() -> tuple[Rig, Speaker, Speaker, Extra]:
    """Alice has said something, and what names it."""
    rig = Rig()
    alice, mallory = speaker(rig, "alice"), speaker(rig, "mallory")
    alice.say(TEXT, "what alice said")
    return rig, alice, mallory, alice.name(1)


def test_what_others_said_stays_however_it_is_edited_and_removed() -> None:
    rig, _, mallory, about = begun()
    before = at(rig, 1)
    for number in range(40):
        wrong = (about, Extra(bytes(8), b"", 1), Extra(about.refers_to, b"", head(rig)))[number % 3]
        kind = (EDIT, REDACTION)[number % 2]
        result = mallory.say(kind, "forged", wrong)
        is_meant = wrong == about and kind == REDACTION
        assert result == Failed("not_allowed.role", ("redact",)) if is_meant else isinstance(result, Stored)
    assert at(rig, 1) == before
    found = [at(rig, sequence) for sequence in range(2, head(rig) + 1)]
    assert {each.text for each in found if isinstance(each, Message) and each.kind == EDIT} == {""}


def test_an_edit_of_an_edit_changes_nothing_and_keeps_no_text() -> None:
    rig, _, mallory, _ = begun()
    mallory.say(TEXT, "mine")
    mallory.say(EDIT, "edited", mallory.name(2))
    edit = at(rig, 3)
    for number in range(20):
        mallory.say(EDIT, f"chain {number}", mallory.name(head(rig)))
    message = at(rig, 2)
    assert isinstance(message, Message) and message.text == "edited" and at(rig, 3) == edit
    chain = [at(rig, sequence) for sequence in range(4, head(rig) + 1)]
    assert len(chain) == 20 and all(isinstance(each, Message) and not each.text for each in chain)


def test_what_is_about_nothing_is_refused_or_without_effect() -> None:
    rig, _, mallory, about = begun()
    for kind in (TEXT, EDIT, REDACTION, REACTION):
        beyond = Extra(about.refers_to, b"", head(rig) + 1)
        assert mallory.say(kind, FACES[0], beyond) == Failed("no_such_message")
    for extra in (None, Extra(None, b"", 1), Extra(about.refers_to, b"", 0)):
        assert mallory.say(EDIT, "x", extra) == Failed("no_such_message")
    for text in ("x", "", "\u202e", FACES[0] + FACES[1], FACES[0] + "\u200d", FACES[0] + "\u200d\u2764" * 9):
        assert mallory.say(REACTION, text, about) in (Failed("bad_reaction"), Failed("empty"))
    assert head(rig) == 1 and rig.log.reactions("#lobby", 1, 1) == []


def test_one_message_keeps_so_many_reactions_of_all_and_of_one_however_they_are_toggled() -> None:
    rig, _, mallory, about = begun()
    taken_back = Extra(about.refers_to, TAKEN_BACK, 1)
    for face in FACES:
        assert isinstance(mallory.say(REACTION, face, about), Stored)
    assert len(rig.log.reactions("#lobby", 1, 1)) == REACTIONS_PER_AUTHOR_MAX
    for number in range(100):
        mallory.say(REACTION, FACES[0], taken_back if number % 2 else about)
    assert len(rig.log.reactions("#lobby", 1, 1)) == REACTIONS_PER_AUTHOR_MAX - 1
    for number in range(REACTIONS_MAX // REACTIONS_PER_AUTHOR_MAX + 2):
        crowd = speaker(rig, f"crowd{number}")
        for face in FACES[:REACTIONS_PER_AUTHOR_MAX]:
            crowd.say(REACTION, face, about)
    assert len(rig.log.reactions("#lobby", 1, 1)) == REACTIONS_MAX


def test_a_storm_of_removals_leaves_a_tombstone_each_and_no_reactions() -> None:
    rig, _, mallory, _ = begun()
    for _ in range(30):
        mallory.say(TEXT, "gone soon")
        about = mallory.name(head(rig))
        mallory.say(REACTION, FACES[0], about)
        mallory.say(REDACTION, "", about)
        mallory.say(REDACTION, "again", about)
    kinds = [type(at(rig, sequence)) for sequence in range(2, head(rig) + 1)]
    assert kinds == [Tombstone, Message, Message, Message] * 30
    assert rig.log.reactions("#lobby", 1, head(rig)) == []
