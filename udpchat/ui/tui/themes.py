"""The themes of the full-screen client, by the names that a person chooses from.

`ansi` draws with the terminal's own colours on its own background, and is readable on any terminal. Without colours
it is drawn with no colour at all: bold, underlined and reversed text stay.
"""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

ANSI: Final = "ansi"
THEMES: Final = (
    Theme(
        name="dark", dark=True, primary="#7aa2f7", secondary="#9ece6a", accent="#e0af68", foreground="#d5d9e8",
        background="#16171d", surface="#1f2129", panel="#2a2d38", warning="#e0af68", error="#f7768e", success="#9ece6a",
    ),
    Theme(
        name="light", dark=False, primary="#1d4f9c", secondary="#3c6e1e", accent="#8a5200", foreground="#22252e",
        background="#fbfbf8", surface="#f0f0ea", panel="#e2e2d9", warning="#8a5200", error="#a8203a", success="#3c6e1e",
    ),
    Theme(
        name=ANSI, ansi=True, primary="ansi_blue", secondary="ansi_cyan", accent="ansi_magenta",
        foreground="ansi_default", background="ansi_default", surface="ansi_default", panel="ansi_default",
        boost="ansi_default", warning="ansi_yellow", error="ansi_red", success="ansi_green",
        variables={
            "ansi-background": "ansi_default", "ansi-foreground": "ansi_default",
            "border": "ansi_default", "border-blurred": "ansi_default", "input-cursor-text-style": "reverse",
            "block-cursor-foreground": "ansi_default", "block-cursor-background": "ansi_default",
            "block-cursor-text-style": "reverse", "scrollbar": "ansi_default",
            "scrollbar-background": "ansi_default", "screen-selection-background": "ansi_blue",
            "screen-selection-foreground": "ansi_bright_white",
        },
    ),
    Theme(
        name="high-contrast", dark=True, primary="#ffff00", secondary="#00ffff", accent="#ffff00", foreground="#ffffff",
        background="#000000", surface="#000000", panel="#000000", boost="#000000", warning="#ffff00", error="#ff8080",
        success="#80ff80",
    ),
)  # fmt: skip
NAMES: Final = tuple(theme.name for theme in THEMES)
