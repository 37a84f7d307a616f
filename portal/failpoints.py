"""Places in the life of a run at which a test may make the process die, stop, or raise.

Nothing happens there unless the environment names a place: DUEPOST_FAILPOINTS is read once, when this module is loaded.
"""

from __future__ import annotations


def reach(name: str) -> None:
    """The process has come to the place of that name."""
