"""Conflicts of interest: who is kept from a case, in files, on pages, by links and mails, and in what a run tells."""

from __future__ import annotations

from tests.sabotage.mutant import Change, Mutant, Promise

TESTS = "tests/runs/test_conflicts.py::"
NO_TRACE = f"{TESTS}test_no_file_of_theirs_holds_a_trace_and_all_others_hold_the_case"
OWNER = f"{TESTS}test_the_owner_who_is_kept_from_it_sees_one_file_without_it"
LATER = f"{TESTS}test_a_file_made_before_somebody_was_kept_from_a_case_is_theirs_no_more"
KNOWN = f"{TESTS}test_people_are_known_by_address_user_or_name"
BACKUP = f"{TESTS}test_what_every_recipient_is_kept_from_goes_to_the_backup_recipient"
NOT_REACHED = f"{TESTS}test_a_backup_recipient_who_is_not_reached_holds_nothing_up_and_the_admins_hear_of_it"
ON_ONE = ("sqlite",)

MUTANTS = (
    Mutant(
        "readers-not-looked-at",
        Promise.WITHHELD,
        "A file is made without whatever one of its readers is kept from",
        "the subject of a case gets the case",
        [
            Change(
                "portal/exports/scope.py",
                "        conditions.append(~kept_from_any(request.organization_id, request.seen_by))\n",
                "        pass\n",
            )
        ],
        [NO_TRACE],
        ON_ONE,
    ),
    Mutant(
        "one-file-for-all",
        Promise.WITHHELD,
        "Recipients share a file only where they are kept from the same",
        "a case is withheld from people who may see it",
        [
            Change(
                "portal/runs/variants.py",
                "            sets.setdefault(self._withheld(each.person, group), []).append(each)\n",
                "            sets.setdefault(frozenset(), []).append(each)\n",
            )
        ],
        [NO_TRACE],
        ON_ONE,
    ),
    Mutant(
        "subjects-get-their-case",
        Promise.WITHHELD,
        "A subject is kept from the case by their address",
        "only who is on the list by name is kept from it",
        [
            Change("portal/cases/kept_from.py", "    yield subjects.where(_SUBJECT.in_(addresses))\n", ""),
            Change("portal/cases/kept_from.py", "    yield subjects.where(_SUBJECT.in_(emails))\n", ""),
        ],
        [KNOWN],
        ON_ONE,
    ),
    Mutant(
        "pages-for-everybody",
        Promise.WITHHELD,
        "Pages show a viewer no file that holds what they are kept from",
        "the owner of the schedule counts that there is one case more",
        [
            Change(
                "portal/runs/viewer.py",
                "    if not hidden and not any(record.withheld[each.id] for each in files):\n",
                "    if True:\n",
            )
        ],
        [OWNER],
        ON_ONE,
    ),
    Mutant(
        "told-by-the-progress",
        Promise.WITHHELD,
        "The rows told of a run as a whole lack whatever anybody is kept from",
        "the numbers beside the bar count the case",
        [
            Change(
                "portal/runs/variants.py",
                "            told=tuple(replace(group.request, seen_by=readers) for group in groups),\n",
                "            told=tuple(group.request for group in groups),\n",
            )
        ],
        [OWNER],
        ON_ONE,
    ),
    Mutant(
        "kept-too-late",
        Promise.WITHHELD,
        "A file made before somebody was kept from a case that may be in it is theirs no more",
        "the link in an old mail still gives it",
        [
            Change(
                "portal/delivery/held_cases.py",
                "    return is_hidden(file, kept, record, person)\n",
                "    return False\n",
            )
        ],
        [LATER],
        ON_ONE,
    ),
    Mutant(
        "backup-counted",
        Promise.WITHHELD,
        "What is told of a run does not count the backup recipient",
        "everybody reads that somebody more was sent it",
        [
            Change(
                "portal/runs/outcome.py",
                "    of_run = statement.where(Delivery.run_id == run_id, ~Delivery.backup)\n",
                "    of_run = statement.where(Delivery.run_id == run_id)\n",
            )
        ],
        [BACKUP, NOT_REACHED],
        ON_ONE,
    ),
    Mutant(
        "checker-without-not-withheld",
        Promise.CHECKER,
        "The checker finds a recipient whose file holds what they were kept from",
        "it says that all is well",
        [Change("portal/runs/verify.py", "    yield from _not_withheld(look)\n", "")],
        [NOT_REACHED],
        ON_ONE,
    ),
    Mutant(
        "checker-without-file-of-another-run",
        Promise.CHECKER,
        "The checker finds a delivery whose file is none that was made for it",
        "it says that all is well",
        [Change("portal/runs/verify.py", "    yield from _file_of_another_run(look)\n", "")],
        ["tests/runs/test_verify_runs.py::test_a_breach_is_found_by_its_name"],
        ON_ONE,
    ),
)
