"""Filters on tagged fields as conditions on `cases`, one way for each database, both by the rules of `tag_rules`.

SQLite calls those rules themselves, as functions of ours. PostgreSQL runs in another process, so there the same
regular expressions become SQL; a test compares the two, value by value.
"""

from __future__ import annotations

import functools
import json
import sqlite3
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by, array
from sqlalchemy.engine import Engine

from portal.exports.tag_cells import TABLES, TagTable, json_at
from portal.exports.tag_filters import TagFilter, parse_tag_filters
from portal.exports.tag_rules import (
    BEYOND,
    BLANKS,
    MONTHS,
    MOST_DIGITS,
    BooleanRule,
    DateForm,
    DateRule,
    NumberRule,
    TextRule,
    is_nothing,
)
from portal.exports.tagged_fields import Tag, parsed, value_at
from portal.extensions import db
from portal.models import Case, Investigation, TagSource

Expression = sa.ColumnElement[Any]


def admits(wanted: TagFilter) -> sa.ColumnElement[bool]:
    """True of a case whose row shows what is looked for; else false or null."""
    where, source = TABLES[wanted.tag.source], wanted.tag.source
    on_sqlite = db.engine.dialect.name == "sqlite"
    there, admitted = (_on_sqlite if on_sqlite else _on_postgresql)(wanted, where)
    if source is TagSource.CASE:
        return admitted
    table, of_case = where.table.__tablename__, where.table.__tablename__
    tables = table
    if source is TagSource.INTERVIEW:
        of_case = Investigation.__tablename__
        # SQLite takes the tables of a CROSS JOIN in their order; else it may begin with all interviews
        tables = f"""{of_case} {"CROSS " if on_sqlite else ""}JOIN {table}
            ON {table}.organization_id = {of_case}.organization_id AND {table}.investigation_id = {of_case}.id"""
    oldest = sa.select(admitted).select_from(sa.text(tables))
    oldest = oldest.where(
        sa.text(f"{of_case}.organization_id = cases.organization_id AND {of_case}.case_id = cases.id"), there
    )
    if wanted.tag.template is not None:
        oldest = oldest.where(sa.literal_column(f"{table}.template") == wanted.tag.template)
    return oldest.order_by(sa.text(where.order)).limit(1).correlate(Case).scalar_subquery()


# SQLite


def _column(where: TagTable, kind: Any) -> Expression:
    """The document, as a column that brings no table with it: the tables of a condition are named in `admits`."""
    return sa.literal_column(f"{where.table.__tablename__}.{where.document.key}", kind)


def _on_sqlite(wanted: TagFilter, where: TagTable) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    text = _column(where, sa.String())
    asked = json.dumps({"tag": wanted.tag.to_json(), "wanted": wanted.to_json()}, sort_keys=True)
    there = sa.func.duepost_tag_there(text, asked, type_=sa.Integer) == 1
    return there, sa.func.duepost_tag_admits(text, asked, type_=sa.Integer) == 1


@functools.lru_cache(maxsize=256)
def _asked(text: str) -> tuple[TagFilter, tuple[str, ...]]:
    asked = json.loads(text)
    tag = Tag.from_json(asked["tag"])
    (wanted,) = parse_tag_filters({tag.column_name: asked["wanted"]}, [tag])
    return wanted, tag.keys


def _admits(document: str | None, asked: str) -> int:
    wanted, keys = _asked(asked)
    return wanted.admits(wanted.tag.rule.read(value_at(parsed(document), keys)))


def _there(document: str | None, asked: str) -> int:
    return not is_nothing(value_at(parsed(document), _asked(asked)[1]))


