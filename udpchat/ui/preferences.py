"""What a person may set while chatting (`/set NAME VALUE`): the table of settings, and their values.

The file in which they are kept is the shell's (shell/preference_file); this is pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from udpchat.chat.names import nick_key
from udpchat.chat.nearest import WORD_CHARACTERS_MAX, nearest
from udpchat.chat.phrase import Problem
from udpchat.chat.text import fits, printable
from udpchat.ui.arguments import ORDER_WORDS
from udpchat.ui.attention import Level, Signal
from udpchat.ui.local_times import TIME_FORMATS

WORDS_MAX: Final = 50  # of a setting that is a list
WORD_BYTES_MAX: Final = 64
LEVELS_MAX: Final = 500  # conversations with a level of their own; that of the first is forgotten for another
LEVELS: Final = "levels"  # their key in the file
CLEAR: Final = "-"
DEFAULT_LEVEL: Final = "default"  # for /notify: the conversation has no level of its own any more

Value = bool | str | tuple[str, ...]
SWITCH: Final = {
    "on": True, "yes": True, "true": True, "1": True, "off": False, "no": False, "false": False, "0": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: a switch, one of `choices`, or a list of words, as its default says."""

    name: str
    default: Value
    summary: str
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> tuple[str, ...]:
        """The values that may be written; empty: any words."""
        return ("on", "off") if isinstance(self.default, bool) else self.choices


_SIGNALS: Final = {"off": None, "osc9": Signal.OSC9, "osc777": Signal.OSC777, "desktop": Signal.DESKTOP}
_LEVELS: Final = tuple(level.value for level in Level)
SETTINGS: Final = {
    setting.name: setting
    for setting in (
        Setting("theme", "ansi", "the colours of the full screen", ("ansi", "dark", "light", "high-contrast")),
        Setting("mouse", True, "the full screen takes clicks and the wheel; Shift selects text"),
        Setting("nick-colours", True, "each nick has its colour on the full screen"),
        Setting("formatting", True, "the full screen draws *bold*, _italic_, `code` and links as such"),
        Setting("emoji", True, "what you type as :smile: is sent as the emoji"),
        Setting("time", "24h", "how the time of a message is shown", tuple(TIME_FORMATS)),
        Setting(
            "joins",
            "fold",
            "the full screen shows each who comes and goes, folds them, or shows none",
            ("all", "fold", "none"),
        ),
        Setting("typing", True, "others see when you type on the full screen"),
        Setting("notify", Level.MENTION.value, "which messages call you, where /notify says nothing else", _LEVELS),
        Setting("highlight", (), "words that call you as your nick does"),
        Setting("bell", True, "a message that calls you rings the bell"),
        Setting("popups", "off", "a message that calls you is shown by the terminal or the desktop", tuple(_SIGNALS)),
    )
}


