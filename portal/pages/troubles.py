"""What to say when something that a page needs is away or full: what is wrong, that nothing is lost, what to do."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from redis.exceptions import RedisError

from portal.plumbing.database_trouble import DatabaseTrouble, database_trouble
from portal.plumbing.storage import StorageError


@dataclass(frozen=True)
class Words:
    title: str
    advice: str


READ_ONLY = Words(
    "The database takes no changes right now",
    "Nothing was changed and nothing was lost; everything can still be read. Try again in a minute.",
)
DATABASE_FULL = Words(
    "The database's disk is full",
    "Nothing was changed and nothing was lost. Tell the people who run this installation; then try again.",
)
BUSY = Words(
    "The database is busy with something long",
    "Nothing was changed and nothing was lost. Try again in a minute.",
)
AWAY = Words(
    "The database does not answer",
    "Nothing was half saved and nothing is lost. Try again in a minute.",
)
DISK_FULL = Words(
    "The disk is full",
    "Nothing was changed and nothing was lost. Tell the people who run this installation; then try again.",
)
STORAGE_AWAY = Words("The storage for files does not answer", "The files are safe. Try again in a few minutes.")
REDIS_AWAY = Words(
    "Part of the installation is away", "Redis does not answer. Nothing was lost. Try again in a minute."
)
_OF_DATABASE = {
    DatabaseTrouble.READ_ONLY: READ_ONLY,
    DatabaseTrouble.FULL: DATABASE_FULL,
    DatabaseTrouble.BUSY: BUSY,
    DatabaseTrouble.AWAY: AWAY,
}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def words_for(error: BaseException) -> Words | None:
    """None where the error is no trouble of another part, but a mistake of this program's."""
    trouble = database_trouble(error)
    if trouble is not None:
        return _OF_DATABASE[trouble]
    if isinstance(error, StorageError):
        return STORAGE_AWAY
    if isinstance(error, RedisError):
        return REDIS_AWAY
    if isinstance(error, OSError):
        if error.errno in _NO_ROOM:
            return DISK_FULL
        if error.errno == errno.EROFS:
            return STORAGE_AWAY
    return None


def in_one_line(words: Words) -> str:
    """The same as one line above a form."""
    return f"{words.title}. {words.advice}"
