"""Doing something at a named place in the life of a run, in the middle of a worker's step and in its own thread."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from portal import failpoints


def at(monkeypatch: pytest.MonkeyPatch, place: str, act: Callable[[], object]) -> list[str]:
    """The first time that the work comes to `place`, `act` is done there. Returns the places come to, in order."""
    seen: list[str] = []

    def reach(name: str) -> None:
        seen.append(name)
        if name == place and seen.count(place) == 1:
            act()

    monkeypatch.setattr(failpoints, "reach", reach)
    return seen


class Lost(BaseException):
    """The process is gone; nothing of the program hears of it."""


def be_lost() -> None:
    raise Lost
