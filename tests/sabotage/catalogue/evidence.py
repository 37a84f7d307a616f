"""Stored files and the audit log."""

from __future__ import annotations

from tests.sabotage.mutant import Change, Mutant, Promise

AUDIT = "tests/audit/test_chain.py::"
TRIGGERS = "tests/test_migrations.py::"
KEPT = "tests/runs/test_retention.py::"
FOLDERS = "tests/runs/test_folder_delivery.py::"

VERIFIED = "tests/runs/test_verify_runs.py::"
# each look of the checker: the function that is left out, and what it would have found
LOOKS = (
    ("not_started", "a due moment without a run", "test_a_breach_is_found_by_its_name"),
    ("occurrence_twice", "two runs of one occurrence", "test_one_occurrence_with_two_runs_is_found"),
    ("two_running", "two runs of a schedule that are made at once", "test_a_breach_is_found_by_its_name"),
    ("over_with_open_deliveries", "a run that is over with an open delivery", "test_a_breach_is_found_by_its_name"),
    ("not_ended", "a run whose deliveries are over and that is not", "test_a_breach_is_found_by_its_name"),
    ("lies_about", "a run that nobody looks after", "test_a_breach_is_found_by_its_name"),
    ("no_end_time", "a run without the time of its end", "test_a_breach_is_found_by_its_name"),
    ("accepted_without_250", "an acceptance without the server's yes", "test_a_breach_is_found_by_its_name"),
    ("attempts_differ", "attempts that are not written down", "test_a_breach_is_found_by_its_name"),
    ("sent_though_not", "a file with deliveries that says why it has none", "test_a_breach_is_found_by_its_name"),
    ("window_from_nowhere", "a window of changes that no run left behind", "test_a_breach_is_found_by_its_name"),
    ("message_id_twice", "a Message-ID on two mails", "test_a_message_id_on_two_mails_is_found"),
)

