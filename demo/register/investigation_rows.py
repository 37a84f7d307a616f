"""The rows of looking into a case: investigations, their interviews, and what was put right afterwards."""

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
from portal.models import CaseStatus, Interview, Investigation, Outcome, RemediationPlan

_INTERVIEWS = Weighted([(0, 30), (1, 30), (2, 22), (3, 11), (5, 5), (9, 2)])
_CAUSES = ("Training", "Supervision", "Process gap", "Individual conduct", "System access", "Unclear policy")
_TEMPLATES = Weighted([("Witness interview", 5), ("Subject interview", 3), ("Reporter follow-up", 2)])
_OWN_OUTCOMES = (
    Outcome.SUBSTANTIATED,
    Outcome.PARTLY_SUBSTANTIATED,
    Outcome.UNSUBSTANTIATED,
    Outcome.INSUFFICIENT,
)
_CONFIRMED = {Outcome.SUBSTANTIATED, Outcome.PARTLY_SUBSTANTIATED}


def investigation_rows(
    rng: Random, around: Surroundings, batch: Batch, case_id: uuid.UUID, case: Facts, subjects: list[Person]
) -> None:
    """So many investigations as the case has, inside its life, one after the other and overlapping."""
    end = case.closed or around.end
    for number in range(1, case.investigations + 1):
        started = _start(rng, around, case.opened, end, number, case.investigations)
        completed = _completion(rng, case, started, end)
        status = _status(rng, case, started, completed)
        outcome = _outcome(rng, case) if completed else None
        who = one_of(rng, around.staff).person
        investigation_id = batch.add(
            Investigation,
            f"{case.number}/I{number}",
            case_id=case_id,
            type=one_of(rng, case.category.investigation_types) if case.category else "Preliminary inquiry",
            status=status,
            outcome=outcome,
            started_at=started,
            completed_at=completed,
            investigator_name=who.name,
            investigator_email=who.email,
            finding_summary=wording.finding(rng, outcome) if outcome else None,
            custom_fields=_custom_fields(rng, case, started, completed),
        )
        if started:
            _interviews(
                rng, around, batch, investigation_id, f"{case.number}/I{number}", started, completed or end, subjects
            )


def _start(rng: Random, around: Surroundings, opened: datetime, end: datetime, number: int, of: int) -> datetime | None:
    """None where it is only planned. Later ones of a case start later in it."""
    if rng.random() < 0.015:
        return None
    share = (number - 1 + 0.5 * rng.random()) / (of + 0.5)
    moment = moments.office_hours(rng, opened + (end - opened) * share * 0.7, around.zone)
    return min(max(moment, opened), end - timedelta(seconds=1))


def _completion(rng: Random, case: Facts, started: datetime | None, end: datetime) -> datetime | None:
    """In a closed case before its end; in one still going perhaps already."""
    if started is None or (case.closed and rng.random() < 0.02):
        return None
    if case.closed:
        return max(started, case.closed - (case.closed - started) * 0.4 * rng.random())
    moment = started + timedelta(days=spread(rng, 12 + 40 * case.severity, 0.7))
    return moment if moment < end and rng.random() < 0.6 else None


def _status(rng: Random, case: Facts, started: datetime | None, completed: datetime | None) -> str:
    if completed:
        return "Completed"
    if case.closed:
        return "Cancelled"
    if started is None:
        return "Planned"
    return "On hold" if case.status is CaseStatus.ON_HOLD or rng.random() < 0.08 else "In progress"


def _outcome(rng: Random, case: Facts) -> Outcome:
    if case.outcome and rng.random() < 0.8:
        return case.outcome
    return one_of(
        rng, (Outcome.SUBSTANTIATED, Outcome.PARTLY_SUBSTANTIATED, Outcome.UNSUBSTANTIATED, Outcome.INSUFFICIENT)
    )


def _custom_fields(rng: Random, case: Facts, started: datetime | None, completed: datetime | None) -> dict[str, Any]:
    fields: dict[str, Any] = {"legal_hold": rng.random() < case.severity * 0.3}
    if started and completed:
        fields["hours_spent"] = round(spread(rng, 3 + 22 * case.severity, 0.6), 1)
        if rng.random() < 0.6:
            fields["root_cause"] = one_of(rng, _CAUSES)
    if rng.random() < 0.1:
        fields["outside_cost"] = round(spread(rng, 6000, 0.8), 2)
    return fields


def _interviews(
    rng: Random,
    around: Surroundings,
    batch: Batch,
    investigation_id: uuid.UUID,
    key: str,
    started: datetime,
    until: datetime,
    subjects: list[Person],
) -> None:
    for number in range(1, _INTERVIEWS.pick(rng) + 1):
        template = _TEMPLATES.pick(rng)
        person = one_of(rng, subjects) if template == "Subject interview" and subjects else somebody(rng)
        held = moments.office_hours(rng, started + (until - started) * rng.random(), around.zone)
        held = max(started, min(held, until - timedelta(seconds=1)))
        batch.add(
            Interview,
            f"{key}/V{number}",
            investigation_id=investigation_id,
            template=template if rng.random() < 0.98 else None,
            held_at=held if rng.random() < 0.98 else None,
            interviewee=person.name if rng.random() < 0.9 else None,
            responses=_responses(rng, held, template),
        )


def _responses(rng: Random, held: datetime, template: str) -> dict[str, Any]:
    """Answers by question: text, yes or no, number, date, several choices, money; some left blank."""
    answers: dict[str, Any] = {
        "q1": one_of(rng, wording.IN_OWN_WORDS["en"]) if rng.random() < 0.9 else "",
        "q2": rng.random() < 0.6,
        "q3": int(spread(rng, 3, 0.8)),
        "q4": (held - timedelta(days=int(spread(rng, 30, 0.8)))).date().isoformat(),
    }
    if template == "Subject interview":
        answers["q5"] = [cause for cause in _CAUSES if rng.random() < 0.2]
        answers["q6"] = round(spread(rng, 400, 1.2), 2) if rng.random() < 0.3 else None
    if rng.random() < wording.ODD_SHARE:
        answers["q7"] = one_of(rng, wording.ODD_TEXTS)
    return answers


def remediation_rows(rng: Random, around: Surroundings, batch: Batch, case_id: uuid.UUID, case: Facts) -> None:
    """Most confirmed cases have a plan, some a second; it starts at the closing and is done, late, or still going."""
    if case.outcome not in _CONFIRMED or case.closed is None or rng.random() > 0.72:
        return
    created = case.closed
    for number in range(1, 3 if rng.random() < 0.14 else 2):
        due = created + timedelta(days=30 * (1 + int(rng.random() * 4)))
        done = created + (due - created) * spread(rng, 0.8, 0.4)
        completed = done if done < around.end and rng.random() < 0.9 else None
        if completed:
            status = "Completed"
        elif rng.random() < 0.06:
            status = "Cancelled"
        else:
            status = "Planned" if around.end - created < timedelta(days=10) else "In progress"
        batch.add(
            RemediationPlan,
            f"{case.number}/P{number}",
            case_id=case_id,
            status=status,
            created_at=created,
            due_at=due if rng.random() < 0.97 else None,
            completed_at=completed,
        )
        created = min(completed or due, around.end - timedelta(seconds=1))
