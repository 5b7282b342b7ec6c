"""What is reported to a person, without its words: the key of a sentence in ui/phrases, and the values in it."""

from __future__ import annotations

from collections.abc import Mapping

from udpchat.wire.fields import Value, field


class Phrase(Value, frozen=True):
    """A sentence for a person. `key` is `code` or `code.variant`; a value may be a phrase too."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """What programs get: the part of the key before the dot."""
        return self.key.partition(".")[0]


class Problem(Exception):
    """Something a person asked for cannot be done; `phrase` gives the reason."""

    def __init__(self, key: str, /, **values: object) -> None:
        super().__init__(key, values)
        self.phrase = Phrase(key, values)

    @property
    def code(self) -> str:
        return self.phrase.code
