"""The rows of a case itself: the case, its reports, its subjects, whom it is kept from, what is attached to it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from random import Random
from typing import Any

from demo.register import moments, wording
from demo.register.chance import Weighted, one_of, spread
from demo.register.facts import Facts
from demo.register.people import Person, somebody
from demo.register.rows import Batch
from demo.register.surroundings import Surroundings
from demo.register.vocabulary import ANONYMOUS, CURRENCIES, LANGUAGES, SLA_DAYS, SUBJECT_RELATIONSHIPS, SUBJECT_ROLES
from portal.models import (
    Attachment,
    Case,
    CaseRestriction,
    CaseStatus,
    IntakeReport,
    Outcome,
    RestrictionKind,
    SourceChannel,
    Subject,
)

_ROLES, _RELATIONSHIPS = Weighted(SUBJECT_ROLES), Weighted(SUBJECT_RELATIONSHIPS)
_ALL_CHANNELS = tuple(ANONYMOUS)
_REPORTS = Weighted([(1, 83), (2, 12), (3, 3.5), (4, 1), (6, 0.5)])
_SUBJECTS = Weighted([(0, 14), (1, 62), (2, 16), (3, 6), (5, 2)])
_ATTACHMENTS = Weighted([(0, 48), (1, 22), (2, 13), (3, 8), (5, 6), (8, 2), (14, 1)])
_HEARD = ("Poster", "Training", "Intranet", "Colleague", "Manager", "Web search")


def case_row(rng: Random, around: Surroundings, batch: Batch, case: Facts) -> uuid.UUID:
    """The case; its id. Where it was last touched follows from its latest date."""
    acknowledged = _acknowledged(rng, around, case)
    feedback = _feedback(rng, around, case, acknowledged)
    seen = [moment for moment in (case.opened, acknowledged, feedback, case.closed) if moment]
    updated = max(seen)
    if case.closed is None:
        updated += (around.end - updated) * rng.random() ** 3
    assignee = case.assignee
    return batch.add(
        Case,
        case.number,
        case_number=case.number,
        title=wording.title(rng, case.kind_name, case.unit_name) if rng.random() < 0.99 else None,
        description=wording.description(rng, case.category),
        status=case.status,
        priority=case.priority,
        category_id=around.category_ids[case.kind[0]] if case.kind else None,
        business_unit_id=case.unit.id if case.unit else None,
        location_id=around.location_ids[case.place] if case.place else None,
        assignee_name=assignee.person.name if assignee else None,
        assignee_email=assignee.person.email if assignee else None,
        assignee_user_id=assignee.user_id if assignee else None,
        created_at=case.opened,
        updated_at=updated,
        # the whole register came in at once, at the end that it tells of
        first_seen_at=around.end,
        changed_at=around.end,
        # other systems leave closed cases without a date; so does this one, rarely
        closed_at=case.closed if rng.random() > 0.003 else None,
        due_at=case.opened + timedelta(days=SLA_DAYS[case.priority]) if case.priority and rng.random() < 0.97 else None,
        acknowledged_at=acknowledged,
        feedback_at=feedback,
        outcome=case.outcome,
        outcome_reason=one_of(rng, wording.REASONS[case.outcome]) if case.outcome and rng.random() < 0.85 else None,
        custom_fields=_custom_fields(rng, case),
    )


def _acknowledged(rng: Random, around: Surroundings, case: Facts) -> datetime | None:
    """Within seven days for about nineteen in twenty."""
    if case.status is CaseStatus.NEW or rng.random() < 0.015:
        return None
    moment = moments.office_hours(rng, case.opened + timedelta(days=spread(rng, 1.3, 0.95)), around.zone)
    latest = case.closed or around.end - timedelta(seconds=1)
    return min(max(moment, case.opened), latest)


def _feedback(rng: Random, around: Surroundings, case: Facts, acknowledged: datetime | None) -> datetime | None:
    """Within three months for about nine in ten: at the end of the case, or on the way where it takes longer."""
    if acknowledged is None or rng.random() < 0.03:
        return None
    on_the_way = acknowledged + timedelta(days=spread(rng, 55, 0.4))
    moment = min(case.closed, on_the_way) if case.closed and rng.random() < 0.9 else case.closed or on_the_way
    return max(moment, acknowledged) if moment < around.end else None


def _custom_fields(rng: Random, case: Facts) -> dict[str, Any]:
    """Fields of several types; most cases have only some of them, as forms of several years leave behind."""
    fields: dict[str, Any] = {
        "incident_date": (case.opened - timedelta(days=int(spread(rng, 9, 1.1)))).date().isoformat()
    }
    country = (case.place or "US")[:2]
    if case.category and rng.random() < case.category.money:
        fields["amount"] = round(spread(rng, 2600 * (0.5 + 2 * case.severity), 1.5), 2)
        fields["currency"] = CURRENCIES.get(country, "USD")
        if case.outcome in {Outcome.SUBSTANTIATED, Outcome.PARTLY_SUBSTANTIATED}:
            fields["share_recovered"] = round(rng.random(), 3)
    if case.severity > 0.55:
        fields["regulator_notified"] = rng.random() < case.severity - 0.4
    if rng.random() < 0.3:
        fields["people_affected"] = 1 + int(spread(rng, 2, 1.0))
    if rng.random() < 0.12:
        language = LANGUAGES.get(country, "en")
        fields["in_own_words"] = one_of(rng, wording.IN_OWN_WORDS[language])
    if rng.random() < wording.ODD_SHARE:
        fields["reference"] = one_of(rng, wording.ODD_TEXTS)
        if "amount" in fields:
            fields["amount"] = f"about {fields['amount']:,.0f}"  # people do not always write what a form asks for
    return fields


def intake_rows(rng: Random, around: Surroundings, batch: Batch, case_id: uuid.UUID, case: Facts) -> None:
    """The report that opened the case, and those that came later about the same matter."""
    if case.channel is None:
        return
    delay = 0.0 if case.channel in {SourceChannel.HOTLINE, SourceChannel.WEB_FORM} else spread(rng, 8, 1.0)
    _intake_row(
        rng, batch, case_id, case, 1, case.opened - timedelta(hours=delay), case.channel, case.anonymous, case.reporter
    )
    until = (case.closed or around.end) - case.opened
    for number in range(2, _REPORTS.pick(rng) + 1):
        received = case.opened + until * rng.random() ** 2
        channel = one_of(rng, _ALL_CHANNELS) if rng.random() < 0.5 else case.channel
        anonymous = rng.random() < ANONYMOUS[channel]
        _intake_row(rng, batch, case_id, case, number, received, channel, anonymous, "Employee")


def _intake_row(
    rng: Random,
    batch: Batch,
    case_id: uuid.UUID,
    case: Facts,
    number: int,
    received: datetime,
    channel: SourceChannel,
    anonymous: bool,
    reporter: str,
) -> None:
    details: dict[str, Any] = {
        "language": LANGUAGES.get((case.place or "US")[:2], "en") if rng.random() < 0.6 else "en"
    }
    if channel is SourceChannel.HOTLINE:
        details["call_minutes"] = 2 + int(spread(rng, 12, 0.5))
    if rng.random() < 0.4:
        details["heard_of_us_from"] = one_of(rng, _HEARD)
    if rng.random() < 0.3:
        details["reported_before"] = rng.random() < 0.25
    batch.add(
        IntakeReport,
        f"{case.number}/R{number}",
        case_id=case_id,
        received_at=received,
        source_channel=channel,
        is_anonymous=anonymous if rng.random() < 0.99 else None,
        reporter_relationship=reporter,
        details=details,
    )


def subject_rows(rng: Random, around: Surroundings, batch: Batch, case_id: uuid.UUID, case: Facts) -> list[Person]:
    """Whom the report is about; some are kept from the case because they work with the register."""
    people = []
    for number in range(1, _SUBJECTS.pick(rng) + 1):
        role = _ROLES.pick(rng)
        person = somebody(rng, "vendor" if role == "Vendor representative" else "staff")
        people.append(person)
        named = rng.random() < 0.93
        batch.add(
            Subject,
            f"{case.number}/S{number}",
            case_id=case_id,
            name=person.name if named else (one_of(rng, wording.ODD_TEXTS)[:200] if rng.random() < 0.2 else None),
            email=person.email if named and rng.random() < 0.8 else None,
            role=role,
            relationship=_RELATIONSHIPS.pick(rng),
            custom_fields={"years_of_service": int(spread(rng, 5, 0.9))} if rng.random() < 0.5 else {},
        )
    _restrictions(rng, around, batch, case_id, case, people)
    return people


def _restrictions(
    rng: Random, around: Surroundings, batch: Batch, case_id: uuid.UUID, case: Facts, people: list[Person]
) -> None:
    if people and rng.random() < 0.05:
        _restrict(batch, case_id, case, RestrictionKind.SUBJECT, people[0])
    if rng.random() < 0.015:
        _restrict(batch, case_id, case, RestrictionKind.NAMED_BY_REPORTER, somebody(rng))
    if rng.random() < 0.006:
        # nobody who signs in: whoever tries the demo sees all of it, until they put somebody on a list themselves
        others = [each for each in around.staff if each.user_id is None and each is not case.assignee]
        _restrict(batch, case_id, case, RestrictionKind.BY_HAND, one_of(rng, others).person)


def _restrict(
    batch: Batch,
    case_id: uuid.UUID,
    case: Facts,
    kind: RestrictionKind,
    person: Person,
) -> None:
    batch.add(
        CaseRestriction,
        f"{case.number}/{kind}",
        case_id=case_id,
        kind=kind,
        name=person.name,
        email=person.email,
    )


def attachment_rows(rng: Random, batch: Batch, case_id: uuid.UUID, case: Facts) -> None:
    for number in range(1, _ATTACHMENTS.pick(rng) + 1):
        size = int(spread(rng, 180_000, 1.6)) if rng.random() < 0.98 else None
        batch.add(
            Attachment, f"{case.number}/A{number}", case_id=case_id, filename=wording.file_name(rng), size_bytes=size
        )
