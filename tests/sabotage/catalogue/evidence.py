"""Stored files and the audit log."""

from __future__ import annotations

from tests.sabotage.mutant import Change, Mutant, Promise

AUDIT = "tests/audit/test_chain.py::"
TRIGGERS = "tests/test_migrations.py::"
FOLDERS = "tests/runs/test_folder_delivery.py::"

MUTANTS = (
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
                ".where(Artifact.expires_at <= now, Artifact.deleted_at.is_(None), Artifact.hold.is_(False))",
                ".where(Artifact.expires_at <= now, Artifact.deleted_at.is_(None))",
            ),
            Change(
                "portal/retention.py",
                ".where(Artifact.id == artifact_id, Artifact.deleted_at.is_(None), Artifact.hold.is_(False))",
                ".where(Artifact.id == artifact_id, Artifact.deleted_at.is_(None))",
            ),
        ],
        ["tests/runs/test_retention.py::test_everything_whose_time_is_over_goes_and_what_is_held_stays"],
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
