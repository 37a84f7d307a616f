"""The organization's calendar, and runs that wait for the day's import."""

from __future__ import annotations

from tests.sabotage.mutant import Change, Mutant, Promise

RULE = "portal/schedules/calendar_rule.py"
READY = "portal/schedules/data_ready.py"
DAYS = "tests/schedules/test_blackouts.py::"
WAITS = "tests/schedules/test_data_ready.py::"
LEASED = "tests/runs/test_tries_and_leases.py::"

MUTANTS = (
    Mutant(
        "day-off-not-heeded",
        Promise.CALENDAR,
        "A moment on a day off is SKIPPED when it falls due, and the row names the day",
        "it is made",
        [
            Change(
                "portal/schedules/planning.py",
                "        return plain_moment(occurrence, found.closed(occurrence.instant))\n",
                "        return plain_moment(occurrence)\n",
            )
        ],
        [f"{DAYS}test_a_skipped_one_is_written_down_when_it_is_due_and_names_the_day"],
    ),
    Mutant(
        "days-off-taken-for-missed",
        Promise.CALENDAR,
        "Moments on days off that passed while nothing ran are SKIPPED, not MISSED",
        "people are told that they missed what was never to be made",
        [Change(RULE, "yield plain_moment(each, plan.closed(each.instant))", "yield plain_moment(each)")],
        [f"{DAYS}test_after_an_outage_skipped_days_are_skipped_and_not_missed"],
    ),
    Mutant(
        "moved-ones-swallow-each-other",
        Promise.CALENDAR,
        "Several moments that are moved onto one day are one run over all their periods",
        "the earlier ones are lost",
        [
            Change(
                RULE,
                "        waiting.setdefault(landed.instant, []).append((asked, landed, name))\n",
                "        waiting[landed.instant] = [(asked, landed, name)]\n",
            )
        ],
        [f"{DAYS}test_several_that_land_on_one_day_are_one_run_over_all_their_periods"],
    ),
    Mutant(
        "calendar-reaches-back",
        Promise.CALENDAR,
        "A day that is put in or taken out counts for moments after that change alone",
        "a change of the calendar takes back what was put off",
        [
            Change(
                RULE,
                "            if off.since < instant and (off.until is None or instant <= off.until):\n",
                "            if off.until is None:\n",
            )
        ],
        [
            f"{DAYS}test_a_day_put_in_after_its_moment_undoes_nothing_and_swallows_nothing",
            f"{DAYS}test_a_day_taken_out_after_its_moment_loses_nothing_that_was_put_off",
        ],
    ),
    Mutant(
        "late-data-waited-for-for-ever",
        Promise.CALENDAR,
        "At its latest time a run is made without the day's import, and says so",
        "it waits for ever",
        [Change(READY, "sa.or_(Run.not_before <= now, there)", "there")],
        [f"{WAITS}test_at_the_latest_time_it_is_made_anyway_and_says_so"],
    ),
    Mutant(
        "any-import-lets-go",
        Promise.CALENDAR,
        "Only an import that ended on the day and went well lets a run go",
        "yesterday's import lets it go",
        [Change(READY, "            CaseImport.finished_at >= Run.ready_after,\n", "")],
        [f"{WAITS}test_yesterdays_import_and_one_that_failed_let_nothing_go"],
    ),
    Mutant(
        "strangers-import-lets-go",
        Promise.CALENDAR,
        "Only an import of the same organization lets a run go",
        "another organization's import lets it go",
        [Change(READY, "            CaseImport.organization_id == Run.organization_id,\n", "")],
        [f"{WAITS}test_another_organizations_import_lets_nothing_go"],
    ),
    Mutant(
        "one-that-waits-stands-in-the-way",
        Promise.CALENDAR,
        "A run that waits for data keeps no other of its schedule from being made",
        "a run now waits until the evening",
        [
            Change(
                "portal/leases.py",
                "                    sa.or_(other.ready_after.is_(None), "
                "other.not_before.is_(None), other.not_before <= now),\n",
                "",
            )
        ],
        [f"{LEASED}test_a_run_that_waits_for_data_stands_in_nobodys_way"],
    ),
)
