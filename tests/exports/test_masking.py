"""C17: what a profile masks is nowhere in the file; pseudonyms join; few anonymous reports tell no place."""

from __future__ import annotations

import io
import json
import random
import re
import uuid
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal.exports.board_report.figures import board_figures
from portal.exports.catalogue import OFFERED, CatalogueError
from portal.exports.columns import Column, ColumnType, Sensitivity
from portal.exports.make_file import make_file
from portal.exports.masking import MaskingRules, Profile, Treatment, profile_for, resolve, treatments_of
from portal.exports.preview import preview
from portal.exports.pseudonyms import pseudonyms_of
from portal.exports.request import ExportRequest
from portal.exports.small_groups import CHAIN, FEWEST, told_of
from portal.exports.snapshot import snapshot
from portal.extensions import db
from portal.models import DestinationKind, ExportType, TagDataType
from portal.people.insiders import Insiders, load_insiders, parse_domains
from tests.exports.hidden_register import ADDRESS, FEW, HIDDEN, fill_hidden
from tests.exports.small_register import fill
from tests.exports.test_rows import read, request_of
from tests.support.cast import Cast


@pytest.fixture
def register(app: Flask, cast: Cast) -> uuid.UUID:
    fill_hidden(cast.lakeside)
    return cast.lakeside


def masked_request(organization_id: uuid.UUID, profile: str, rules: MaskingRules | None = None, **more: Any) -> Any:
    """The request with that profile resolved for its columns, as a run freezes it."""
    request = request_of(organization_id, **more)
    masking = resolve(profile, request.columns(), rules or MaskingRules())
    return ExportRequest.from_json(json.loads(json.dumps(request.to_json() | {"masking": masking})))


def everything_in(path: Path, format_name: str) -> Iterator[bytes]:
    """The file's bytes, and what is in them once they are unpacked."""
    data = path.read_bytes()
    yield data
    if format_name == "PARQUET":
        import pyarrow.parquet as pq

        file = pq.ParquetFile(io.BytesIO(data))
        yield repr(file.metadata.to_dict()).encode()
        yield repr(file.read().to_pylist()).encode()
    elif format_name == "PDF":
        import pypdf

        reader = pypdf.PdfReader(io.BytesIO(data))
        yield "".join(page.extract_text() for page in reader.pages).encode()
        yield repr(reader.metadata).encode()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())
            yield repr(archive.namelist()).encode()


FILES = [
    (export_type, format_name)
    for export_type, offer in OFFERED.items()
    for format_name in offer.formats
    if not offer.chosen_alone and export_type is not ExportType.BOARD_REPORT
    # PDF takes long, and has no room for all of a flat file
    if format_name != "PDF" or export_type is ExportType.CASES_ONLY
]
FILTERS: dict[str, Any] = {
    "assignee": [ADDRESS],
    "business_unit": [f"{HIDDEN}-7"],
    "location": [f"{HIDDEN} hill"],
    "country": [f"{HIDDEN}land"],
    "region": [f"{HIDDEN} coast"],
}


def test_what_is_masked_is_in_no_byte_of_any_format(register: uuid.UUID, tmp_path: Path) -> None:
    """C17: rows, cover, statistics, metadata, filters; the same file unmasked is full of it."""
    tags = tuple(_tag(name, kind) for name, kind in (("told", TagDataType.TEXT), ("born", TagDataType.DATE)))
    for export_type, format_name in FILES:
        config: dict[str, Any] = {"include_overflow": True, "include_tagged_fields": True, "max_investigations": 1}
        more: dict[str, Any] = {
            "format": format_name,
            "export_type": export_type,
            "column_config": config,
            "filters": FILTERS,
        }
        if export_type == "FLAT_FILE":
            more["tags"] = tags
        for profile in Profile:
            path = tmp_path / f"{export_type}-{format_name}-{profile}"
            made = make_file(masked_request(register, profile, _strict(), **more), path)
            assert made.rows == FEW
            found = any(HIDDEN.lower().encode() in data.lower() for data in everything_in(path, format_name))
            assert found is (profile is Profile.NONE), (export_type, format_name, profile)


def _strict() -> MaskingRules:
    """Ids are masked inside too, and places always, so that no value may be told to anybody but by NONE."""
    places = dict.fromkeys(CHAIN, Treatment.MASK)
    inside = places | dict.fromkeys(("case_id", "case_number", "disclosure_id", "inv_id"), Treatment.MASK)
    return MaskingRules(columns={Profile.INTERNAL: inside, Profile.EXTERNAL: places})


