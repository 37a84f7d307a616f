"""What a reader must not see: columns masked, small groups, filters, who is inside."""

from __future__ import annotations

from tests.sabotage.mutant import BOTH, NONE, Change, Mutant, Promise

GROUPS = "portal/exports/small_groups.py"
TESTS = "tests/exports/test_masking.py::"
NOT_A_BYTE = f"{TESTS}test_what_is_masked_is_in_no_byte_of_any_format"
FEW = f"{TESTS}test_no_place_is_told_that_fewer_than_five_anonymous_reports_share"
MAIL = "tests/runs/test_masked_delivery.py::test_who_is_outside_gets_a_file_and_a_mail_without_what_is_masked"

MUTANTS = (
    Mutant(
        "masking-not-applied",
        Promise.WITHHELD,
        "All pages of rows pass the masking before anybody gets them",
        "the rows go out as they are",
        [
            Change(
                "portal/exports/rows.py", "            shown = map(masking.of, pages)\n", "            shown = pages\n"
            )
        ],
        [NOT_A_BYTE, MAIL],
        BOTH,
    ),
    Mutant(
        "filter-values-told",
        Promise.WITHHELD,
        "A masked file does not tell the values of the filters by which it was made",
        "the cover names the assignee",
        [
            Change(
                "portal/exports/masking.py",
                '    return tuple(masking.get("untold", ()))\n',
                "    return ()\n",
            )
        ],
        [NOT_A_BYTE],
        ("sqlite",),
    ),
    Mutant(
        "small-groups-told",
        Promise.WITHHELD,
        "Of anonymous reports a place is told only where five share it",
        "a place that one report has is told",
        [Change(GROUPS, "FEWEST = 5\n", "FEWEST = 1\n")],
        [FEW, f"{TESTS}test_a_filter_on_a_place_does_not_tell_the_place_of_a_few_anonymous_reports"],
        ("sqlite",),
    ),
    Mutant(
        "rest-told-by-subtraction",
        Promise.WITHHELD,
        "Where few are withheld, the next smallest group is too",
        "what is withheld can be had from what is told",
        [
            Change(
                GROUPS,
                "        if sizes[key] >= FEWEST and not 0 < missing < FEWEST:\n",
                "        if sizes[key] >= FEWEST:\n",
            )
        ],
        [f"{TESTS}test_what_is_withheld_cannot_be_had_by_subtraction"],
        NONE,
    ),
    Mutant(
        "everybody-inside",
        Promise.WITHHELD,
        "Who is no active user and has no address at a domain of the organization gets what is for outside",
        "everybody gets everything",
        [
            Change(
                "portal/exports/masking.py",
                "    if kind is DestinationKind.FOLDER or insiders.hold(target):\n",
                "    if kind is DestinationKind.FOLDER or insiders is not None:\n",
            )
        ],
        [f"{TESTS}test_who_is_inside_decides_the_profile", MAIL],
        ("sqlite",),
    ),
    Mutant(
        "one-key-for-all",
        Promise.WITHHELD,
        "Each organization has pseudonyms of its own",
        "strangers can compare theirs",
        [
            Change(
                "portal/exports/pseudonyms.py",
                'b"duepost pseudonyms " + organization_id.bytes',
                'b"duepost pseudonyms "',
            )
        ],
        [f"{TESTS}test_pseudonyms_join_rows_and_files_of_one_organization"],
        ("sqlite",),
    ),
)
