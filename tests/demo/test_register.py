"""F3: the made register: every field alive, fields that belong together agree, the same seed makes the same."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random

import pytest
import sqlalchemy as sa

from demo.register import RegisterError, generate_register, moments
from demo.register.__main__ import main
from demo.register.rows import TABLES
from demo.register.wording import ODD_TEXTS
from portal import create_app
from portal.cases.kept_from import Person, kept_by_person
from portal.extensions import Base, db
from portal.models import (
    BusinessUnit,
    Case,
    CaseImport,
    CaseRestriction,
    CaseStatus,
    Category,
    Disclosure,
    IntakeReport,
    Interview,
    Investigation,
    Location,
    Organization,
    Outcome,
    Priority,
    RemediationPlan,
    RestrictionKind,
    Role,
    SourceChannel,
    Subject,
    User,
    write_session,
)
from portal.zones import zone
from tests.support.databases import SECRET, migrate

TODAY = date(2026, 11, 2)
NEW_YORK = zone("America/New_York")
END = datetime.combine(TODAY, time(), NEW_YORK).astimezone(UTC)
CASES = 3_000
SURROUNDINGS: tuple[type[Base], ...] = (Category, BusinessUnit, Location)


@pytest.fixture(scope="module")
def register(tmp_path_factory) -> Iterator[uuid.UUID]:
    """One register for all that only read it: what is in it does not depend on the database."""
    folder = tmp_path_factory.mktemp("register")
    url = f"sqlite:///{folder}/register.sqlite3"
    migrate(url, folder)
    app = create_app({"SECRET_KEY": SECRET, "DATABASE_URL": url, "DUEPOST_VAR": str(folder)})
    with app.app_context():
        with write_session() as session:
            session.add(organization := new_organization("lakeside"))
            session.flush()
            session.add_all(new_user(organization.id, name) for name in ("ana", "otto"))
        generate_register(organization.id, CASES, seed=5, today=TODAY)
        yield organization.id
        db.engine.dispose()


def new_organization(slug: str) -> Organization:
    return Organization(
        id=uuid.uuid4(), name=slug.title(), slug=slug, timezone="America/New_York", settings={}, created_at=END
    )


def new_user(organization_id: uuid.UUID, name: str) -> User:
    address = f"{name}@example.org"
    return User(
        organization_id=organization_id,
        email=address,
        name=name.title(),
        role=Role.OFFICER,
        active=True,
        created_at=END,
    )


def extreme(chosen):
    return db.session.execute(sa.select(chosen)).scalar_one()


def count(statement) -> int:
    return db.session.execute(sa.select(sa.func.count()).select_from(statement.subquery())).scalar_one()


def test_every_column_of_every_table_is_alive(register):
    """F3: no field of the register is empty throughout but one, and every value that a column may take is taken."""
    empty = []
    for table in (*SURROUNDINGS, *TABLES):
        for column in table.__table__.columns:
            alive = db.session.scalar(sa.select(sa.func.count()).where(column.isnot(None), column != sa.null()))
            if not alive:
                empty.append(f"{table.__tablename__}.{column.name}")
    # the demo begins with nobody who signs in being kept from a case
    assert empty == ["case_restrictions.user_id"]
    for value, enum in (
        (Case.status, CaseStatus),
        (Case.priority, Priority),
        (Case.outcome, Outcome),
        (Investigation.outcome, Outcome),
        (IntakeReport.source_channel, SourceChannel),
        (IntakeReport.is_anonymous, (True, False)),
    ):
        found = set(db.session.scalars(sa.select(value).distinct()))
        assert set(enum) <= found, value


def test_whoever_signs_in_sees_the_whole_register(register):
    """F3, C18: what the first steps promise of the outbox holds for each of them."""
    people = [Person(user.email, user.id, user.name) for user in db.session.scalars(sa.select(User))]
    assert len(people) == 2
    assert kept_by_person(db.session.connection(), register, people) == {}


def test_every_kind_of_restriction_and_of_custom_field_occurs(register):
    """F3, C18, C3: whom a case is kept from, and custom fields of all types in several scripts."""
    assert set(db.session.scalars(sa.select(CaseRestriction.kind).distinct())) == set(RestrictionKind)
    types = {type(value) for fields in db.session.scalars(sa.select(Case.custom_fields)) for value in fields.values()}
    assert {str, int, float, bool} <= types
    words = " ".join(str(value) for value in db.session.scalars(sa.select(Case.custom_fields)))
    assert any("\u0600" <= letter <= "\u06ff" for letter in words), "nothing in Arabic"
    assert any("\u3040" <= letter <= "\u30ff" for letter in words), "nothing in Japanese"
    answers = {type(value) for given in db.session.scalars(sa.select(Interview.responses)) for value in given.values()}
    assert {str, int, float, bool, list} <= answers


def test_dates_follow_one_another_and_end_yesterday(register):
    """F3: nothing closes before it opens, nothing has happened today."""
    wrong = sa.or_(
        Case.closed_at < Case.created_at,
        Case.acknowledged_at < Case.created_at,
        Case.feedback_at < Case.acknowledged_at,
        Case.updated_at < Case.created_at,
        Case.updated_at < Case.closed_at,
        Case.updated_at >= END,
    )
    assert count(sa.select(Case.id).where(wrong)) == 0
    inside = sa.select(Investigation.id).join(Case, Case.id == Investigation.case_id)
    assert count(inside.where(Investigation.started_at < Case.created_at)) == 0
    assert count(inside.where(Investigation.completed_at > Case.closed_at)) == 0
    assert count(inside.where(Investigation.completed_at < Investigation.started_at)) == 0
    for moment in (IntakeReport.received_at, Interview.held_at, Disclosure.submitted_at, RemediationPlan.created_at):
        assert END - timedelta(days=4) < extreme(sa.func.max(moment)) < END, moment
    assert extreme(sa.func.max(Case.created_at)) >= END - timedelta(days=1)
    assert extreme(sa.func.min(Case.created_at)) < END - timedelta(days=3 * 360)


def test_fields_lean_on_each_other(register):
    """F3: what a compliance officer expects of a register is so in the made one."""
    shares = {
        channel: float(share)
        for channel, share in db.session.execute(
            sa.select(
                IntakeReport.source_channel, sa.func.avg(sa.cast(IntakeReport.is_anonymous, sa.Integer))
            ).group_by(IntakeReport.source_channel)
        )
    }
    assert shares[SourceChannel.HOTLINE] > 0.4 > 0.1 > shares[SourceChannel.WALK_IN]
    open_cases = sa.select(Case.id).where(Case.status != CaseStatus.CLOSED)
    assert count(open_cases.where(sa.or_(Case.closed_at.isnot(None), Case.outcome.isnot(None)))) == 0
    assert count(open_cases.where(Case.created_at < END - timedelta(days=90))) > 10, "no old case is still open"
    several = sa.select(Investigation.case_id).group_by(Investigation.case_id)
    assert count(several.having(sa.func.count() > 3)) > 0
    assert count(several.having(sa.func.count() > 10)) > 0
    plans = sa.select(RemediationPlan.id).join(Case, Case.id == RemediationPlan.case_id)
    assert count(plans.where(Case.outcome.not_in([Outcome.SUBSTANTIATED, Outcome.PARTLY_SUBSTANTIATED]))) == 0
    closed = sa.select(Case).where(Case.acknowledged_at.isnot(None)).subquery()
    late = sum(
        acknowledged - created > timedelta(days=7)
        for acknowledged, created in db.session.execute(sa.select(closed.c.acknowledged_at, closed.c.created_at))
    )
    assert 0 < late < CASES * 0.15
    due = {
        priority: due_at - created
        for priority, due_at, created in db.session.execute(sa.select(Case.priority, Case.due_at, Case.created_at))
        if due_at and priority
    }
    assert due[Priority.CRITICAL] < due[Priority.HIGH] < due[Priority.MEDIUM] < due[Priority.LOW]


def test_people_are_fictitious(register):
    """F3: no address that could belong to anybody."""
    addresses = {
        *db.session.scalars(sa.select(Subject.email).where(Subject.email.isnot(None))),
        *db.session.scalars(sa.select(Case.assignee_email).where(Case.assignee_email.isnot(None))),
        *db.session.scalars(sa.select(Investigation.investigator_email)),
    }
    assert addresses
    assert all(
        address.endswith((".example.org", "@example.org", ".example.net", ".example.com")) for address in addresses
    )


def test_some_text_is_odd_and_legal(register):
    """F3, C13: formulas, line breaks and names in other scripts are there for the exports to meet."""
    titles = list(db.session.scalars(sa.select(Case.title).where(Case.title.in_(ODD_TEXTS))))
    assert 0 < len(titles) < CASES * 0.05
    text = "".join(ODD_TEXTS)
    assert "\x00" not in text
    text.encode("utf-8")


def test_the_register_says_as_of_when_it_is(register):
    """A13: the made register counts as imported at the midnight it ends at."""
    noted = db.session.scalars(sa.select(CaseImport)).one()
    assert noted.finished_at == END
    assert noted.counts["cases"] == {"new": CASES}


def test_the_same_seed_makes_the_same_register(app):
    """F3: and another seed another one; two organizations never share an id."""

    def contents(organization_id: uuid.UUID) -> list[tuple[object, ...]]:
        columns = (Case.case_number, Case.title, Case.created_at, Case.status, Case.outcome, Case.updated_at)
        of_one = sa.select(*columns).where(Case.organization_id == organization_id).order_by(Case.case_number)
        return [tuple(row) for row in db.session.execute(of_one)]

    with write_session() as session:
        session.add_all(made := [new_organization(slug) for slug in ("third", "fourth", "fifth")])
    third, fourth, fifth = (organization.id for organization in made)
    counts = generate_register(third, 120, seed=9, today=TODAY)
    assert generate_register(fourth, 120, seed=9, today=TODAY) == counts
    generate_register(fifth, 120, seed=10, today=TODAY)
    assert len(contents(third)) == 120
    assert contents(third) == contents(fourth)
    assert contents(third) != contents(fifth)


def test_batches_and_progress(cast, monkeypatch):
    """F3: written batch by batch, heard of after each, and whole at the end."""
    monkeypatch.setattr("demo.register.generate.CASES_A_BATCH", 50)
    heard = []
    generate_register(cast.lakeside, 120, seed=1, today=TODAY, on_progress=lambda *both: heard.append(both))
    assert heard == [(50, 120), (100, 120), (120, 120)]
    assert count(sa.select(Case.id)) == 120


@pytest.mark.parametrize("cases", [1, 7, 1_000])
def test_openings_are_as_many_as_asked_and_in_order(cases):
    """F3: however few or many, over the three years before today."""
    found = [moment for moment, _, _ in moments.openings(Random(3), cases, TODAY, NEW_YORK)]
    assert len(found) == cases
    assert found == sorted(found)
    assert found[-1] < END


def test_more_is_reported_on_working_days(register):
    """F3: weekends are quiet."""
    days = [moment.astimezone(NEW_YORK).weekday() for moment in db.session.scalars(sa.select(Case.created_at))]
    weekend = sum(day >= 5 for day in days)
    assert 0 < weekend < len(days) * 0.2


def test_a_register_that_has_cases_is_left_alone(register):
    """F3: a second call refuses with a sentence."""
    with pytest.raises(RegisterError, match="has cases already"):
        generate_register(register, 10, seed=5, today=TODAY)
    with pytest.raises(RegisterError, match="at least one"):
        generate_register(register, 0, seed=5, today=TODAY)


def test_the_command_names_what_is_wrong(capsys, monkeypatch, database_url, cast):
    """F3: an unknown organization is one sentence and exit 2."""
    monkeypatch.setenv("SECRET_KEY", "a secret for tests only, 0123456789abcdef")
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert main(["--organization", "nobody", "--cases", "5"]) == 2
    assert "There is no organization “nobody”." in capsys.readouterr().err
    assert main(["--organization", "lakeside", "--cases", "5", "--today", "2026-11-02"]) == 0
    assert "cases" in capsys.readouterr().out
