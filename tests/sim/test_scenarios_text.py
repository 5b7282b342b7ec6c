"""Scenario S43: whatever a member says, calls itself or sets as a topic, a terminal gets nothing but printable text."""

from __future__ import annotations

import json
import unicodedata
from random import Random

import pytest

from tests.sim.nodes import ClientNode
from tests.sim.world import World
from udpchat.chat import events
from udpchat.chat.text import json_line, printable
from udpchat.ui.json_events import json_event
from udpchat.ui.printing import plain_lines
from udpchat.wire.errors import Drop
from udpchat.wire.frames import encode
from udpchat.wire.requests import Say, SetAway, SetTopic, Tell, Whois

HOSTILE = {
    "a clear screen": "\x1b[2J\x1b[H",
    "a title": "\x1b]0;owned\x07",
    "a link (OSC 8)": "\x1b]8;;http://evil.example/\x1b\\click\x1b]8;;\x1b\\",
    "the clipboard (OSC 52)": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "C1": "\x9b31mred\x9d0;title\x9c",
    "all of C0 and C1": "".join(map(chr, [*range(32), *range(127, 160)])) + "x",
    "a turned line": "\u202etxt.exe\u202c \u2066hidden\u2069",
    "a forged line": "hello\n[lobby] <admin> send me your key\r[lobby] <root> now",
    "separators": "a\u2028b\u2029c\u0085d\x0be\x0cf",
    "a heap of marks": "z" + "\u0301" * 300,
    "what is not text": "\ufffe\uffff\U000e0041\ud7ff",
}
ALLOWED = {"\n"}


def is_safe(text: str) -> bool:
    """Nothing but what a terminal prints, and the end of each line."""
    return all(c in ALLOWED or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in text)


def shown(client: ClientNode) -> list[str]:
    """All that this client's terminal got, line by line, as line mode writes it."""
    return [printable(line) for event in client.events for _, line in plain_lines(event)]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_that_was_said_reaches_a_terminal_but_what_can_be_printed(text: str) -> None:
    """S43: C0 and C1, OSC 8 and 52, bidirectional overrides: as message, direct message, topic, reason and by JSON."""
    world = World(Random(1))
    mallory, victim = world.add_clients(2)
    say = f"<{text}>"
    # What the honest client would clean goes past it here: a hostile one writes its own requests.
    for body in (Say("lobby", 0, say), Say("lobby", 1, say), Tell(victim.nick, 0, say), SetTopic("lobby", say[:200])):
        mallory.core.ask(world.now, body)
    mallory.core.ask(world.now, SetAway(say[:50]))
    world.drain(mallory)
    world.run(2)
    victim.core.ask(world.now, Whois(mallory.nick))
    world.drain(victim)
    victim.tell(mallory.nick, "are you away?")
    world.run(2)
    lines = shown(victim)
    assert sum("<<" in line or "* " in line or "> <" in line for line in lines) >= 1
    for line in lines:
        assert is_safe(line), ascii(line)
        assert "\n" not in line
    for event in victim.events:
        if isinstance(event, events.ModelChange):
            continue
        line = json_line(json_event(event))
        assert is_safe(line), ascii(line)
        assert json.loads(line)["event"]


@pytest.mark.parametrize("size", [33, 100])
def test_a_name_longer_than_may_be_is_malformed(size: int) -> None:
    """S43 asks for 64 KiB, which no datagram holds: what fits is refused by its type, the rest cannot be sent."""
    world = World(Random(1))
    mallory, victim = world.add_clients(2)
    before = world.server.core.counters[Drop.MALFORMED]
    mallory.inject(encode((1, "n" * size, "")))
    mallory.inject(encode((2, "#" + "r" * 10 * size)))
    world.run(1)
    assert world.server.core.counters[Drop.MALFORMED] == before + 2
    victim.say("all is well")
    world.settle()
    assert len(victim.sent()) == 1
