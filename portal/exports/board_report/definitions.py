"""How each figure of the board report is computed, in words: shown beside the figures and in docs/figures.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Definition:
    """`counted` of `out_of` (None for a plain count), and what stands there where there is nothing to count."""

    key: str
    label: str
    counted: str
    out_of: str | None
    empty: str
