"""Whether this process was asked to end: looked at between two steps of a run, so that none is broken off half done."""

from __future__ import annotations

_asked = False


class StopAsked(Exception):  # noqa: N818  # not an error: what is in hand is to be given back
    """The process is to end; give the run back and let another worker go on with it."""


def ask_to_stop() -> None:
    """For a signal handler: takes no lock and does nothing but note the wish. It holds for the life of the process."""
    global _asked  # noqa: PLW0603  # a signal handler has nothing else to speak through
    _asked = True


def check() -> None:
    """Raises StopAsked once the process was asked to end."""
    if _asked:
        raise StopAsked
