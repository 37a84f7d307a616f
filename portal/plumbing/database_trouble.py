"""What is wrong with the database when it refuses: told from the driver's own code, never from its words."""

from __future__ import annotations

import sqlite3
from enum import StrEnum

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


class DatabaseTrouble(StrEnum):
    """Nothing of ours: the same statement would have been taken by a healthy database."""

    READ_ONLY = "read-only"
    FULL = "full"
    BUSY = "busy"
    AWAY = "away"


_SQLITE = {
    sqlite3.SQLITE_READONLY: DatabaseTrouble.READ_ONLY,
    sqlite3.SQLITE_FULL: DatabaseTrouble.FULL,
    sqlite3.SQLITE_BUSY: DatabaseTrouble.BUSY,
    sqlite3.SQLITE_LOCKED: DatabaseTrouble.BUSY,
    sqlite3.SQLITE_PROTOCOL: DatabaseTrouble.BUSY,
    sqlite3.SQLITE_INTERRUPT: DatabaseTrouble.BUSY,
    sqlite3.SQLITE_IOERR: DatabaseTrouble.AWAY,
    sqlite3.SQLITE_CANTOPEN: DatabaseTrouble.AWAY,
    sqlite3.SQLITE_CORRUPT: DatabaseTrouble.AWAY,
    sqlite3.SQLITE_NOTADB: DatabaseTrouble.AWAY,
    sqlite3.SQLITE_NOMEM: DatabaseTrouble.AWAY,
}
_POSTGRESQL = {
    "25006": DatabaseTrouble.READ_ONLY,
    "53100": DatabaseTrouble.FULL,
    "25P03": DatabaseTrouble.AWAY,  # this process said nothing for too long within a transaction
    "40001": DatabaseTrouble.BUSY,
    "40P01": DatabaseTrouble.BUSY,
    "55P03": DatabaseTrouble.BUSY,
    "57014": DatabaseTrouble.BUSY,
}
# connection exceptions, insufficient resources, operator intervention, system errors
_POSTGRESQL_CLASSES = ("08", "53", "57", "58")


def database_trouble(error: BaseException) -> DatabaseTrouble | None:
    """None for an error that is no trouble of the database's: a broken rule, a wrong statement, and all else."""
    if isinstance(error, PoolTimeoutError):
        return DatabaseTrouble.BUSY
    if not isinstance(error, DBAPIError):
        return None
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        # 0xff: the extended codes (SQLITE_READONLY_DBMOVED …) keep their kind in the lowest byte
        return _SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    if isinstance(cause, psycopg.Error):
        return _of_postgresql(cause)
    return None


def _of_postgresql(cause: psycopg.Error) -> DatabaseTrouble | None:
    state = cause.sqlstate
    if state is None:  # the driver's own: no connection, or it broke
        return DatabaseTrouble.AWAY if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError) else None
    return _POSTGRESQL.get(state) or (DatabaseTrouble.AWAY if state.startswith(_POSTGRESQL_CLASSES) else None)
