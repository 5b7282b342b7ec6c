"""The commands about one's own account: password, devices, who may write to one. Pure."""

from __future__ import annotations

from udpchat.chat.phrase import Problem
from udpchat.client import compose
from udpchat.ui.arguments import ORDER_WORDS, WrongUsage, nothing, only_word
from udpchat.ui.prompt import Command, Group, Prompt


def _password(prompt: Prompt, now: float, rest: str) -> None:
    if rest.strip():
        prompt.client.ask(now, compose.set_password(rest.strip()))
    elif prompt.ask_password is None:
        raise Problem("password.not_asked")
    else:
        prompt.ask_password()


def _link(prompt: Prompt, now: float, rest: str) -> None:
    nothing(rest)
    prompt.client.make_code(now)


def _devices(prompt: Prompt, now: float, rest: str) -> None:
    nothing(rest)
    prompt.client.ask(now, compose.list_devices())


def _revoke(prompt: Prompt, now: float, rest: str) -> None:
    prompt.client.ask(now, compose.revoke_device(only_word(rest)))


def _accept(prompt: Prompt, now: float, rest: str) -> None:
    word = only_word(rest).lower()
    if word not in ORDER_WORDS["WHOM"]:
        raise WrongUsage
    prompt.client.ask(now, compose.accept_from(contacts_only=word == "contacts"))


def _whoami(prompt: Prompt, now: float, rest: str) -> None:
    nothing(rest)
    prompt.client.ask(now, compose.whoami())


# --- The table ----------

_A = Group.ACCOUNT
ACCOUNT_COMMANDS: tuple[Command, ...] = (
    Command("whoami", _A, "", "see your nicks, roles and devices here", "", _whoami),
    Command("password", _A, "[NEW]", "set or change your password on this server",
            "With it another device goes by your nick. Without NEW you are asked, and what you type is not shown. It is"
            " never shown, logged or kept.", _password, ("passwd",)),
    Command("link", _A, "", "get a code for another device of yours",
            "Start udpchat-client there with your nick and --link CODE, within ten minutes. It works once.", _link),
    Command("devices", _A, "", "list your devices", "", _devices),
    Command("revoke", _A, "DEVICE", "let a device of yours enter no more",
            "DEVICE is the beginning of its key, as /devices lists it.", _revoke),
    Command("accept", _A, "WHOM", "choose who may begin to write to you alone",
            "WHOM is strangers (everybody), or contacts: those you have talked with before.", _accept),
)  # fmt: skip
