"""The themes: each can be read, whatever is drawn in it."""

from __future__ import annotations

import pytest
from textual.app import App
from textual.color import Color
from textual.theme import Theme

from udpchat.ui.tui.palette import contrast
from udpchat.ui.tui.themes import ANSI, THEMES

CONTRAST_MIN = 4.5  # as WCAG 2.1 asks


@pytest.mark.parametrize("theme", [theme for theme in THEMES if theme.name != ANSI], ids=lambda theme: theme.name)
def test_every_colour_of_text_can_be_read_on_every_background(theme: Theme) -> None:
    for background in (theme.background, theme.surface, theme.panel):
        for text in (theme.foreground, theme.primary, theme.secondary, theme.accent, theme.warning, theme.error):
            assert background and text
            assert contrast(Color.parse(text).rgb, Color.parse(background).rgb) >= CONTRAST_MIN, (text, background)


def test_all_themes_can_be_chosen() -> None:
    app: App[None] = App()
    for theme in THEMES:
        app.register_theme(theme)
        app.theme = theme.name
    assert len({theme.name for theme in THEMES}) == len(THEMES) == 4