MUTANTS = (
    *(
        Mutant(
            f"checker-without-{look.replace('_', '-')}",
            Promise.CHECKER,
            f"The checker finds {what}",
            "it says that all is well",
            [Change("portal/runs/verify.py", f"    yield from _{look}(look)\n", "")],
            [f"{VERIFIED}{test}"],
        )
        for look, what, test in LOOKS
    ),
    Mutant(
        "checker-without-trail",
        Promise.CHECKER,
        "The checker finds a run whose state the audit log does not tell",
        "it says that all is well",
        [Change("portal/runs/verify.py", "            yield from _trail_differs(look, page)\n", "")],
        [f"{VERIFIED}test_a_breach_is_found_by_its_name"],
    ),
    Mutant(
        "checker-without-ends",
        Promise.CHECKER,
        "The checker finds a run whose end is not what its deliveries come to",
        "it says that all is well",
        [Change("portal/runs/verify.py", "            yield from _end_differs(look, page)\n", "")],
        [f"{VERIFIED}test_a_breach_is_found_by_its_name"],
    ),
    Mutant(
        "checker-without-files",
        Promise.CHECKER,
        "The checker finds a stored file that is missing or is not the one that was made",
        "it says that all is well",
        [
            Change(
                "portal/runs/verify.py", "    yield from _files(look, hash_files=hash_files)\n", "    yield from ()\n"
            )
        ],
        [
            f"{VERIFIED}test_a_missing_file_is_found",
            f"{VERIFIED}test_a_longer_file_is_found_by_its_size_and_another_of_that_size_by_its_hash",
        ],
    ),
    Mutant(
        "links-in-a-folder-followed",
        Promise.FILES,
        "No symbolic link below the export folder leads a file somewhere else",
        "a file lands outside, or in another organization's folder",
        [Change("portal/plumbing/storage.py", "    if place.resolve() != place:\n", "    if False:\n")],
        [f"{FOLDERS}test_a_link_inside_the_folder_leads_nowhere_else"],
    ),
    Mutant(
        "held-file-deleted",
        Promise.FILES,
        "A file under a hold is not deleted when its time is over",
        "it is gone",
        [
            Change(
                "portal/retention.py",
                "Artifact.deleted_at.is_(None), Artifact.hold.is_(False), handed_over)",
                "Artifact.deleted_at.is_(None), handed_over)",
            )
        ],
        [f"{KEPT}test_everything_whose_time_is_over_goes_and_what_is_held_stays"],
    ),
    Mutant(
        "refused-deletion-forgotten",
        Promise.FILES,
        "What the storage refuses to delete is tried again by each pass",
        "a file whose time was over lies about for ever",
        [
            Change(
                "portal/retention.py",
                "        deleted = [row.id for row in rows if _removed(row.id, row.storage_key)]\n",
                "        deleted = [row.id for row in rows if _removed(row.id, row.storage_key) or True]\n",
            )
        ],
        [f"{KEPT}test_a_deletion_that_the_storage_refused_is_tried_again_and_told_once"],
    ),
    Mutant(
        "orphans-stay",
        Promise.FILES,
        "A stored file that no artifact names is deleted after a day",
        "the files of lost tries pile up",
        [Change("portal/retention.py", "            storage.remove(store, orphan.key)\n", "")],
        [f"{KEPT}test_a_file_that_no_artifact_names_is_deleted_after_a_day"],
    ),
    Mutant(
        "young-orphan-deleted",
        Promise.FILES,
        "A younger one may be a file whose record is about to be written",
        "the file of a run in hand is deleted",
        [Change("portal/retention.py", "each.modified <= now - ORPHAN_AGE and ", "")],
        [f"{KEPT}test_a_file_that_no_artifact_names_is_deleted_after_a_day"],
    ),
    Mutant(
        "named-file-taken-for-an-orphan",
        Promise.FILES,
        "A file that an artifact names is no orphan",
        "a file that is promised is gone",
        [Change("portal/retention.py", "        if each.key in named or (run", "        if (run")],
        [f"{KEPT}test_a_file_that_no_artifact_names_is_deleted_after_a_day"],
    ),
    Mutant(
        "no-triggers",
        Promise.AUDIT,
        "Triggers refuse every change of an event",
        "an event is changed, deleted, replaced",
        [Change("portal/migrations/versions/0002_append_only.py", "def upgrade():\n", "def upgrade():\n    return\n")],
        [f"{TRIGGERS}test_audit_events_refuse_change", f"{TRIGGERS}test_audit_event_cannot_be_replaced"],
    ),
    Mutant(
        "change-of-state-without-its-event",
        Promise.AUDIT,
        "Every change of a run's state records its event",
        "the log does not tell how a run ended",
        [
            Change(
                "portal/runs/transitions.py",
                "    if organization_id is None:\n        return False\n",
                "    if organization_id is None:\n        return False\n    return True\n",
            )
        ],
        ["tests/runs/test_make_run.py::test_every_change_of_state_is_an_audit_event"],
    ),
    Mutant(
        "event-in-another-transaction",
        Promise.AUDIT,
        "An event is written in the transaction of its act",
        "the event of an act that failed stays",
        [
            Change(
                "portal/audit/record.py",
                "    session.info.setdefault(PENDING, []).append(pending)\n",
                "    with Session(session.get_bind().execution_options()) as apart:\n"
                "        apart.info[PENDING] = [pending]\n"
                "        apart.commit()\n",
            )
        ],
        [f"{AUDIT}test_an_act_that_fails_leaves_no_event"],
        on=("postgresql",),  # SQLite lets no second transaction write meanwhile
    ),
    Mutant(
        "mac-without-the-action",
        Promise.AUDIT,
        "Each event's MAC covers what was done",
        "an event whose action was changed past the triggers passes `flask verify-audit`",
        [Change("portal/audit/chain.py", "        action,\n        *subject,\n", "        *subject,\n")],
        [f"{AUDIT}test_whoever_changes_the_log_is_noticed"],
    ),
    Mutant(
        "head-not-compared",
        Promise.AUDIT,
        "The chain's end is compared with its head",
        "events cut off at the end are not missed",
        [
            Change(
                "portal/audit/verify.py",
                "    if head is None or (head.sequence, head.mac) != (sequence, mac):\n",
                "    if head is None:\n",
            )
        ],
        [f"{AUDIT}test_whoever_changes_the_log_is_noticed"],
    ),
)
