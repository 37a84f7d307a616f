"""The colours of a report: its accent, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping

from portal.exports.board_report.charts.picture import Tone

ACCENT = "#0a5866"
"""Where the organization has none of its own."""


def palette(accent: str = ACCENT) -> Mapping[Tone, str]:
    """Every tone as "#rrggbb". `accent` is one that `portal.people.branding` takes."""
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
    }


def mixed(colour: str, other: str, share: float) -> str:
    """`share` of the other colour in the first."""
    parts = zip(_parts(colour), _parts(other), strict=True)
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in parts)


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