def _tag(name: str, kind: TagDataType) -> dict[str, Any]:
    return {
        "slot": 1,
        "source": "CASE",
        "field_path": f"custom_fields.{name}",
        "template": None,
        "column_name": name,
        "label": name,
        "data_type": kind.value,
        "format_pattern": None,
        "sensitivity": "FREE_TEXT",
    }


def test_a_masked_board_report_names_no_filter_on_a_person_or_a_place(register: uuid.UUID) -> None:
    request = request_of(register, export_type="BOARD_REPORT", format="PDF", filters={**FILTERS, "status": ["OPEN"]})
    with snapshot() as connection:
        told = board_figures(connection, replace(request, masking=resolve("EXTERNAL", [], MaskingRules()))).filters
    assert HIDDEN.casefold() not in told.casefold()
    assert "Status OPEN" in told


def test_a_preview_is_masked_as_the_file_is(register: uuid.UUID) -> None:
    """C14: names of columns that are left out are not in it either."""
    rules = MaskingRules(columns={Profile.EXTERNAL: {"assigned_to_name": Treatment.OMIT}})
    shown = preview(masked_request(register, "EXTERNAL", rules, export_type="CASES_ONLY"))
    assert "assigned_to_name" not in [column.key for column in shown.columns]
    row = dict(zip([column.key for column in shown.columns], shown.rows[0], strict=True))
    assert re.fullmatch("Case [0-9A-F]{12}", row["case_number"])
    assert re.fullmatch("Person [0-9A-F]{12}", row["assigned_to_email"])
    assert row["outcome_reason"] == row["business_unit_name"] == "[masked]"
    assert row["case_status"] == "OPEN"


def test_pseudonyms_join_rows_and_files_of_one_organization(register: uuid.UUID, cast: Cast) -> None:
    cases = read(masked_request(register, "EXTERNAL", export_type="CASES_ONLY"))
    inquiries = read(masked_request(register, "EXTERNAL", export_type="INVESTIGATIONS_ONLY"))
    assert len({row["case_id"] for row in cases}) == FEW
    assert [(row["case_id"], row["case_number"]) for row in cases] == [
        (row["case_id"], row["case_number"]) for row in inquiries
    ]
    assert {row["assigned_to_name"] for row in cases} == {row["inv_investigator_name"] for row in inquiries}
    ours, theirs = pseudonyms_of(cast.lakeside), pseudonyms_of(cast.strangers)
    ana = "ana@example.org"
    assert ours("Person", "Ana@Example.org ") == ours("Person", ana)
    strangers_have_the_same = ours("Person", ana) == theirs("Person", ana)
    assert not strangers_have_the_same
    assert ours("Person", "A-1") != ours("Case", "A-1")[2:]


def test_what_is_no_text_becomes_empty_and_a_file_without_columns_is_refused(register: uuid.UUID) -> None:
    rules = MaskingRules(columns={Profile.INTERNAL: dict.fromkeys(("case_created_at", "riu_count"), Treatment.MASK)})
    row = read(masked_request(register, "INTERNAL", rules))[0]
    assert row["case_created_at"] is row["riu_count"] is None
    assert row["inv_1_finding_summary"] == "[masked]"
    assert row["inv_2_finding_summary"] is None
    assert row["case_number"] == f"{HIDDEN}-0000"
    request = masked_request(register, "EXTERNAL", export_type="CUSTOM", column_config={"columns": ["all_subjects"]})
    with pytest.raises(CatalogueError, match="left out by masking"):
        read(request)


def test_no_place_is_told_that_fewer_than_five_anonymous_reports_share(app: Flask, cast: Cast) -> None:
    """C17: over a whole register, what is told of one is true, told of four others, and not to be had by what lacks."""
    fill(cast.lakeside, 250)
    columns = ["case_number", *CHAIN, "is_anonymous"]
    more: dict[str, Any] = {"export_type": "CUSTOM", "column_config": {"columns": columns}}
    plain, shown = (read(masked_request(cast.lakeside, profile, **more)) for profile in ("NONE", "INTERNAL"))
    told: Counter[tuple[Any, ...]] = Counter()
    for true, row in zip(plain, shown, strict=True):
        if not true["is_anonymous"]:
            assert row == true
            continue
        depth = sum(row[key] == true[key] for key in CHAIN)
        assert [row[key] for key in CHAIN] == [true[key] for key in CHAIN[:depth]] + ["[masked]"] * (len(CHAIN) - depth)
        told[tuple(row[key] for key in CHAIN)] += 1
    assert min(told.values()) >= FEWEST
    assert len(told) > 3