class Preferences:
    """The values of all settings, and the levels of conversations that have their own.

    `stored`: what `save` was given in an earlier run; what is not known or not allowed in it counts as not set, and
    what is not known is kept: a later version has set it. `save` gets all that differs from the defaults, as JSON.
    """

    def __init__(
        self, stored: Mapping[str, Any] | None = None, save: Callable[[dict[str, Any]], object] = lambda _: None
    ) -> None:
        given = stored or {}
        self._save = save
        self._unknown = {name: value for name, value in given.items() if name not in SETTINGS and name != LEVELS}
        self._values = {name: _restored(setting, given.get(name)) for name, setting in SETTINGS.items()}
        levels = given.get(LEVELS)
        self._levels = {
            name: Level(value)
            for name, value in list(levels.items() if isinstance(levels, dict) else ())[:LEVELS_MAX]
            if value in _LEVELS
        }

    # --- What holds ----------

    def is_on(self, name: str) -> bool:
        """The value of a switch."""
        value = self._values[name]
        assert isinstance(value, bool), name
        return value

    def choice(self, name: str) -> str:
        """The value of a setting with choices."""
        value = self._values[name]
        assert isinstance(value, str), name
        return value

    def words(self, name: str) -> tuple[str, ...]:
        """The value of a setting that is a list."""
        value = self._values[name]
        assert isinstance(value, tuple), name
        return value

    def shown(self, name: str) -> str:
        """The value as a person writes it."""
        value = self._values[name]
        if isinstance(value, bool):
            return "on" if value else "off"
        return value if isinstance(value, str) else " ".join(value) or CLEAR

    def level(self, conversation: str) -> Level:
        """Which messages of a room or of `@nick` call."""
        return self._levels.get(nick_key(conversation), Level(self.choice("notify")))

    def signals(self) -> frozenset[Signal]:
        """How a message calls."""
        signals = {_SIGNALS[self.choice("popups")], Signal.BELL if self.is_on("bell") else None}
        return frozenset(signal for signal in signals if signal is not None)

    # --- Changes ----------

    def set(self, name: str, text: str) -> None:
        """Set what a person wrote. Raises `Problem`."""
        setting = setting_of(name)
        self._values[setting.name] = _parsed(setting, text)
        self._store()

    def set_level(self, conversation: str, text: str) -> None:
        """The level of one conversation; DEFAULT_LEVEL: what the setting `notify` says. Raises `Problem`."""
        level = _chosen("notify", text, (*_LEVELS, DEFAULT_LEVEL))
        self._levels.pop(nick_key(conversation), None)
        if level != DEFAULT_LEVEL:
            self._levels[nick_key(conversation)] = Level(level)
        if len(self._levels) > LEVELS_MAX:
            del self._levels[next(iter(self._levels))]
        self._store()

    def toggle(self, name: str, text: str) -> None:
        """Add words to a list, or take out those that are there; CLEAR: all. Raises `Problem`."""
        held = {word.casefold(): word for word in self.words(name)} if text.strip() != CLEAR else {}
        for word in _parsed_words(name, text) if text.strip() != CLEAR else ():
            if held.pop(word.casefold(), None) is None:
                held[word.casefold()] = word
        self.set(name, " ".join(held.values()) or CLEAR)

    def _store(self) -> None:
        changed: dict[str, Any] = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self._values.items()
            if value != SETTINGS[name].default
        }
        levels = {name: level.value for name, level in self._levels.items()}
        self._save({**self._unknown, **changed, **({LEVELS: levels} if levels else {})})


def setting_of(name: str) -> Setting:
    """The setting of this name, in any letter case. Raises `Problem`, with the nearest name."""
    found = SETTINGS.get(name.lower())
    if found is None:
        shown = printable(name[:WORD_CHARACTERS_MAX])
        raise Problem("unknown_setting", name=shown, near=nearest(name.lower(), SETTINGS))
    return found


def words_of_usages() -> dict[str, tuple[str, ...]]:
    """What may stand for the words of the usages of commands, for completion."""
    values = {f"{setting.name} VALUE": setting.allowed for setting in SETTINGS.values()}
    return {
        **ORDER_WORDS,
        **values,
        "NAME": tuple(SETTINGS),
        "THEME": SETTINGS["theme"].choices,
        "LEVEL": (*_LEVELS, DEFAULT_LEVEL),
    }


# --- Values ----------


def _parsed(setting: Setting, text: str) -> Value:
    if isinstance(setting.default, bool):
        chosen = text.strip().lower()
        return SWITCH[chosen if chosen in SWITCH else _chosen(setting.name, text, setting.allowed)]
    if isinstance(setting.default, str):
        return _chosen(setting.name, text, setting.choices)
    return () if text.strip() == CLEAR else _parsed_words(setting.name, text)


def _chosen(name: str, text: str, choices: tuple[str, ...]) -> str:
    wanted = text.strip().lower()
    if wanted not in choices:
        raise Problem("bad_setting", name=name, choices=choices, near=nearest(wanted, choices))
    return wanted


def _parsed_words(name: str, text: str) -> tuple[str, ...]:
    words = tuple({word.casefold(): word for word in text.replace(",", " ").split()}.values())
    if not 0 < len(words) <= WORDS_MAX or not all(fits(word, WORD_BYTES_MAX) for word in words):
        raise Problem("bad_setting.words", name=name, words_max=WORDS_MAX, bytes_max=WORD_BYTES_MAX)
    return words


def _restored(setting: Setting, value: Any) -> Value:
    """A value of the file; the default if it is not allowed."""
    try:
        if isinstance(setting.default, tuple) and isinstance(value, list):
            return _parsed_words(setting.name, " ".join(map(str, value)))
        if isinstance(value, type(setting.default)):
            return _parsed(setting, str(value))
    except Problem:
        pass
    return setting.default
