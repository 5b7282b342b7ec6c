"""The list of servers: each once, and what changes."""

from __future__ import annotations

import pytest

from tests.shell.net.test_server_choice import KEY, OTHER_KEY, lan_server
from udpchat.client.server_search import FoundServer
from udpchat.shell import listing
from udpchat.shell.listing import as_object, phrase_of, show_servers
from udpchat.ui.phrases import text_of


class Enough(Exception):
    """Interrupted."""


def shown(monkeypatch: pytest.MonkeyPatch, *searches: list[FoundServer], watches: bool) -> list[tuple[str, int, bool]]:
    left, lines = list(searches), []

    def look_now(port: int, **_: float) -> list[FoundServer]:
        if not left:
            raise Enough
        return left.pop(0)

    monkeypatch.setattr(listing, "look_now", look_now)
    monkeypatch.setattr(listing, "PAUSE_S", 0.0)
    try:
        is_found = show_servers(
            1, lambda server, is_there: lines.append((server.name, server.people, is_there)), watches=watches
        )
        assert is_found is bool(searches[0])
    except Enough:
        pass
    return lines


def test_each_server_is_listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = [lan_server("10.0.0.1"), lan_server("10.0.0.2", OTHER_KEY, "attic")]
    assert shown(monkeypatch, servers, watches=False) == [("den", 3, True), ("attic", 3, True)]
    assert shown(monkeypatch, [], watches=False) == []


def test_who_watches_sees_what_changes_and_not_a_search_that_missed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    den = lan_server("10.0.0.1")
    searches = [[den], [], [den], [den.changed(people=4)], [], [], []]
    assert shown(monkeypatch, *searches, watches=True) == [("den", 3, True), ("den", 4, True), ("den", 4, False)]


def test_a_server_for_programs_and_for_people() -> None:
    den = lan_server("10.0.0.1")
    assert as_object(den, is_there=True) == {
        "server": "udpchat://10.0.0.1:47747",
        "name": "den",
        "fingerprint": KEY,
        "people": 3,
        "ways": ["broadcast", "multicast"],
    }
    assert text_of(phrase_of(den, is_there=True)).startswith("den at udpchat://10.0.0.1:47747, 3 people there")
    assert as_object(den, is_there=False)["ways"] == []
    assert text_of(phrase_of(den, is_there=False)) == "den at udpchat://10.0.0.1:47747 does not answer any more"
