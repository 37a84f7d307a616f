"""The colours of a report: its accent, and what follows from it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from portal.exports.board_report.charts.picture import Tone

ACCENT = "#0a5866"
"""Where the organization has none of its own."""
LEAST_CONTRAST = 4.5
"""Of the accent on white, and of white on it: WCAG 2.2, AA."""
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def palette(accent: str = ACCENT) -> Mapping[Tone, str]:
    """Every tone as "#rrggbb". `accent` is one that `is_readable`."""
    return {
        Tone.INK: "#1b2330",
        Tone.MUTED: "#586373",
        Tone.FAINT: "#8c95a1",
        Tone.RULE: "#d9d5cb",
        Tone.PAPER: "#ffffff",
        Tone.ACCENT: accent,
        Tone.STRONG: mixed(accent, "#0b0f16", 0.55),
        Tone.MID: mixed(accent, "#ffffff", 0.55),
        Tone.SOFT: mixed(accent, "#ffffff", 0.82),
        Tone.WARN: "#a3271c",
    }


def is_colour(text: str) -> bool:
    return _HEX.fullmatch(text) is not None


def is_readable(accent: str) -> bool:
    """Whether white on it and it on white can be read."""
    return contrast_with_white(accent) >= LEAST_CONTRAST


def contrast_with_white(colour: str) -> float:
    """From 1 to 21, as WCAG reckons it."""
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def mixed(colour: str, other: str, share: float) -> str:
    """`share` of the other colour in the first."""
    parts = zip(_parts(colour), _parts(other), strict=True)
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in parts)


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
