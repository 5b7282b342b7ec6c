"""The colours of nicks: as many as are told apart, each readable on the background that the theme has. Pure."""

from __future__ import annotations

import colorsys
from typing import Final
from zlib import crc32

from udpchat.chat.names import nick_key

HUES: Final = 14
CONTRAST_MIN: Final = 5.0  # WCAG 2.1 asks for 4.5
STEPS: Final = 40  # of lightness that are tried
Colour = tuple[int, int, int]  # red, green, blue: 0 to 255
ANSI: Final = (
    "red",
    "green",
    "yellow",
    "magenta",
    "cyan",
    "bright_red",
    "bright_green",
    "bright_magenta",
    "bright_cyan",
)
"""Where the terminal's own colours are drawn with: without blue, which many a terminal shows too dark to read."""


def number_of(nick: str) -> int:
    """A number for a nick that is the same in every run, and for every spelling of the nick."""
    return crc32(nick_key(nick).encode("utf-8", "surrogatepass"))


def nick_colours(background: Colour) -> tuple[Colour, ...]:
    """HUES colours with a contrast to `background` of at least CONTRAST_MIN, or as much as there can be."""
    is_dark = _luminance(background) < 0.18  # from there on black contrasts more than white
    return tuple(_readable(hue / HUES, background, is_dark) for hue in range(HUES))


def contrast(one: Colour, other: Colour) -> float:
    """The contrast of two colours as WCAG 2.1 has it: 1 (none) to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _readable(hue: float, background: Colour, is_dark: bool) -> Colour:
    """The colour of this hue that is nearest to a medium lightness and readable."""
    colour: Colour = background
    for step in range(STEPS + 1):
        lightness = 0.5 + step / STEPS / 2 if is_dark else 0.5 - step / STEPS / 2
        red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.65)
        colour = round(red * 255), round(green * 255), round(blue * 255)
        if contrast(colour, background) >= CONTRAST_MIN:
            break
    return colour


def _luminance(colour: Colour) -> float:
    red, green, blue = (_linear(channel / 255) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
