from __future__ import annotations

import re
from pathlib import Path

from udpchat.chat.exit_codes import ExitCode

README = (Path(__file__).resolve().parent.parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_readme_lists_every_exit_code_and_no_other() -> None:
    paragraph = README.split("Exit codes:")[1].split("\n\n")[0]
    assert {int(number) for number in re.findall(r"\b([0-9]+) [a-z]", paragraph)} == set(ExitCode)
