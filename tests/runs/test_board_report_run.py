"""A scheduled board report: a run like any other, with figures of what its recipients may know."""

from __future__ import annotations

import io
from datetime import timedelta

from pptx import Presentation

from portal.models import ExportFormat, ExportType, RestrictionKind, Run, RunState, write_session
from tests.runs.conflict_desk import TOMAS, add_case, artifact_for, content, put_on_list, run_it
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.schedules import make_cases, make_schedule

PRIYA = "priya@example.org"


def words_of(data: bytes) -> str:
    shapes = [shape for slide in Presentation(io.BytesIO(data)).slides for shape in slide.shapes]
    return "\n".join(shape.text_frame.text for shape in shapes if shape.has_text_frame)


def test_each_recipient_gets_the_figures_of_what_they_may_know(cast: Cast, moved_clock: Clock) -> None:
    """C11, C18, C20: two files of one run, and no trace of the case in one of them."""
    last_month = moved_clock.now() - timedelta(days=10)
    make_cases(cast.lakeside, 11, created_at=last_month)
    kept = add_case(cast.lakeside, last_month)
    put_on_list(cast.lakeside, kept, RestrictionKind.BY_HAND, email=TOMAS)
    schedule_id = make_schedule(
        cast.lakeside,
        cast.otto,
        export_type=ExportType.BOARD_REPORT,
        format=ExportFormat.PPTX,
        period="previous_month",
        recipients=[PRIYA, TOMAS],
    )
    run_id = run_it(cast, schedule_id)
    whole, less = artifact_for(run_id, PRIYA), artifact_for(run_id, TOMAS)
    assert (whole.rows, less.rows) == (12, 11)
    assert "In October 2026, 12 cases were opened" in words_of(content(whole))
    assert "In October 2026, 11 cases were opened" in words_of(content(less))
    assert not [trace for trace in kept.traces if trace in words_of(content(less))]
    with write_session() as db:
        assert db.get_one(Run, run_id).state is RunState.SUCCEEDED
