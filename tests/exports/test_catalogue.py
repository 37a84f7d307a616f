"""C1, C2, C6: the columns are a contract; what is not on offer is refused in a sentence that names it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from portal.exports.catalogue import CatalogueError, check_format, columns_for
from portal.exports.file_names import file_name
from portal.exports.request import check_format_options

CORE = [
    "case_id",
    "case_number",
    "case_status",
    "case_priority",
    "case_created_at",
    "case_closed_at",
    "case_days_open",
    "case_sla_breached",
    "category_name",
    "category_code",
    "subcategory_name",
    "source_channel",
    "is_anonymous",
    "reporter_relationship",
    "assigned_to_name",
    "assigned_to_email",
    "business_unit_name",
    "business_unit_code",
    "location_name",
    "location_country",
    "location_region",
    "outcome",
    "outcome_reason",
    "has_remediation",
    "remediation_status",
    "riu_count",
    "investigation_count",
    "subject_count",
    "attachment_count",
]
INVESTIGATION = [
    "id",
    "type",
    "status",
    "outcome",
    "started_at",
    "completed_at",
    "days_to_complete",
    "investigator_name",
    "interview_count",
    "finding_summary",
]
OVERFLOW = ["all_custom_fields", "all_investigations", "all_interview_responses", "all_disclosures", "all_subjects"]


def keys(**config: Any) -> list[str]:
    return [column.key for column in columns_for("FLAT_FILE", config)]


def test_keys_and_order_are_the_contract() -> None:
    """C2: 29 core columns, ten for each of three investigations."""
    assert keys() == CORE + [f"inv_{number}_{key}" for number in (1, 2, 3) for key in INVESTIGATION]
    assert keys(max_investigations=0) == keys(include_investigations=False) == CORE
    assert len(keys(max_investigations=10)) == 129
    assert keys(max_investigations=0, include_overflow=True) == CORE + OVERFLOW


def test_labels_and_types() -> None:
    found = {column.key: (column.label, column.type.value) for column in columns_for("FLAT_FILE", {})}
    assert found["business_unit_code"] == ("BU Code", "text")
    assert found["case_created_at"] == ("Created At", "datetime")
    assert found["inv_2_type"] == ("Inv 2 Type", "text")
    assert found["inv_3_completed_at"] == ("Inv 3 Completed At", "date")


@pytest.mark.parametrize(
    "config",
    [
        {"max_investigations": 11}, {"max_investigations": -1}, {"max_investigations": True},
        {"max_investigations": "3"},
        {"include_overflow": 1}, {"include_tagged_fields": "yes"}, {"colums": []}, {"columns": []},
        {"columns": "case_id"}, {"columns": ["case_id", "case_id"]},
        {"columns": ["inv_11_id"]}, {"columns": [{"key": "case_id", "label": "a\nb"}]},
        {"columns": [{"key": "case_id", "label": "x" * 201}]}, {"columns": [{"label": "x"}]}, {"columns": [7]},
        {"columns": [{"key": "case_id", "more": 1}]}, {"columns": ["\x00"]},
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_be_had_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(CatalogueError) as refused:
        columns_for("FLAT_FILE", config)
    assert refused.value.sentence.isprintable()


def test_a_near_miss_is_named() -> None:
    with pytest.raises(CatalogueError, match="did you mean case_number"):
        keys(columns=["case_nubmer"])


@pytest.mark.parametrize("export_type", ["BOARD", "flat_file", ""])
def test_a_type_that_is_not_offered_is_refused(export_type: str) -> None:
    with pytest.raises(CatalogueError, match="is not offered"):
        columns_for(export_type, {})


def test_a_format_or_option_that_is_not_offered_is_refused() -> None:
    with pytest.raises(CatalogueError, match='"CSV" is not offered'):
        check_format("BOARD_REPORT", "CSV")
    refused: list[tuple[str, dict[str, Any]]] = [
        ("CSV", {"delimiter": "|"}), ("CSV", {"bom": 1}), ("CSV", {"x": 1}), ("XLSX", {"bom": True}),
    ]  # fmt: skip
    for format_name, options in refused:
        with pytest.raises(CatalogueError):
            check_format_options(format_name, options)
    check_format_options("CSV", {"delimiter": ";", "bom": True, "header_labels": False})


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Weekly hotline report", "Weekly-hotline-report"),
        ("../../etc/passwd", "etc-passwd"),
        ("Überblick: Größe", "Uberblick-Grosse"),
        ("report\u202excod.exe", "report-xcod-exe"),
        ("青葉台", "Export"),
        ("x" * 300, "x" * 100),
    ],
)
def test_a_file_is_named_after_schedule_and_date(name: str, stem: str) -> None:
    assert file_name(name, date(2026, 11, 2), "xlsx") == f"{stem}-2026-11-02.xlsx"
