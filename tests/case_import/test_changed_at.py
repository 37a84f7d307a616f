"""C15: when a case came into the register and when it, or anything that hangs on it, last changed there."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal.case_import import load, under_way
from portal.models import CaseImport, ImportState, write_session
from tests.case_import.test_children import CHILDREN, TEXT, cases, suite
from tests.support.apps import Clock
from tests.support.cast import Cast

# what a later delivery of a file says, of one case each; an interview's and a report's case is told by their parent
LATER: tuple[tuple[str, str, str, str], ...] = (
    ("cases2.csv", "2026-01-02,B,,nobody@", "2026-01-03,B,,nobody@", "B"),
    ("reports.csv", "R2,A,2026-01-02,HOTLINE", "R2,A,2026-01-02,EMAIL", "A"),
    ("people1.csv", "A,subject,Kim,Clerk", "A,subject,Kim,Head", "A"),
    ("inv.csv", "I2,B,Audit", "I2,B,Interview", "B"),
    ("talks.csv", "I1,Witness,2026-02-01 10:00,yes", "I1,Witness,2026-02-01 11:00,yes", "A"),
    ("forms.csv", "A,2026-03-01,10", "A,2026-03-01,11", "A"),
    ("plans.csv", "A,2026-04-01,Open", "A,2026-04-01,Done", "A"),
    ("files.csv", "A,memo.pdf,1200\n", "A,memo.pdf,1200\nB,memo.pdf,1300\n", "B"),
    ("people1.csv", "B,kept,Otto", "B,kept,Ana", "B"),
)


def seen() -> dict[str, tuple[datetime | None, datetime | None]]:
    return {number: (case.first_seen_at, case.changed_at) for number, case in cases().items()}


def test_a_case_changes_with_whatever_hangs_on_it(bring: Any, moved_clock: Clock) -> None:
    """C15: each kind of row moves its case and no other; what came unchanged moves none, nor does a dry run."""
    files = suite()
    bring(CHILDREN, files)
    first = seen()
    assert {case_seen[0] == case_seen[1] and case_seen[0] is not None for case_seen in first.values()} == {True}

    moved_clock.forward(hours=1)
    bring(CHILDREN, files)
    assert seen() == first

    before = first
    for name, old, new, number in LATER:
        started = moved_clock.forward(hours=1)
        assert old in files[name]
        files[name] = files[name].replace(old, new)
        bring(CHILDREN, files, dry_run=True)
        assert seen() == before, f"a dry run of {name}"
        bring(CHILDREN, files)
        after = seen()
        assert [each for each in after if after[each] != before[each]] == [number], name
        assert after[number][0] == first[number][0]
        changed_at = after[number][1]
        assert changed_at is not None
        assert changed_at > started
        before = after


def test_a_source_that_dates_its_cases_does_not_hide_a_change(bring: Any, moved_clock: Clock) -> None:
    """C15: `updated_at` is the source's word and stays; when the register changed is ours to note."""
    mapping = CHILDREN.replace('created_at = "Opened"\n', 'created_at = "Opened"\n    updated_at = "Opened"\n', 1)
    files = suite()
    bring(mapping, files)
    before = cases()["A"]

    started = moved_clock.forward(hours=1)
    bring(mapping, {"inv.csv": files["inv.csv"].replace(TEXT, "other words")})

    after = cases()["A"]
    assert (after.updated_at, after.first_seen_at) == (before.updated_at, before.first_seen_at)
    assert after.changed_at is not None
    assert after.changed_at > started


def test_what_an_import_under_way_may_yet_write_is_not_vouched_for(
    bring: Any, moved_clock: Clock, cast: Cast, monkeypatch: Any
) -> None:
    """C15: a look at the register in the middle of an import vouches for no later than the import's beginning, and
    what the import goes on to write is noted as later; one that is long dead holds nothing up."""
    moments: dict[str, datetime] = {}

    def looked(*arguments: Any, **more: Any) -> None:
        run(*arguments, **more)
        moved_clock.forward(minutes=5)
        moments["vouched"] = under_way.complete_until(cast.lakeside)

    run = load._run
    monkeypatch.setattr(load, "_run", looked)
    started = moved_clock.now()
    bring(CHILDREN, suite())

    assert moments["vouched"] == started
    assert all(changed is not None and changed > moments["vouched"] for _, changed in seen().values())
    assert under_way.complete_until(cast.lakeside) == moved_clock.now()

    with write_session() as session:
        session.execute(
            sa.insert(CaseImport).values(
                id=uuid.uuid4(),
                organization_id=cast.lakeside,
                source="killed",
                state=ImportState.RUNNING,
                started_at=moved_clock.now(),
                files=[],
                counts={},
            )
        )
    killed = moved_clock.now()
    moved_clock.forward(hours=23)
    assert under_way.complete_until(cast.lakeside) == killed
    moved_clock.forward(hours=2)
    assert under_way.complete_until(cast.lakeside) == moved_clock.now()
