from __future__ import annotations

import json
from typing import Any

import pytest

from udpchat.chat.phrase import Problem
from udpchat.ui.attention import Level, Signal
from udpchat.ui.commands import COMMANDS
from udpchat.ui.phrases import text_of
from udpchat.ui.preferences import (
    LEVELS,
    LEVELS_MAX,
    SETTINGS,
    WORD_BYTES_MAX,
    WORDS_MAX,
    Preferences,
    setting_of,
    words_of_usages,
)

SWITCHES = [name for name, setting in SETTINGS.items() if isinstance(setting.default, bool)]


class Kept:
    """Preferences with what they save, as it comes back from JSON."""

    def __init__(self, stored: dict[str, Any] | None = None) -> None:
        self.saved: dict[str, Any] = {}
        self.preferences = Preferences(stored, self._save)

    def _save(self, values: dict[str, Any]) -> None:
        self.saved = json.loads(json.dumps(values))

    def again(self) -> Preferences:
        """As the next run finds them."""
        return Preferences(self.saved)


def refusal(name: str, text: str) -> str:
    with pytest.raises(Problem) as caught:
        Preferences().set(name, text)
    return text_of(caught.value.phrase)


@pytest.mark.parametrize("name", SETTINGS)
def test_each_value_that_is_allowed_can_be_set_and_is_there_in_the_next_run(name: str) -> None:
    for value in SETTINGS[name].allowed or ("pizza beer",):
        kept = Kept()
        kept.preferences.set(name.upper(), f" {value.upper() if SETTINGS[name].allowed else value} ")
        assert kept.preferences.shown(name) == kept.again().shown(name) == value


@pytest.mark.parametrize("name", SETTINGS)
def test_what_is_at_its_default_is_not_saved(name: str) -> None:
    kept = Kept({"theme": "light"})
    kept.preferences.set(name, Preferences().shown(name))
    assert name not in kept.saved


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("0", False), ("TRUE", True), ("off", False)])
def test_a_switch_understands_what_people_write(text: str, value: bool) -> None:
    preferences = Preferences()
    preferences.set("mouse", text)
    assert preferences.is_on("mouse") is value


def test_what_is_wrong_is_refused_with_what_was_probably_meant() -> None:
    assert refusal("teme", "dark") == "there is no setting teme: did you mean theme? /set lists them"
    assert refusal("qqq", "x") == "there is no setting qqq: /set lists them"
    assert refusal("theme", "drak") == (
        "nothing was set: theme is one of ansi, dark, light, high-contrast; did you mean dark?"
    )
    assert refusal("bell", "maybe") == "nothing was set: bell is one of on, off"
    for words in ("", " , ", "x" * (WORD_BYTES_MAX + 1), " ".join(map(str, range(WORDS_MAX + 1)))):
        assert refusal("highlight", words).startswith("nothing was set: highlight has at most")
    assert "\x1b" not in refusal("\x1b[2J", "x")


def test_words_are_added_and_taken_out_in_any_letter_case() -> None:
    preferences = Preferences()
    for word in ("pizza", "Beer", "PIZZA", "tea"):
        preferences.toggle("highlight", word)
    assert preferences.words("highlight") == ("Beer", "tea")
    preferences.toggle("highlight", "-")
    assert preferences.words("highlight") == () and preferences.shown("highlight") == "-"


def test_a_conversation_has_the_level_of_all_or_its_own() -> None:
    kept = Kept()
    preferences = kept.preferences
    assert preferences.level("lobby") is Level.MENTION
    preferences.set("notify", "all")
    preferences.set_level("@Bob", "none")
    assert (preferences.level("lobby"), preferences.level("@bob")) == (Level.ALL, Level.NONE)
    assert kept.again().level("@BOB") is Level.NONE
    preferences.set_level("@bob", "default")
    assert preferences.level("@bob") is kept.again().level("@bob") is Level.ALL
    with pytest.raises(Problem):
        preferences.set_level("lobby", "loud")


def test_levels_are_bounded() -> None:
    kept = Kept()
    for number in range(LEVELS_MAX + 1):
        kept.preferences.set_level(f"room{number}", "all")
    assert len(kept.saved[LEVELS]) == LEVELS_MAX
    assert kept.preferences.level("room0") is Level.MENTION


def test_the_signals_are_the_bell_and_the_popups_that_were_chosen() -> None:
    preferences = Preferences()
    assert preferences.signals() == {Signal.BELL}
    preferences.set("popups", "desktop")
    assert preferences.signals() == {Signal.BELL, Signal.DESKTOP}
    preferences.set("bell", "off")
    preferences.set("popups", "off")
    assert preferences.signals() == frozenset()


@pytest.mark.parametrize(
    "stored",
    [
        {"theme": "pink"}, {"theme": 1}, {"theme": None}, {"mouse": "on"}, {"mouse": 1}, {"highlight": "x"},
        {"highlight": [""]}, {"highlight": ["x" * 99]}, {LEVELS: []}, {LEVELS: {"lobby": "loud"}},
        {LEVELS: {"lobby": ["none"]}}, {LEVELS: 7},
    ],
)  # fmt: skip
def test_what_is_not_allowed_in_the_file_counts_as_not_set(stored: dict[str, Any]) -> None:
    preferences = Preferences(stored)
    assert [preferences.shown(name) for name in SETTINGS] == [Preferences().shown(name) for name in SETTINGS]
    assert preferences.level("lobby") is Level.MENTION


def test_what_a_later_version_has_set_is_kept() -> None:
    kept = Kept({"sound": {"of": "rain"}})
    kept.preferences.set("theme", "light")
    assert kept.saved == {"sound": {"of": "rain"}, "theme": "light"}


def test_each_setting_explains_itself_in_a_line_of_the_list() -> None:
    for setting in SETTINGS.values():
        assert setting_of(setting.name) is setting
        assert 10 < len(setting.summary) < 80 and not setting.summary.endswith(".")
        shown = Preferences().shown(setting.name)
        assert shown in setting.allowed or not setting.allowed


def test_completion_knows_what_the_usages_ask_for() -> None:
    words = words_of_usages()
    asked = {word.strip("[]") for command in COMMANDS if command.name in ("set", "theme", "notify")
             for word in command.usage.split()}  # fmt: skip
    assert asked - {"VALUE"} <= set(words)
    assert words["theme VALUE"] == words["THEME"] and "default" in words["LEVEL"]
    assert set(SWITCHES) <= set(words["NAME"])
