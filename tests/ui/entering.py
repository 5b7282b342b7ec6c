"""A prompt without a server, and what the lines that are entered at it ask for."""

from __future__ import annotations

from udpchat.chat.events import ClientEvent, Error, Notice
from udpchat.client.core import ClientCore
from udpchat.client.profile import Profile
from udpchat.client.stored import ClientState, RequestAdded
from udpchat.session.noise import KeyPair
from udpchat.ui.commands import COMMANDS
from udpchat.ui.phrases import text_of
from udpchat.ui.prompt import Command, Prompt
from udpchat.wire.frames import parse_request_untrusted
from udpchat.wire.requests import RequestBody

NOW = 5.0


def approve(_key: bytes) -> str:
    return ""


def prompt_in(*rooms: str, commands: tuple[Command, ...] = COMMANDS) -> Prompt:
    profile = Profile(KeyPair(bytes(range(32))), "alice", rooms, "udpchat://here:1", approve)
    client = ClientCore(NOW, profile=profile, saved=ClientState(bytes(16)), address=("127.0.0.1", 1), random=bytes)
    return Prompt(client, commands)


def asked(prompt: Prompt) -> list[RequestBody]:
    """What the client was made to ask its server for, since this was last called."""
    return [
        parse_request_untrusted(write.body) for write in prompt.client.drain_writes() if isinstance(write, RequestAdded)
    ]


def entered(line: str, *rooms: str) -> list[RequestBody]:
    """What the one line asks for; nothing may be refused."""
    prompt = prompt_in(*(rooms or ("lobby",)))
    told = prompt.enter(NOW, line)
    assert not [event for event in told if isinstance(event, Error)]
    return asked(prompt)


def refused(prompt: Prompt, line: str) -> Error:
    """The one error that the line leads to; nothing may be asked."""
    told = prompt.enter(NOW, line)
    assert asked(prompt) == []
    assert len(told) == 1
    assert isinstance(told[0], Error)
    return told[0]


def texts(told: list[ClientEvent]) -> list[str]:
    assert all(isinstance(event, Notice) for event in told)
    return [text_of(event) for event in told if isinstance(event, Notice)]
