"""How the program behaves towards each database: durability, transactions, and an end to every wait of a page."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import OperationalError

from portal import deadline

WRITE = "duepost_write"
BUSY_SECONDS = 10.0
"""How long a job waits for another's transaction on SQLite; a page as long as its own deadline says."""
POLL_SECONDS = 0.003
"""SQLite's own handler looks every 100 ms and so misses the gaps between the batches of a long piece of work."""
CONNECT_SECONDS = 5.0
MARGIN_SECONDS = 0.2
"""How much longer than PostgreSQL's own limit the client waits: its answer says more than our giving up."""
IDLE_SECONDS = 60.0
"""PostgreSQL takes back the locks of a process that wrote and then says nothing for so long within a transaction: it is
frozen, or its machine is gone, and everybody would wait for it. Less than a lease: its work is another's by then."""
_PATIENCE = "duepost_busy_timeout"


def prepare_engine(engine: Engine) -> None:
    """Set the engine's manners: on SQLite WAL, foreign keys, FULL durability, and transactions that we begin."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "do_connect", _connect_postgresql)
        event.listen(engine, "begin", _begin_postgresql)


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing; _begin_sqlite does
    milliseconds = int(deadline.left(BUSY_SECONDS) * 1000)
    record.info[_PATIENCE] = milliseconds
    for pragma in (f"busy_timeout={milliseconds}", "journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    write = bool(connection.get_execution_options().get(WRITE))
    if write and deadline.is_set():
        _begin_at_first_gap(connection)
        return
    _wait_at_most(connection, deadline.left(BUSY_SECONDS))
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _begin_at_first_gap(connection: Connection) -> None:
    until = time.monotonic() + deadline.left(BUSY_SECONDS)
    _wait_at_most(connection, 0)
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if getattr(error.orig, "sqlite_errorname", "") != "SQLITE_BUSY" or time.monotonic() >= until:
                raise
            time.sleep(POLL_SECONDS)
        else:
            break
    _wait_at_most(connection, deadline.left(BUSY_SECONDS))


def _wait_at_most(connection: Connection, seconds: float) -> None:
    milliseconds = int(seconds * 1000)
    if connection.info.get(_PATIENCE) != milliseconds:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={milliseconds}")
        connection.info[_PATIENCE] = milliseconds


class BoundedConnection(psycopg.Connection[Any]):
    """A connection to PostgreSQL that no page waits on for ever: a server that hangs sends nothing to end the wait."""

    def wait(self, gen: PQGen[Any], *arguments: Any, **more: Any) -> Any:
        if not deadline.is_set():
            return super().wait(gen, *arguments, **more)
        try:
            return super().wait(gen, timeout=deadline.left(BUSY_SECONDS) + MARGIN_SECONDS)
        except psycopg.errors._WaitTimeout as error:  # noqa: SLF001  # psycopg has no public name for it
            deadline.waited_in_vain()
            self.pgconn.finish()  # the answer may still come and would be taken for that to another question
            raise psycopg.OperationalError("the server did not answer in time") from error


def _connect_postgresql(
    _dialect: Any, _record: Any, arguments: Sequence[Any], parameters: Mapping[str, Any]
) -> psycopg.Connection[Any]:
    if deadline.was_in_vain():
        raise psycopg.OperationalError("the server did not answer in time")
    seconds = max(2, int(deadline.left(CONNECT_SECONDS)))  # psycopg knows whole seconds, two at least
    return BoundedConnection.connect(*arguments, **{**parameters, "connect_timeout": seconds})


def _begin_postgresql(connection: Connection) -> None:
    """For this transaction alone: the server itself ends what keeps a page or everybody else too long, and says so."""
    driver: Any = connection.connection.driver_connection
    if driver.read_only is False:
        # left by SQLAlchemy after a read-only transaction: it would overrule a server that takes no changes
        driver.read_only = None
    limits = {}
    if deadline.is_set():
        limits["statement_timeout"] = deadline.left(BUSY_SECONDS)
    if connection.get_execution_options().get(WRITE):
        limits["idle_in_transaction_session_timeout"] = IDLE_SECONDS
    if limits:
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute("; ".join(f"SET LOCAL {name} = {int(seconds * 1000)}" for name, seconds in limits.items()))
