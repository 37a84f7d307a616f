"""Whether the product can do its work: the database and its version, Redis, and the signs of life of the processes."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import humanize
import sqlalchemy as sa
from redis.exceptions import RedisError
from rq import Worker
from sqlalchemy.exc import DBAPIError

from portal.config import ROOT
from portal.extensions import db
from portal.models import Heartbeat
from portal.plumbing import wakeups

TICK = "tick"
NO_TICK_ALARM = timedelta(minutes=3)


class SchemaError(Exception):
    """The database is not of this program's version. The text says what to do."""


@dataclass(frozen=True)
class Check:
    """One thing looked at. `words` is a sentence without secrets, fit for everyone."""

    name: str
    ok: bool
    words: str


def readiness(now: Callable[[], datetime]) -> list[Check]:
    """Everything that must be well for exports to leave on time, most basic first. `now` may ask the database."""
    checks = [database_check()]
    if checks[0].ok:
        checks.append(schema_check())
        if checks[1].ok:
            checks.append(tick_check(now()))
    return [*checks, redis_check(), workers_check()]


def database_check() -> Check:
    try:
        db.session.execute(sa.text("SELECT 1"))
    except DBAPIError:
        return Check("database", False, "The database does not answer.")
    return Check("database", True, "The database answers.")


def schema_check() -> Check:
    try:
        require_current_schema()
    except SchemaError as error:
        return Check("schema", False, str(error))
    return Check("schema", True, "The database is of this program's version.")


def require_current_schema() -> None:
    """Raises SchemaError where the database was set up by an older or newer program, or not at all."""
    wanted = _newest_revision()
    found = _revision_of_database()
    if found == wanted:
        return
    if found is None:
        raise SchemaError("The database is not set up; run: flask db upgrade")
    if found in _known_revisions():
        raise SchemaError("The database is of an older version; stop all processes, then run: flask db upgrade")
    raise SchemaError("The database is of a newer version than this program; start the newer program instead.")


def tick_check(now: datetime) -> Check:
    """Whether due schedules are being looked for."""
    last = db.session.execute(sa.select(Heartbeat.at).where(Heartbeat.name == TICK)).scalar_one_or_none()
    if last is None:
        return Check("tick", False, "Due exports have not been looked for yet; is the scheduler running?")
    age = now - last
    ago = humanize.naturaldelta(age)
    if age > NO_TICK_ALARM:
        return Check("tick", False, f"Due exports were last looked for {ago} ago; is the scheduler running?")
    return Check("tick", True, f"Due exports were looked for {ago} ago.")


def redis_check() -> Check:
    def ask() -> Check:
        with wakeups.connect() as connection:
            connection.ping()
        return Check("redis", True, "Redis answers.")

    return _of_redis("redis", ask)


def workers_check() -> Check:
    """How many workers take exports."""

    def ask() -> Check:
        with wakeups.connect() as connection:
            # not Worker.count: it counts those whose sign of life has lapsed as well, until the registry is cleaned
            count = len(Worker.all(queue=wakeups.queue(wakeups.EXPORTS, connection)))
        if not count:
            return Check("workers", False, "No worker is running; exports wait until one is started.")
        return Check("workers", True, "1 worker is running." if count == 1 else f"{count} workers are running.")

    return _of_redis("workers", ask)


def _of_redis(name: str, ask: Callable[[], Check]) -> Check:
    try:
        return ask()
    except (RedisError, OSError):
        return Check(name, False, "Redis does not answer; planned exports are still kept and start when it is back.")


def _revision_of_database() -> str | None:
    if not sa.inspect(db.engine).has_table("alembic_version"):
        return None
    with db.engine.connect() as connection:
        revision: str | None = connection.execute(
            sa.text("SELECT version_num FROM alembic_version")
        ).scalar_one_or_none()
    return revision


def _newest_revision() -> str:
    (newest,) = _revisions().keys() - _revisions().values()
    return newest


def _known_revisions() -> frozenset[str]:
    return frozenset(_revisions())


@functools.cache
def _revisions() -> Mapping[str, str]:
    """Each migration's revision and the one it builds on, "" for the first; read here, since Alembic weighs 13 MB."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "portal/migrations/versions").glob("*.py"))]
    return {_assigned("revision", text): _assigned("down_revision", text) for text in texts}


def _assigned(name: str, text: str) -> str:
    found = re.search(rf"^{name}\b[^=]*= *[\"']([^\"']+)[\"']", text, re.MULTILINE)
    return found[1] if found else ""