@pytest.mark.parametrize("seed", range(20))
def test_what_is_withheld_cannot_be_had_by_subtraction(seed: int) -> None:
    """Among cases alike in what is told before, those withheld are none, all, or at least five."""
    chance = random.Random(seed)
    counted = {
        (chance.choice("AB"), chance.choice("cde"), chance.choice("xyz")): chance.choice([1, 2, 3, 5, 9])
        for _ in range(12)
    }
    told = told_of(counted.items(), always_told=0)
    for level in range(3):
        alike: dict[Any, Counter[bool]] = {}
        for group, number in counted.items():
            if told[group] >= level:
                alike.setdefault(group[:level], Counter())[told[group] > level] += number
        for sizes in alike.values():
            assert not sizes[True] or not 0 < sizes[False] < FEWEST
    shown = Counter[Any]()
    for group, number in counted.items():
        for depth in range(1, told[group] + 1):
            shown[group[:depth]] += number
    assert all(number >= FEWEST for number in shown.values())


def test_a_filter_on_a_place_does_not_tell_the_place_of_a_few_anonymous_reports(register: uuid.UUID) -> None:
    """Else the named cases of the same file would."""
    columns = {"columns": ["business_unit_name", "is_anonymous"]}
    more: dict[str, Any] = {"export_type": "CUSTOM", "column_config": columns}
    unit: Any = {"business_unit": [f"{HIDDEN}-7"]}
    for name in ("filters", "own_filters"):
        rows = read(masked_request(register, "INTERNAL", **more, **{name: unit}))
        assert {row["business_unit_name"] for row in rows} == {"[masked]"}
    rows = read(masked_request(register, "INTERNAL", **more))
    assert all((row["business_unit_name"] == "[masked]") is row["is_anonymous"] for row in rows)


def test_the_profiles_treat_what_may_be_learned_from_a_column() -> None:
    """The table of decision 009."""
    rules = MaskingRules()
    for profile, words in {
        Profile.NONE: ["SHOW"] * 6,
        Profile.INTERNAL: ["SHOW", "SHOW", "MASK", "SMALL", "MASK", "OMIT"],
        Profile.EXTERNAL: ["SHOW", "MASK", "MASK", "SMALL", "MASK", "OMIT"],
    }.items():
        columns = [Column("x", "X", ColumnType.TEXT, each) for each in Sensitivity]
        assert [rules.treatment(profile, each).value for each in columns] == words
        assert all(rules.treatment(profile, each) in treatments_of(each) for each in columns)


def test_an_organizations_choice_comes_before_the_profiles_and_reads_back() -> None:
    rules = MaskingRules(Profile.INTERNAL, Profile.INTERNAL, {Profile.EXTERNAL: {"inv_type": Treatment.OMIT}})
    assert MaskingRules.of({"masking": json.loads(json.dumps(rules.to_json()))}) == rules
    column = Column("inv_3_type", "Inv 3 Type", ColumnType.TEXT)
    assert rules.treatment(Profile.EXTERNAL, column) is Treatment.OMIT
    assert rules.treatment(Profile.INTERNAL, column) is Treatment.SHOW
    odd = {"masking": {"inside": "?", "columns": {"EXTERNAL": {"case_id": "SMALL", "outcome": "?"}, "?": {}}}}
    read_back = MaskingRules.of(odd)
    assert read_back.inside is Profile.NONE
    ident = Column("case_id", "", ColumnType.TEXT, Sensitivity.IDENTIFIER)
    assert read_back.treatment(Profile.EXTERNAL, ident) is Treatment.MASK


def test_who_is_inside_decides_the_profile(app: Flask, cast: Cast) -> None:
    insiders = load_insiders(db.session(), cast.lakeside)
    email, folder = DestinationKind.EMAIL, DestinationKind.FOLDER
    rules = MaskingRules()
    assert profile_for(email, "Board@Example.org", {}, rules, insiders) is Profile.NONE
    assert profile_for(email, "ana@example.org.evil", {}, rules, insiders) is Profile.EXTERNAL
    assert profile_for(email, "audit@outside.example", {"outside": "INTERNAL"}, rules, insiders) is Profile.INTERNAL
    assert profile_for(email, "ana@example.org", {"inside": "INTERNAL"}, rules, insiders) is Profile.INTERNAL
    assert profile_for(folder, "reports/{year}", {}, rules, insiders) is Profile.NONE
    named = Insiders(frozenset({"otto@gmail.com"}), frozenset({"lakeside.example"}))
    assert named.hold("Otto@gmail.com")
    assert not named.hold("someone@gmail.com")
    assert not named.hold("x@sub.lakeside.example")
    assert parse_domains("Lakeside.example, @two.example\nnone") == (["lakeside.example", "two.example"], ["none"])
