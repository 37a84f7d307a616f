"""C1: cases alone, investigations alone, and chosen columns, beside the flat file; one way of rows for all."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from portal.exports.catalogue import CatalogueError, columns_for
from portal.exports.preview import preview
from portal.exports.register_columns import CORE
from portal.zones import zone
from tests.exports.by_hand import rows_by_hand
from tests.exports.small_register import PLANNED, fill
from tests.exports.test_rows import read, request_of
from tests.support.cast import Cast

MOST = 10


def by_hand(cast: Cast) -> list[dict[str, Any]]:
    """The flat file's rows, times to the second."""
    return [
        row | {key: row[key] and row[key].replace(microsecond=0) for key in ("case_created_at", "case_closed_at")}
        for row in rows_by_hand(cast.lakeside, PLANNED, zone("America/New_York"), MOST)
    ]


def test_cases_only_are_the_core_columns_of_the_flat_file(app: Flask, cast: Cast) -> None:
    fill(cast.lakeside, 60)
    keys = [column.key for column in CORE]
    assert read(request_of(cast.lakeside, export_type="CASES_ONLY")) == [
        {key: row[key] for key in keys} for row in by_hand(cast)
    ]


def test_investigations_only_have_a_row_for_each_in_the_flat_files_order(app: Flask, cast: Cast) -> None:
    fill(cast.lakeside, 60)
    fill(cast.strangers, 20, seed=8)
    expected = [
        {
            "case_id": row["case_id"],
            "case_number": row["case_number"],
            **{
                key.replace(f"inv_{number}_", "inv_"): value
                for key, value in row.items()
                if key.startswith(f"inv_{number}_")
            },
        }
        for row in by_hand(cast)
        for number in range(1, MOST + 1)
        if row[f"inv_{number}_id"]
    ]
    assert len(expected) > 30
    found = read(request_of(cast.lakeside, export_type="INVESTIGATIONS_ONLY"))
    assert found == expected
    assert list(found[0]) == [
        "case_id", "case_number", "inv_id", "inv_type", "inv_status", "inv_outcome", "inv_started_at",
        "inv_completed_at", "inv_days_to_complete", "inv_investigator_name", "inv_interview_count",
        "inv_finding_summary",
    ]  # fmt: skip


def test_a_custom_export_has_the_chosen_columns_of_any_part_in_their_order(app: Flask, cast: Cast) -> None:
    fill(cast.lakeside, 40)
    chosen = ["inv_2_status", "case_number", "all_subjects", "riu_count"]
    rows = read(request_of(cast.lakeside, export_type="CUSTOM", column_config={"columns": chosen}))
    assert [list(row) for row in rows] == [chosen] * 40
    assert [row["case_number"] for row in rows] == [row["case_number"] for row in by_hand(cast)]


def test_a_custom_export_without_columns_is_refused() -> None:
    with pytest.raises(CatalogueError, match="Choose the columns"):
        columns_for("CUSTOM", {})


@pytest.mark.parametrize("key", ["inv_1_id", "all_subjects"])
def test_a_type_offers_no_columns_of_another(key: str) -> None:
    for export_type in ("CASES_ONLY", "INVESTIGATIONS_ONLY"):
        with pytest.raises(CatalogueError, match="There is no column"):
            columns_for(export_type, {"columns": [key]})


def test_the_preview_shows_as_many_investigations_as_there_are_rows_to_show(app: Flask, cast: Cast) -> None:
    """C14: cases without any take no room of those that have some."""
    fill(cast.lakeside, 60)
    shown = preview(request_of(cast.lakeside, export_type="INVESTIGATIONS_ONLY"), limit=5)
    assert len(shown.rows) == 5
    assert shown.count == sum(bool(row[f"inv_{number}_id"]) for row in by_hand(cast) for number in range(1, MOST + 1))
