from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest

import udpchat
from udpchat.ui.phrases import SENTENCES, code_of, notice, sentence

PACKAGE = Path(udpchat.__file__).parent
SOURCES = [*(PACKAGE / "ui").glob("*.py"), PACKAGE / "cli.py"]


def keys_used() -> set[str]:
    """Every text in the sources that could be a key."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES if path.name != "phrases.py"]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_sentence_is_used() -> None:
    assert set(SENTENCES) - keys_used() == set()


def test_every_key_that_is_used_has_a_sentence() -> None:
    calls = [
        node
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    used = {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in ("sentence", "notice", "Refusal")
        if call.args and isinstance(call.args[0], ast.Constant)
    }
    assert len(used) > 20
    assert used <= set(SENTENCES)


def test_a_variant_has_the_code_of_its_key() -> None:
    assert code_of("unknown_command") == code_of("unknown_command.near") == "unknown_command"
    made = notice("ignored.none")
    assert (made.code, made.text) == ("ignored", "you ignore nobody")


@pytest.mark.parametrize("key", SENTENCES)
def test_a_sentence_has_the_values_that_it_names_and_nothing_a_value_holds_is_a_field(key: str) -> None:
    names = [name for _, name, _, _ in string.Formatter().parse(SENTENCES[key]) if name is not None]
    assert all(name.isidentifier() for name in names)
    text = sentence(key, **{name: "{x}" for name in names})
    assert text.count("{x}") == len(names)