@event.listens_for(Engine, "connect")
def _give_functions(connection: Any, _record: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.create_function("duepost_tag_admits", 2, _admits, deterministic=True)
        connection.create_function("duepost_tag_there", 2, _there, deterministic=True)


# PostgreSQL


def _on_postgresql(wanted: TagFilter, where: TagTable) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    raw = json_at(_column(where, JSONB()), wanted.tag.keys)
    kind, text = sa.func.jsonb_typeof(raw), _stripped(_text(raw))
    empty = sa.or_(kind == "null", sa.and_(kind == "string", text == ""), sa.cast(raw, sa.String).in_(["[]", "{}"]))
    return sa.and_(raw.is_not(None), ~empty), sa.and_(~empty, _looked_for(_value(wanted.tag, raw), wanted))


def _looked_for(value: Expression, wanted: TagFilter) -> sa.ColumnElement[bool]:
    if wanted.values:
        return value.in_([_bound(each) for each in wanted.values])
    ends = []
    if wanted.least is not None:
        ends.append(value >= _bound(wanted.least))
    if wanted.most is not None:
        ends.append(value <= _bound(wanted.most))
    return sa.and_(*ends)


def _bound(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(repr(value))
    return value


def _value(tag: Tag, raw: Expression) -> Expression:
    """What the row shows; null where the value does not fit."""
    match tag.rule:
        case NumberRule() as rule:
            return _number(rule, raw)
        case DateRule() as rule:
            return _date(rule, raw)
        case BooleanRule() as rule:
            return _boolean(rule, raw)
        case TextRule():
            return _stripped(_shown_text(raw))


def _text(raw: Expression) -> Expression:
    """A text without its quotes, anything else as JSON."""
    return raw.op("#>>", return_type=sa.Text())(sa.cast(array([], type_=sa.Text), ARRAY(sa.Text)))


def _stripped(text: Expression) -> Expression:
    return sa.func.btrim(text, BLANKS, type_=sa.Text)


def _lowered(text: Expression) -> Expression:
    return sa.func.lower(sa.collate(text, "C"), type_=sa.Text)


def _fits(text: Expression, expression: str) -> sa.ColumnElement[bool]:
    return text.op("~", return_type=sa.Boolean())(f"^(?:{expression})$")


def _number_of(raw: Expression) -> Expression:
    return sa.cast(_text(raw), sa.Numeric)


def _without(text: Expression, signs: str) -> Expression:
    return sa.func.regexp_replace(text, signs, "", "g", type_=sa.Text)


def _number(rule: NumberRule, raw: Expression) -> Expression:
    kind, text, number = sa.func.jsonb_typeof(raw), _stripped(_text(raw)), _number_of(raw)
    hundredth = sa.literal(Decimal("0.01"), sa.Numeric)
    of_number = number * hundredth if rule.in_hundredths else number
    digits = _without(text, "[^0-9]")
    short = sa.func.length(sa.func.ltrim(digits, "0")) <= MOST_DIGITS
    sign = sa.case((text.op("~", return_type=sa.Boolean())("[-−(]"), -1), else_=1)
    part: Any = 1
    if rule.in_hundredths:
        part = hundredth
    elif rule.per_cent:
        part = sa.case((sa.func.strpos(text, "%") > 0, hundredth), else_=sa.literal(Decimal(1), sa.Numeric))
    branches: list[Any] = [(kind == "number", sa.case((sa.func.abs(number) < BEYOND, of_number)))]
    for expression, decimal in ((rule.point, "."), (rule.comma, ",")):
        if expression:
            written = sa.func.replace(_without(text, f"[^0-9{decimal}]"), ",", ".", type_=sa.Text)
            read = sa.cast(written, sa.Numeric) * sign * part
            branches.append((sa.and_(kind == "string", _fits(text, expression)), sa.case((short, read))))
    return sa.case(*branches)


def _date(rule: DateRule, raw: Expression) -> Expression:
    kind, text = sa.func.jsonb_typeof(raw), _lowered(_stripped(_text(raw)))
    usable = kind == "string"
    if rule.of_digits:
        plain = sa.cast(sa.func.trim_scale(_number_of(raw)), sa.Text)
        in_reach = sa.case((kind == "number", sa.func.abs(_number_of(raw)) < BEYOND), else_=sa.false())
        text = sa.case((kind == "number", plain), else_=text)
        usable = sa.or_(usable, in_reach)
    return sa.case(*((sa.and_(usable, _fits(text, form.expression)), _iso(form, text)) for form in rule.forms))


def _iso(form: DateForm, text: Expression) -> Expression:
    def part(group: int) -> Expression:
        return sa.func.regexp_replace(text, f"^(?:{form.expression})$", f"\\{group}", type_=sa.Text)

    month: Expression = sa.cast(part(form.month), sa.Integer)
    if form.named_month:
        month = (sa.func.strpos("".join(MONTHS), sa.func.left(part(form.month), 3), type_=sa.Integer) + 2) // 3
    year, day = sa.cast(part(form.year), sa.Integer), sa.cast(part(form.day), sa.Integer)
    leap = sa.and_(year % 4 == 0, sa.or_(year % 100 != 0, year % 400 == 0))
    last = sa.case(
        (month == 2, sa.case((leap, 29), else_=28)), (month.in_([4, 6, 9, 11]), 30), else_=31
    )  # fmt: skip
    two = [sa.func.lpad(sa.cast(number, sa.Text), 2, "0", type_=sa.Text) for number in (month, day)]
    shown = part(form.year) + "-" + two[0] + "-" + two[1]
    return sa.case((sa.and_(year >= 1, month.between(1, 12), day.between(1, last)), sa.collate(shown, "C")))


def _boolean(rule: BooleanRule, raw: Expression) -> Expression:
    kind, text = sa.func.jsonb_typeof(raw), _text(raw)
    word, number = _lowered(_stripped(text)), _number_of(raw)
    return sa.case(
        (kind == "boolean", text == "true"),
        (kind == "number", sa.case((number == 1, sa.true()), (number == 0, sa.false()))),
        (kind == "string", sa.case((word.in_(rule.yes), sa.true()), (word.in_(rule.no), sa.false()))),
    )


def _shown_text(raw: Expression) -> Expression:
    kind = sa.func.jsonb_typeof(raw)
    each = sa.func.jsonb_array_elements(raw).table_valued("value", with_ordinality="place").render_derived()
    value: Expression = each.c.value
    several = sa.select(
        sa.case(
            (sa.func.bool_or(sa.func.jsonb_typeof(value).in_(["array", "object"])), sa.null()),
            else_=sa.func.string_agg(_single_text(value), aggregate_order_by(sa.literal("; "), each.c.place)),
        )
    ).where(sa.func.jsonb_typeof(value) != "null")
    return sa.case(
        (kind == "array", several.scalar_subquery()), (kind != "object", _single_text(raw))
    )  # fmt: skip


def _single_text(raw: Expression) -> Expression:
    plain = sa.cast(sa.func.trim_scale(_number_of(raw)), sa.Text)
    return sa.case((sa.func.jsonb_typeof(raw) == "number", plain), else_=_text(raw))
