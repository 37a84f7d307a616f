"""From a due moment to its run: one run or one written reason each, and a bad schedule holds up nothing."""

from __future__ import annotations

from tests.sabotage.mutant import NONE, Change, Mutant, Promise

START_DUE = "portal/schedules/start_due.py"
CHANGES = "portal/schedules/changes.py"
RUN_NOW = "portal/schedules/run_now.py"
FIRST_TABLES = "portal/migrations/versions/0001_first_tables.py"
TICK = "tests/schedules/test_start_due.py::"
CHANGED = "tests/schedules/test_due_and_changed.py::"
STOPPED = "tests/schedules/test_changes.py::"
COMMITTED = "tests/schedules/test_after_the_commit.py::"

MUTANTS = (
    Mutant(
        "occurrence-key-not-unique",
        Promise.OCCURRENCE,
        "`runs.occurrence_key` is unique; what is there already is not inserted again",
        "a second run of the same occurrence is queued",
        [
            Change(
                FIRST_TABLES, "    sa.UniqueConstraint('occurrence_key', name=op.f('uq_runs_occurrence_key')),\n", ""
            ),
            Change(
                "portal/runs/start.py",
                'insert_rows(db, Run, rows, once_by="occurrence_key", ',
                "insert_rows(db, Run, rows, ",
            ),
        ],
        [
            f"{TICK}test_an_occurrence_that_has_its_run_gets_no_second_one",
            f"{CHANGED}test_two_moments_that_became_one_by_new_time_zone_data_are_one_run",
            f"{CHANGED}test_a_clock_that_is_put_back_makes_no_moment_twice",
        ],
    ),
    Mutant(
        "moved-whatever-another-did",
        Promise.OCCURRENCE,
        "The next moment moves only from the moment that was read",
        "a ticker that read before another moved the schedule moves it once more",
        [
            Change(
                START_DUE,
                '{"id": schedule.id, "next_run_at": schedule.next_run_at, "revision": schedule.revision}',
                '{"id": schedule.id, "revision": schedule.revision}',
            )
        ],
        [f"{COMMITTED}test_a_ticker_writes_nothing_once_the_schedule_is_not_as_it_was_read"],
    ),
    Mutant(
        "moved-whatever-a-person-did",
        Promise.OCCURRENCE,
        "The next moment moves only at the revision that was read",
        "a ticker puts the moment of the rule that a person has just changed",
        [
            Change(
                START_DUE,
                '{"id": schedule.id, "next_run_at": schedule.next_run_at, "revision": schedule.revision}',
                '{"id": schedule.id, "next_run_at": schedule.next_run_at}',
            )
        ],
        [f"{COMMITTED}test_a_ticker_writes_nothing_once_the_schedule_is_not_as_it_was_read"],
    ),
    Mutant(
        "missed-ones-not-written",
        Promise.OCCURRENCE,
        "A moment that is not made any more is written down as MISSED",
        "what fell due while nothing ran leaves no trace",
        [
            Change(
                START_DUE,
                "        for found in _worth_a_row(each.verdicts)\n",
                "        for found in _worth_a_row(each.verdicts)\n        if found.kind is not None\n",
            )
        ],
        [f"{TICK}test_after_three_days_off_the_latest_is_made_and_the_others_are_missed"],
    ),
    Mutant(
        "too-many-missed-for-a-row-each",
        Promise.OCCURRENCE,
        "More than 31 missed moments are one row with the first, the last and the count",
        "a daily schedule after months off writes a row for each day",
        [Change(START_DUE, "    if len(missed) <= MOST_MISSED_ROWS:\n", "    if True:\n")],
        [f"{TICK}test_months_off_become_one_row_of_missed_ones"],
        raises=("ValueError",),
    ),
    Mutant(
        "made-however-late",
        Promise.OCCURRENCE,
        "Beyond half the distance to the next moment, or a week, nothing is made late",
        "yesterday's report goes out an hour before today's",
        [
            Change(
                "portal/schedules/catch_up.py",
                "    if policy is CatchUp.LATEST and late <= ",
                "    if policy is CatchUp.LATEST or late <= ",
            )
        ],
        ["tests/schedules/test_catch_up.py::test_beyond_half_the_distance_to_the_next_nothing_is_made"],
        on=NONE,
    ),
    Mutant(
        "occurrence-named-by-its-instant",
        Promise.OCCURRENCE,
        "An occurrence is named by its local date and time, which survive new time zone data",
        "the same occurrence is made twice when the rules of a zone change",
        [
            Change(
                START_DUE,
                'occurrence_key=f"s:{schedule.id}:{moment.occurrence.key_part()}"',
                'occurrence_key=f"s:{schedule.id}:{moment.instant.isoformat()}"',
            )
        ],
        [f"{CHANGED}test_two_moments_that_became_one_by_new_time_zone_data_are_one_run"],
    ),
    Mutant(
        "third-moment-skips-nothing",
        Promise.OCCURRENCE,
        "When a third moment comes while one run is made and one waits, the waiting one is SKIPPED with the reason",
        "runs of one schedule pile up behind a long one",
        [
            Change(
                START_DUE,
                "    skip_waiting(db, [each.schedule.id for each in judged if each.planned], now=now)\n",
                "",
            )
        ],
        [f"{CHANGED}test_a_third_moment_skips_the_one_that_waits"],
    ),
    Mutant(
        "due-moment-lost-by-an-edit",
        Promise.OCCURRENCE,
        "An edit first starts what was due, in its own transaction",
        "a moment that fell due right before an edit is never made",
        [Change(CHANGES, "        started = _started_as_it_was(db, schedule, now)\n", "        started = []\n")],
        [f"{COMMITTED}test_an_edit_starts_what_was_due_as_it_was"],
    ),
    Mutant(
        "due-moment-lost-by-a-pause",
        Promise.OCCURRENCE,
        "A pause writes down what was due as SKIPPED, in its own transaction",
        "a moment that fell due right before a pause leaves no trace",
        [
            Change(
                CHANGES,
                '        skip_due(db, schedule, "Skipped: the schedule was paused before it was started.", now)\n',
                "",
            )
        ],
        [f"{STOPPED}test_a_due_moment_is_written_down_as_skipped_when_paused"],
    ),
    Mutant(
        "only-the-first-due-moment-is-skipped",
        Promise.OCCURRENCE,
        "Whoever stops a schedule that nobody ticked for days gets a row for each moment that fell due",
        "one row stands for several moments",
        [
            Change(
                START_DUE,
                "for each in _due_moments(schedule, plan, now)[0]]",
                "for each in _due_moments(schedule, plan, now)[0][:1]]",
            )
        ],
        [f"{CHANGED}test_every_moment_that_fell_due_is_written_down_when_a_person_stops_the_schedule"],
    ),
    Mutant(
        "period-counts-from-now",
        Promise.OCCURRENCE,
        "The period counts from the planned moment, however late the run",
        "a run that is a day late holds other days",
        [
            Change(
                START_DUE,
                "        counted_from=moment.counted_from,\n",
                "        counted_from=(now, now),\n",
            )
        ],
        [f"{CHANGED}test_the_period_of_a_late_run_counts_from_its_planned_moment"],
    ),
    Mutant(
        "run-now-does-not-look-for-one-going",
        Promise.OCCURRENCE,
        "Run now shows the run that an earlier press made while that is still going",
        "ten presses make ten runs",
        [Change(RUN_NOW, "sa.or_(Run.occurrence_key == key, going)", "Run.occurrence_key == key")],
        [f"{CHANGED}test_run_now_pressed_ten_times_at_once_is_one_run"],
    ),
    Mutant(
        "run-now-does-not-look-for-its-form",
        Promise.OCCURRENCE,
        "A form of run now has a key of its own: sent again, it shows its run",
        "the form sent again after its run ended is an error (the unique key still keeps a second run out)",
        [Change(RUN_NOW, "sa.or_(Run.occurrence_key == key, going)", "going")],
        [f"{CHANGED}test_a_form_of_run_now_sent_again_after_the_run_ended_shows_that_run"],
        raises=("ValueError",),
    ),
    Mutant(
        "batch-not-taken-one-by-one",
        Promise.BAD_SCHEDULE,
        "Where one of a batch raises, the batch is taken one by one",
        "nothing is started any more",
        [Change(START_DUE, "        return _start_one_by_one(now, filter_words)\n", "        return 0, []\n")],
        [
            f"{TICK}test_a_bad_schedule_is_parked_and_holds_up_nothing",
            f"{TICK}test_a_row_that_cannot_even_be_read_is_parked_too",
        ],
    ),
    Mutant(
        "bad-schedule-not-parked",
        Promise.BAD_SCHEDULE,
        "The one that raises is parked for an hour, with the error on its page",
        "it is tried again at every tick and nobody is shown why",
        [Change(START_DUE, ".values(parked_until=until, last_error=last_error, ", ".values(")],
        [f"{TICK}test_a_bad_schedule_is_parked_and_holds_up_nothing"],
    ),
    Mutant(
        "busy-database-parks",
        Promise.BAD_SCHEDULE,
        "Trouble with the database is not the schedule's: the next tick tries again",
        "a healthy schedule is parked for an hour",
        [
            Change(
                START_DUE,
                "            if _is_of_the_database(error):\n                # locked or away",
                "            if error is None:\n                # locked or away",
            )
        ],
        [f"{CHANGED}test_trouble_with_the_database_parks_no_schedule"],
    ),
    Mutant(
        "bad-pause-ends-the-tick",
        Promise.BAD_SCHEDULE,
        "A pause that cannot be ended is parked like a schedule that cannot be started",
        "one of them keeps all other pauses from ending",
        [
            Change(
                START_DUE,
                '            logger.exception("a pause could not be ended; parked for an hour"',
                '            raise\n            logger.exception("a pause could not be ended; parked for an hour"',
            )
        ],
        [f"{CHANGED}test_a_pause_of_a_broken_schedule_holds_no_other_up"],
        raises=("RuleError",),
    ),
    Mutant(
        "broken-schedule-cannot-be-mended",
        Promise.BAD_SCHEDULE,
        "An edit mends a schedule whose due moment cannot be made as it was",
        "the edit that would mend it raises",
        [
            Change(
                CHANGES,
                '        logger.warning("a broken schedule is edited", schedule_id=str(schedule.id), exc_info=True)\n'
                "        return None\n",
                "        raise\n",
            )
        ],
        [f"{CHANGED}test_what_was_due_in_a_broken_schedule_is_made_once_it_is_mended"],
        raises=("FilterError",),
    ),
    Mutant(
        "broken-schedule-cannot-be-stopped",
        Promise.BAD_SCHEDULE,
        "A pause or deletion of a schedule that cannot be read writes its planned moment down as far as it is known",
        "pause and delete raise",
        [
            Change(
                START_DUE,
                "        return [_unreadable(db, schedule, reason, now)]\n",
                "        raise\n",
            )
        ],
        [f"{CHANGED}test_a_broken_schedule_can_be_paused_and_deleted"],
        raises=("FilterError",),
    ),
)
