"""The keys of the full-screen client: a table of actions, with their keys and a sentence for the person. No Textual.

Keys have the names of Textual (`alt+a`, `pageup`). Many terminals and window managers keep some for themselves: Alt,
F1, F10, F11, Ctrl with arrows; and what old terminals send for Shift+F3 is read as the place of the cursor. So actions
have other keys beside those. Escape and then a key is Alt with that key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase, digits
from typing import Any, Final

from udpchat.chat.events import ClientEvent, notice
from udpchat.chat.nearest import WORD_CHARACTERS_MAX, nearest
from udpchat.chat.phrase import Phrase, Problem
from udpchat.chat.text import printable
from udpchat.ui.arguments import nothing
from udpchat.ui.order_sentences import ROLE_MARKS
from udpchat.ui.phrases import sentence
from udpchat.ui.prompt import Command, Group, Prompt

KEY_CHARACTERS: Final = 26  # the left column of the list of keys
SPELLED: Final = {
    "pageup": "PgUp", "pagedown": "PgDn", "underscore": "_", "backslash": "\\",
    "right_square_bracket": "]", "circumflex_accent": "^",
}  # fmt: skip
OLD_NAMES: Final = {"ctrl+space": "ctrl+@"}  # of keys that terminals without the newer key codes send otherwise
NO_KEY: Final = "-"
ROOM_KEYS: Final = 9


@dataclass(frozen=True, slots=True)
class KeyAction:
    """What a key does. `name` stands for it in a configuration, `call` is the method of the input box."""

    name: str
    call: str
    keys: tuple[str, ...]
    summary: str


ACTIONS: Final = (
    KeyAction("send", "send", ("enter",), "send the line, or carry out the command"),
    KeyAction("newline", "newline", ("alt+enter", "ctrl+j", "shift+enter"), "begin a new line of the same message"),
    KeyAction("complete", "complete(1)", ("tab", "ctrl+space"), "complete a nick, a command, a #room or an :emoji:"),
    KeyAction("complete_back", "complete(-1)", ("shift+tab",), "the completion before"),
    KeyAction("earlier", "earlier", ("up",), "what you typed before, or the row above"),
    KeyAction("later", "later", ("down",), "what you typed after that, or the row below"),
    KeyAction("search_typed", "app.search_typed", ("ctrl+r",), "search in what you typed here"),
    KeyAction("scroll_up", "screen.scroll(-1)", ("pageup", "shift+up"), "scroll to earlier messages"),
    KeyAction("scroll_down", "screen.scroll(1)", ("pagedown", "shift+down"), "scroll to later messages"),
    KeyAction("first", "screen.scroll_to_start", ("alt+home", "ctrl+home"), "the earliest message that is here"),
    KeyAction("last", "screen.scroll_to_end", ("alt+end", "ctrl+end"), "the latest message"),
    KeyAction("next_room", "app.turn_by(1)", ("ctrl+n", "alt+right"), "the next room or conversation"),
    KeyAction("previous_room", "app.turn_by(-1)", ("ctrl+p", "alt+left"), "the room or conversation before"),
    *(
        KeyAction(f"room_{number}", f"app.turn_to_number({number})", (f"alt+{number}",), f"room {number} of the list")
        for number in range(1, ROOM_KEYS + 1)
    ),
    KeyAction("active", "app.turn_to_active", ("alt+a", "f4"), "the next room with something new, mentions first"),
    KeyAction("switch", "app.switch", ("alt+k", "f2"), "choose a room by a part of its name"),
    KeyAction(
        "cut_or_switch", "cut_or_switch", ("ctrl+k",), "cut up to the end of the line; at its end, choose a room"
    ),
    KeyAction("accept", "app.accept", ("alt+j", "ctrl+backslash"), "join the room that you were invited to last"),
    KeyAction("mention", "screen.go_to_mention(1)", ("alt+n", "f3"), "the next message that mentions you"),
    KeyAction("former_mention", "screen.go_to_mention(-1)", ("alt+p", "ctrl+b"), "the mention before"),
    KeyAction("unread", "screen.go_to_unread", ("alt+u", "f6"), "the first message that was new"),
    KeyAction(
        "select_up",
        "screen.select(-1)",
        ("alt+up", "ctrl+up", "ctrl+o"),
        "select a message, the latest first; Esc ends it",
    ),
    KeyAction("select_down", "screen.select(1)", ("alt+down", "ctrl+down", "ctrl+g"), "select the next message"),
    KeyAction("reply", "screen.begin('reply')", ("alt+r", "f9"), "reply to the selected message"),
    KeyAction("react", "screen.begin('react')", ("alt+t", "ctrl+t"), "react to it with an emoji"),
    KeyAction("edit", "screen.begin('edit')", ("alt+e", "f5"), "edit it, if it is yours"),
    KeyAction("delete", "screen.begin('delete')", ("alt+x", "ctrl+x"), "delete it, if it is yours or you keep order"),
    KeyAction("receipts", "screen.obey('receipts')", ("alt+g", "ctrl+q"), "list who has got it, if it is yours"),
    KeyAction("open", "screen.obey('open')", ("alt+o", "ctrl+right_square_bracket"), "open its latest link"),
    KeyAction("search", "screen.begin_search", ("ctrl+f", "ctrl+s"), "search in what was said"),
    KeyAction("lists", "screen.toggle_list('rooms')", ("f7",), "show or hide the rooms"),
    KeyAction("members", "screen.toggle_list('members')", ("f8",), "show or hide who is there"),
    KeyAction(
        "bare", "app.toggle_bare", ("alt+l", "f12"), "messages alone, to copy from; the mouse selects as elsewhere"
    ),
    KeyAction("redraw", "app.redraw", ("ctrl+l",), "draw the screen anew"),
    KeyAction("keys", "app.type_command('/keys')", ("f1",), "this list"),
    KeyAction("clear", "clear_or_leave", ("ctrl+c",), "clear the line; on an empty one, offer to leave"),
    KeyAction("end", "delete_or_end", ("ctrl+d",), "on an empty line: leave once all is confirmed"),
    KeyAction("suspend", "app.suspend_process", ("ctrl+z",), "suspend the program; fg brings it back"),
    KeyAction("line_start", "cursor_line_start", ("ctrl+a", "home"), "the beginning of the line"),
    KeyAction("line_end", "cursor_line_end", ("ctrl+e", "end"), "the end of the line"),
    KeyAction("word_left", "cursor_word_left", ("alt+b", "ctrl+left"), "a word to the left"),
    KeyAction("word_right", "cursor_word_right", ("alt+f", "ctrl+right"), "a word to the right"),
    KeyAction("cut_line", "cut_to_start", ("ctrl+u",), "cut up to the beginning of the line"),
    KeyAction("cut_word", "cut_word", ("ctrl+w", "alt+backspace"), "cut the word before the cursor"),
    KeyAction("cut_next_word", "delete_word_right", ("alt+d", "ctrl+delete"), "delete the word after the cursor"),
    KeyAction("insert_cut", "insert_cut", ("ctrl+y",), "insert what was cut"),
    KeyAction("undo", "undo", ("ctrl+underscore", "alt+z"), "undo a change of the line"),
)


def spelled(key: str) -> str:
    """A key as people write it: `Alt+A`, `PgUp`."""
    return "+".join(SPELLED.get(part, part.capitalize()) for part in key.split("+"))


# --- Keys that a person chooses ----------

NEEDED: Final = ("send", "clear")  # actions without which one could neither talk nor leave
_NAMED: Final = (
    *"enter tab up down left right home end pageup pagedown insert delete backspace".split(),
    *(f"f{number}" for number in range(1, 13)),
)
_CHARACTERS: Final = (
    *ascii_lowercase, *digits, "space", "underscore", "backslash", "right_square_bracket", "circumflex_accent",
)  # fmt: skip
_MODIFIERS: Final = ("alt+", "ctrl+", "alt+ctrl+", "alt+shift+", "ctrl+shift+")
_KNOWN: Final = (
    *(f"{modifier}{key}" for modifier in ("", "shift+", *_MODIFIERS) for key in _NAMED),
    *(f"{modifier}{key}" for modifier in _MODIFIERS for key in _CHARACTERS),
)
_SAME: Final = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace", "ctrl+@": "ctrl+space"}  # to a terminal
_KEY_OF: Final = {name.lower(): key for key in _KNOWN for name in (key, spelled(key))} | _SAME


def key_of(text: str) -> str:
    """What Textual calls a key that is written so, or as people write it. Raises `Problem`, with the nearest one."""
    *modifiers, last = text.strip().lower().split("+")
    key = _KEY_OF.get("+".join([*sorted(modifiers), last]))
    if key is not None:
        return key
    shown = printable(text[:WORD_CHARACTERS_MAX])
    if (len(last) == 1 or last == "space") and set(modifiers) <= {"shift"}:
        raise Problem("value.key_typed", key=shown)
    near = nearest(text.lower(), _KEY_OF)
    raise Problem("value.key", key=shown, near=spelled(_KEY_OF[near]) if near else "")


def parse_keys(value: Any) -> tuple[str, ...]:
    """The keys of an action, each once and as people write it, of a text or a list of them. Raises `Problem`."""
    written = value if isinstance(value, list) else [value]
    if not all(isinstance(key, str) for key in written):
        raise Problem("value.keys")
    return tuple(dict.fromkeys(spelled(key_of(key)) for key in written))


def conflicts(chosen: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Phrase]]:
    """What is wrong with the keys of the actions together: the name of the action to change, and the reason.

    Where two have the same key, that is the one whose keys were chosen.
    """
    owners: dict[str, KeyAction] = {}
    known = [(action, [key_of(key) for key in chosen[action.name]]) for action in ACTIONS if action.name in chosen]
    for action, keys in sorted(known, key=lambda pair: tuple(pair[1]) != pair[0].keys):
        if action.name in NEEDED and not keys:
            yield action.name, Phrase("keys.none")
        for key in keys:
            owner = owners.setdefault(key, action)
            if owner is not action:
                yield action.name, Phrase("keys.taken", {"key": spelled(key), "action": owner.name})


class Keymap:
    """The keys that are in force: of each action those in `chosen`, by its name, else those of the table.

    `call_of_key`: what each key does; empty for a key of the table that was taken away, which does nothing.
    """

    def __init__(self, chosen: Mapping[str, Sequence[str]] | None = None) -> None:
        named = chosen or {}
        self.actions = tuple(
            replace(action, keys=tuple(map(key_of, named.get(action.name, action.keys)))) for action in ACTIONS
        )
        self.call_of_key = {key: "" for action in ACTIONS for key in action.keys}
        self.call_of_key |= {key: action.call for action in self.actions for key in action.keys}
        self.call_of_key |= {old: self.call_of_key.get(key, "") for key, old in OLD_NAMES.items()}

    def first(self, name: str) -> str:
        """The first key of an action as people write it; empty if it has none."""
        return next((spelled(key) for action in self.actions if action.name == name for key in action.keys), "")

    @property
    def entry(self) -> str:
        """The line on entry: which keys to know first."""
        known = {name: self.first(name) for name in ("keys", "switch", "cut_or_switch", "end")}
        return sentence("entry.screen", **known | {"switch": known["cut_or_switch"] or known["switch"]})

    @property
    def command(self) -> Command:
        """`/keys`, which lists them."""

        def handle(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
            nothing(rest)
            marks = [f"{mark} {role}" for role, mark in ROLE_MARKS.items()]
            lines = [sentence("keys"), sentence("keys.roles", roles=marks)]
            for action in self.actions:
                lines.append(f"  {', '.join(map(spelled, action.keys)) or NO_KEY:<{KEY_CHARACTERS}} {action.summary}")
            return [notice("help.line", line=line) for line in lines]

        more = sentence("keys.more", key=self.first("keys"))
        return Command("keys", Group.CLIENT, "", "list the keys", more, handle)
