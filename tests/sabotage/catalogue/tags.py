"""Fields that became columns, and the choices of filters: what is told of them to somebody kept from a case."""

from __future__ import annotations

from tests.sabotage.mutant import Change, Mutant, Promise

SURVEY = "portal/exports/tag_survey.py"
KEPT = "        .where(Case.organization_id == organization_id, ~kept_from_any(organization_id, [viewer]))\n"

MUTANTS = (
    Mutant(
        "survey-of-all-cases",
        Promise.WITHHELD,
        "The values shown while a field tag is set up are of cases that the person may know of",
        "an admin reads a value of a case that they are kept from",
        [
            Change(
                SURVEY,
                f"        sa.select(sa.cast(Case.id, sa.String), Case.case_number)\n{KEPT}",
                "        sa.select(sa.cast(Case.id, sa.String), Case.case_number)\n"
                "        .where(Case.organization_id == organization_id)\n",
            )
        ],
        ["tests/pages/test_field_tags.py::test_nothing_is_told_of_cases_that_one_is_kept_from"],
        ("sqlite",),
    ),
    Mutant(
        "choices-of-all-cases",
        Promise.WITHHELD,
        "Cases that a person is kept from are in no count beside a filter's choices",
        "the counts tell how many there are, and whose",
        [
            Change(
                "portal/exports/filter_choices.py",
                "            counts[key] = counts[key] - withheld\n",
                "            counts[key] = counts[key] if withheld else counts[key]\n",
            )
        ],
        [
            "tests/exports/test_filters.py::test_each_choice_shows_how_many_cases_its_filter_finds",
            "tests/exports/test_filters.py::test_nobody_is_a_choice_for_cases_that_one_is_kept_from",
        ],
    ),
)
