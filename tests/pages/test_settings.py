"""The organization's settings: masking, who is inside (C17), written down in the audit log."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from portal.exports.columns import Column, ColumnType, Sensitivity
from portal.exports.masking import MaskingRules, Profile, Treatment
from portal.extensions import db
from portal.models import AuditBody, AuditEvent
from portal.people.insiders import load_insiders
from portal.people.organization_settings import settings_of
from tests.support.cast import Cast

PAGE = "/settings/masking"


def rules(cast: Cast) -> MaskingRules:
    db.session.rollback()
    return MaskingRules.of(settings_of(cast.lakeside))


def selected(answer: Any, name: str) -> str:
    return answer.find(f"//select[@name='{name}']/option[@selected]")[0].text


def test_settings_stand_in_the_navigation_of_an_admin_alone(page, cast: Cast) -> None:
    assert page.ana.get("/settings").location == PAGE
    assert [each.text for each in page.ana.get(PAGE).find("//nav[@aria-label='Main']//a[@aria-current]")] == [
        "Settings"
    ]
    assert not page.otto.get("/schedules").find("//nav//a[.='Settings']")


def test_the_page_shows_what_each_profile_does_by_default(page, cast: Cast) -> None:
    answer = page.ana.get(PAGE)
    assert selected(answer, "EXTERNAL.case_number") == "Masked (default)"
    assert selected(answer, "INTERNAL.case_number") == "Shown (default)"
    assert selected(answer, "EXTERNAL.inv_finding_summary") == "Masked (default)"
    assert selected(answer, "EXTERNAL.location_name") == "Masked in small groups (default)"
    assert selected(answer, "EXTERNAL.all_subjects") == "Left out (default)"
    assert "whoever has an address at example.org" in answer.words
    assert "Every column is treated as by default." in answer.words


def test_what_is_chosen_is_kept_written_down_and_can_be_taken_back(page, cast: Cast) -> None:
    answer = page.ana.get(PAGE)
    chosen = {"inside": "INTERNAL", "domains": "lakeside.example", "EXTERNAL.case_status": "OMIT"}
    assert page.ana.submit(answer, chosen, action=PAGE).location == PAGE
    kept = rules(cast)
    assert (kept.inside, kept.outside) == (Profile.INTERNAL, Profile.EXTERNAL)
    assert kept.columns == {Profile.EXTERNAL: {"case_status": Treatment.OMIT}}
    assert load_insiders(db.session(), cast.lakeside).domains == {"lakeside.example"}
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "settings.masking_changed")).one()
    body = db.session.get_one(AuditBody, (event.chain_id, event.sequence)).body
    assert body["before"] == {"masking": None, "inside_domains": None}
    assert body["after"]["masking"]["columns"] == {"EXTERNAL": {"case_status": "OMIT"}}
    again = page.ana.get(PAGE)
    assert selected(again, "EXTERNAL.case_status") == "Left out"
    assert "Some columns are treated in another way" in again.words
    assert "masking" not in settings_of(cast.strangers)
    page.ana.post(f"{PAGE}/reset")
    assert rules(cast) == MaskingRules()
    assert load_insiders(db.session(), cast.lakeside).domains == {"lakeside.example"}


def test_what_cannot_be_is_a_sentence_at_its_field_and_nothing_is_changed(page, cast: Cast) -> None:
    shown = page.ana.get(PAGE)
    for domains, words in {
        "gmail.com": "gmail.com is a public mail service",
        "not a domain": "“not” is not a mail domain",
    }.items():
        answer = page.ana.submit(shown, {"domains": domains, "EXTERNAL.case_status": "OMIT"}, action=PAGE)
        assert answer.status == 400
        assert words in answer.words
        assert domains in answer.text
        assert selected(answer, "EXTERNAL.case_status") == "Left out"
    assert page.ana.submit(shown, {"outside": "EVERYTHING"}, action=PAGE).status == 400
    assert rules(cast) == MaskingRules()
    page.ana.submit(shown, {"EXTERNAL.case_id": "SMALL"}, action=PAGE)
    ident = Column("case_id", "", ColumnType.TEXT, Sensitivity.IDENTIFIER)
    assert rules(cast).treatment(Profile.EXTERNAL, ident) is Treatment.MASK
