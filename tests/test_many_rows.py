"""Many rows in one statement: every kind of value arrives as an insert of the models would bring it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.models import AuditBody, AuditEvent, AuditHead, Organization, write_session
from portal.models.many_rows import compare_and_set, insert_rows

INDIA = timezone(timedelta(hours=5, minutes=30))
AT = datetime(2026, 11, 2, 12, 0, 0, 123456, tzinfo=UTC)


def organization(slug: str, **given: Any) -> dict[str, Any]:
    return {
        "id": uuid.uuid4(),
        "name": "Größe “✓” \\ ' \" :x %s \U0001f4c5",
        "slug": slug,
        "timezone": "UTC",
        "settings": {},
        "created_at": AT,
        **given,
    }


def test_values_arrive_as_they_are(app: Flask) -> None:
    settings: dict[str, Any] = {"a": [1, 2.5, None, True, {"ü": "\\n\n\t'\""}], "empty": {}, "rows": [[]]}
    given = [
        organization("first", settings=settings),
        organization("second", created_at=AT.astimezone(INDIA), settings={"x": "${y}"}),
    ]
    with write_session() as db:
        assert insert_rows(db, Organization, given, returning="slug") == ["first", "second"]
    with write_session() as db:
        found = {row.slug: row for row in db.scalars(sa.select(Organization))}
    for row in given:
        kept = found[row["slug"]]
        assert {name: getattr(kept, name) for name in row} == row


def test_none_is_null_and_long_numbers_stay_whole(app: Flask) -> None:
    chain_id = uuid.uuid4()
    event = {
        "chain_id": chain_id,
        "sequence": 2**40,
        "at": AT,
        "actor_kind": "SYSTEM",
        "actor_id": None,
        "actor_name": "",
        "action": "x",
        "subject_type": "s",
        "subject_id": "1",
        "body_hash": "0" * 64,
        "previous_mac": "0" * 64,
        "mac": "0" * 64,
        "key_id": "k",
    }
    with write_session() as db:
        insert_rows(db, AuditEvent, [event, event | {"sequence": 2**40 + 1, "actor_id": chain_id}])
        insert_rows(db, AuditBody, [{"chain_id": chain_id, "sequence": 2**40, "salt": "", "body": {"n": 10**17}}])
    with write_session() as db:
        events = db.scalars(sa.select(AuditEvent).order_by(AuditEvent.sequence)).all()
        assert [(each.sequence, each.actor_id) for each in events] == [(2**40, None), (2**40 + 1, chain_id)]
        assert db.scalars(sa.select(AuditBody.body)).one() == {"n": 10**17}


def test_what_is_there_is_left_out_and_not_returned(app: Flask) -> None:
    with write_session() as db:
        insert_rows(db, Organization, [organization("there")])
        new = [organization("one"), organization("there", name="Another"), organization("two")]
        assert set(insert_rows(db, Organization, new, once_by="slug", returning="slug")) == {"one", "two"}
        assert insert_rows(db, Organization, [], once_by="slug", returning="slug") == []
        assert db.scalars(sa.select(Organization.name).where(Organization.slug == "there")).one() != "Another"


@pytest.mark.parametrize("bad", [AT.replace(tzinfo=None), b"bytes"])
def test_a_value_that_has_no_place_in_the_column_is_refused(app: Flask, bad: object) -> None:
    with pytest.raises((ValueError, TypeError, sa.exc.StatementError)), write_session() as db:
        insert_rows(db, Organization, [organization("bad", created_at=bad)])


def test_only_rows_that_are_still_as_they_were_read_are_set(app: Flask) -> None:
    chains = sorted(uuid.uuid4() for _ in range(3))
    heads = [{"chain_id": each, "sequence": number, "mac": "a"} for number, each in enumerate(chains)]
    changes = [({"chain_id": each, "sequence": 1}, {"sequence": 7, "mac": "b"}) for each in chains]
    with write_session() as db:
        insert_rows(db, AuditHead, heads)
        assert compare_and_set(db, AuditHead, changes) == 1
        assert compare_and_set(db, AuditHead, []) == 0
    with write_session() as db:
        rows = db.execute(sa.select(AuditHead.sequence, AuditHead.mac).order_by(AuditHead.chain_id)).all()
    assert rows == [(0, "a"), (7, "b"), (2, "a")]
