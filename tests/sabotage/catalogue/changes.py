"""Exports of changes, and files that are not sent."""

from __future__ import annotations

from tests.sabotage.mutant import Change, Mutant, Promise

CHANGES = "tests/runs/test_only_changes.py::"
NOTHING = "tests/runs/test_no_rows.py::"
DELIVERED = "portal/runs/delivered.py"

MUTANTS = (
    Mutant(
        "window-moved-by-a-part",
        Promise.CHANGES,
        "The window moves by a delivery to everybody alone",
        "whom a partly sent file did not reach never gets what was in it",
        [
            Change(
                DELIVERED,
                "    return sa.and_(Run.state == RunState.SUCCEEDED, ~kept_back)\n",
                "    return sa.and_(Run.state.in_([RunState.SUCCEEDED, RunState.PARTIAL]), ~kept_back)\n",
            )
        ],
        [f"{CHANGES}test_what_did_not_reach_everybody_comes_again"],
    ),
    Mutant(
        "window-moved-by-nothing-sent",
        Promise.CHANGES,
        "Rows that were kept back do not count as delivered",
        "what a run made and sent nobody is in no later file",
        [
            Change(
                DELIVERED,
                "    return sa.and_(Run.state == RunState.SUCCEEDED, ~kept_back)\n",
                "    return sa.and_(Run.state == RunState.SUCCEEDED, sa.or_(kept_back, ~kept_back))\n",
            )
        ],
        [
            f"{NOTHING}test_only_from_or_up_to_a_number_of_rows",
            f"{CHANGES}test_the_period_since_the_last_success_goes_on_from_what_was_sent",
        ],
    ),
    Mutant(
        "import-at-work-not-looked-at",
        Promise.CHANGES,
        "A file vouches for nothing that an import at work may still write",
        "what was imported around a run is in no later file",
        [
            Change(
                "portal/case_import/under_way.py",
                "    return now if begun is None else min(now, begun)\n",
                "    return now if begun is None else max(now, begun)\n",
            )
        ],
        [f"{CHANGES}test_an_import_at_work_is_missed_by_nobody"],
    ),
    Mutant(
        "window-settled-anew",
        Promise.CHANGES,
        "A run that is taken up again keeps the window that it had",
        "the evidence of a run tells another window than its first file had",
        [
            Change(
                "portal/runs/window.py",
                "        if run.changes_settled_at is not None:\n",
                "        if run.changes_settled_at is None:\n            pass\n"
                "        elif run.changes_from is None:\n",
            )
        ],
        [f"{CHANGES}test_a_run_that_is_taken_again_has_the_window_it_had"],
    ),
    Mutant(
        "checker-without-unsent-unsaid",
        Promise.CHECKER,
        "The checker finds a run that sent nothing and does not say why",
        "it says that all is well",
        [Change("portal/runs/verify.py", "    yield from _unsent_unsaid(look)\n", "")],
        [f"{NOTHING}test_a_run_that_sent_nothing_ended_well"],
    ),
)
