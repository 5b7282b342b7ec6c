"""scripts/pictures: the pictures of the README are made from the real program, and stand where it shows them."""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from tests.documents import README, ROOT
from tests.scripts.loading import SCRIPTS

RUN_S_MAX = 60.0
SHOWN = re.findall(r"!\[[^\]]+\]\((pictures/\w+\.svg)\)", README)


def words_of(picture: Path) -> str:
    """The words of a picture, row by row."""
    rows = re.findall(r"<text[^>]*>(.*?)</text>", picture.read_text(encoding="utf-8"), re.DOTALL)
    return " ".join(unescape(" ".join(rows)).replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals")
def test_the_pictures_are_made_from_the_real_program(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPTS / "pictures"), "--to", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S_MAX, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(Path(shown).name for shown in SHOWN)
    for picture in tmp_path.iterdir():
        words = words_of(picture)
        for expected in ("4 here", "Who has the `relay.toml` of yesterday?", "3 of 3", "makes coffee", "connected"):
            assert expected in words, (picture.name, words)


def test_the_readme_shows_pictures_that_are_there_and_of_these_messages() -> None:
    assert len(SHOWN) == 2
    for shown in SHOWN:
        assert "Who has the `relay.toml` of yesterday?" in words_of(ROOT / shown)
