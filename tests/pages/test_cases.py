"""The case register, to look at."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from portal.extensions import db
from portal.models import (
    Case,
    CaseRestriction,
    CaseStatus,
    Category,
    IntakeReport,
    Investigation,
    RestrictionKind,
    Role,
    SourceChannel,
    User,
    write_session,
)
from tests.support.runs import MONDAY
from tests.support.schedules import make_cases


@pytest.fixture
def register(cast, moved_clock):
    make_cases(cast.lakeside, 120, created_at=MONDAY - timedelta(days=1))


def case_id(number: str) -> uuid.UUID:
    found = db.session.scalars(sa.select(Case.id).where(Case.case_number == number)).one()
    db.session.rollback()
    return found


def shown(answer) -> list[str]:
    return [link.text for link in answer.find("//table//a")]


def test_an_empty_register_says_how_it_is_filled(page, cast):
    assert "The register is filled by an import" in page.otto.get("/cases").words


def test_paging_misses_and_repeats_nothing(page, register):
    first = page.otto.get("/cases")
    second = page.otto.get(first.find("//a[@rel='next']")[0].get("href"))
    third = page.otto.get(second.find("//a[@rel='next']")[0].get("href"))
    assert not third.find("//a[@rel='next']")
    assert [*shown(first), *shown(second), *shown(third)] == [f"C-{number:05d}" for number in range(120, 0, -1)]


def test_search_by_number_title_and_status(page, register):
    with write_session() as session:
        session.execute(
            sa.update(Case)
            .where(Case.case_number == "C-00007")
            .values(title="Gift from a 100% supplier", status=CaseStatus.CLOSED)
        )
    assert shown(page.otto.get("/cases?search=c-0001")) == [f"C-{number:05d}" for number in range(19, 9, -1)]
    assert shown(page.otto.get("/cases?search=100%25+supp")) == ["C-00007"]
    assert shown(page.otto.get("/cases?status=CLOSED")) == ["C-00007"]
    assert "No case fits" in page.otto.get("/cases?search=%25%25").words
    assert page.otto.get("/cases?status=BROKEN&older_than=xx").status == 200


def test_one_case_with_what_hangs_on_it(page, cast, register):
    wanted = case_id("C-00003")
    top, sub = uuid.uuid4(), uuid.uuid4()
    with write_session() as session:
        session.add(Category(id=top, organization_id=cast.lakeside, name="Conduct"))
        session.flush()
        session.add(Category(id=sub, organization_id=cast.lakeside, name="Harassment", parent_id=top))
        session.flush()
        case = session.get_one(Case, wanted)
        case.category_id, case.custom_fields = sub, {"Hotline <b>": "{{7*7}}"}
        session.add(
            IntakeReport(
                organization_id=cast.lakeside,
                case_id=wanted,
                received_at=MONDAY,
                source_channel=SourceChannel.WEB_FORM,
                is_anonymous=True,
            )
        )
        session.add(Investigation(organization_id=cast.lakeside, case_id=wanted, type="Interview round", status="OPEN"))
    answer = page.otto.get(f"/cases/{wanted}")
    assert answer.h1 == "Case C-00003"
    for fact in ("Conduct > Harassment", "Web form", "Interview round", "Hotline <b>", "{{7*7}}"):
        assert fact in answer.words


@pytest.mark.parametrize("by", ["user_id", "email"])
def test_someone_kept_from_a_case_finds_no_trace(page, cast, register, by):
    """C18"""
    kept = case_id("C-00050")
    who = {"user_id": cast.otto} if by == "user_id" else {"email": "Otto@Example.org"}
    with write_session() as session:
        session.add(
            CaseRestriction(organization_id=cast.lakeside, case_id=kept, kind=RestrictionKind.BY_HAND, name=None, **who)
        )
    assert page.otto.get(f"/cases/{kept}").data == page.otto.get(f"/cases/{uuid.uuid4()}").data
    assert shown(page.otto.get("/cases?search=C-00050")) == []
    assert shown(page.ana.get("/cases?search=C-00050")) == ["C-00050"]
    assert page.ana.get(f"/cases/{kept}").status == 200


def test_strangers_and_those_without_the_right_see_nothing(page, cast, register):
    """E1, E2"""
    wanted = case_id("C-00001")
    assert page.stella.get(f"/cases/{wanted}").status == 404
    assert shown(page.stella.get("/cases")) == []
    with write_session() as session:
        session.get_one(User, cast.otto).role = Role.AUDITOR
    assert page.otto.get("/cases").status == 403
    assert page.otto.get(f"/cases/{wanted}").status == 403
