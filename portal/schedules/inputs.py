"""What a person may ask of a schedule, checked as a whole: every problem is found at once and named by its field."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from portal.exports.case_filters import FilterError, parse_filters
from portal.exports.catalogue import OFFERED, CatalogueError, check_format, columns_for
from portal.exports.periods import PeriodError, parse_period
from portal.exports.request import check_format_options
from portal.extensions import db
from portal.models import CatchUp, ExportFormat, ExportType, OnBlackout, User
from portal.schedules.catch_up import LONGEST_GRACE
from portal.schedules.folders import FolderError, parse_folder
from portal.schedules.recipients import Recipient, parse_recipients
from portal.schedules.rule import RuleError, next_occurrence, parse_rule, rule_to_json
from portal.zones import ZoneError, zone

T = TypeVar("T")
LONGEST_NAME = 120
LONGEST_DESCRIPTION = 2_000
MOST_FOLDERS = 10
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


@dataclass(frozen=True)
class Problem:
    """`field` is the name of the form's field; `sentence` says what to do."""

    field: str
    sentence: str


class NotAccepted(Exception):  # noqa: N818  # what the person typed was not accepted; nothing went wrong
    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(problem.sentence for problem in self.problems))


@dataclass(frozen=True)
class ScheduleInput:
    """A schedule as it may be saved; made by `check` alone."""

    name: str
    description: str
    export_type: ExportType
    format: ExportFormat
    format_options: dict[str, Any]
    filters: dict[str, Any]
    period: str
    column_config: dict[str, Any]
    rule: dict[str, Any]
    timezone: str
    recipients: list[Recipient]
    folders: list[str]
    delivery_config: dict[str, Any]
    catch_up: CatchUp
    grace_seconds: int | None
    on_blackout: OnBlackout
    ready_by: str | None
    owner_id: uuid.UUID


@dataclass
class _Check:
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, name: str, sentence: str) -> None:
        self.problems.append(Problem(name, sentence))

    def read(self, name: str, read: Callable[[], T], *errors: type[Exception]) -> T | None:
        try:
            return read()
        except errors as error:
            self.refuse(name, str(error))
            return None


def check(data: Mapping[str, Any], *, organization_id: uuid.UUID, now: datetime) -> ScheduleInput:
    """The input as it may be saved. Raises NotAccepted with every problem.

    `data`: name, description, export_type, format, format_options {delimiter, bom, header_labels} for CSV, filters,
    period, column_config, rule (a mapping of the rule's vocabulary), timezone, recipients (text),
    folders (text, one a line),
    attach, link, sign_in_to_download, catch_up, owner_id; and, where they are not the usual, grace_seconds (a whole
    number, None for half the time to the next moment), on_blackout, ready_by ("HH:MM"; None: it does not wait).
    """
    found = _Check()
    name = _name(found, data.get("name", ""))
    description = _line_free(found, data.get("description", ""))
    export_type = _choice(found, "export_type", data.get("export_type"), tuple(OFFERED), "Choose what to export.")
    file_format, options, columns = _contents(found, data)
    catch_up = _choice(
        found, "catch_up", data.get("catch_up", CatchUp.LATEST), tuple(CatchUp), "Choose what to catch up."
    )
    grace = _grace(found, data.get("grace_seconds"))
    on_blackout = _choice(
        found,
        "on_blackout",
        data.get("on_blackout", OnBlackout.RUN),
        tuple(OnBlackout),
        "Choose what happens on days of the blackout calendar.",
    )
    ready_by = _ready_by(found, data.get("ready_by"), data.get("rule"))
    filters = _filters(found, data.get("filters", {}), organization_id)
    period = str(data.get("period", ""))
    found.read("period", lambda: parse_period(period), PeriodError)
    rule = _when(found, data, now)
    recipients = _recipients(found, str(data.get("recipients", "")))
    folders = _folders(found, str(data.get("folders", "")))
    if not recipients and not folders and not any(p.field in {"recipients", "folders"} for p in found.problems):
        found.refuse("recipients", "Name at least one recipient or a folder.")
    delivery = {key: bool(data.get(key)) for key in ("attach", "link", "sign_in_to_download")}
    if recipients and not (delivery["attach"] or delivery["link"]):
        found.refuse("attach", "Choose how recipients get the file: attached, by link, or both.")
    owner_id = _owner(found, data.get("owner_id"), organization_id)
    if found.problems or rule is None or filters is None or owner_id is None:
        raise NotAccepted(found.problems)
    return ScheduleInput(
        name=name,
        description=description,
        export_type=ExportType(export_type),
        format=ExportFormat(file_format),
        format_options=options,
        filters=filters,
        period=period,
        column_config=columns,
        rule=rule,
        timezone=str(data["timezone"]),
        recipients=recipients,
        folders=folders,
        delivery_config=delivery,
        catch_up=CatchUp(catch_up),
        grace_seconds=grace,
        on_blackout=OnBlackout(on_blackout),
        ready_by=ready_by,
        owner_id=owner_id,
    )


def _name(found: _Check, value: Any) -> str:
    text = " ".join(str(value).split(" ")).strip()
    if not text:
        found.refuse("name", "Give the schedule a name.")
    elif len(text) > LONGEST_NAME:
        found.refuse("name", f"The name has {len(text)} characters; at most {LONGEST_NAME} fit.")
    elif hidden := _hidden(text):
        found.refuse("name", f"The name holds {hidden}; write it on one line, with letters that can be seen.")
    return text


def _line_free(found: _Check, value: Any) -> str:
    text = str(value).replace("\r\n", "\n").strip()
    if len(text) > LONGEST_DESCRIPTION:
        found.refuse("description", f"The description has {len(text)} characters; at most {LONGEST_DESCRIPTION} fit.")
    elif hidden := _hidden(text.replace("\n", " ").replace("\t", " ")):
        found.refuse("description", f"The description holds {hidden}; leave it out.")
    return text


def _hidden(text: str) -> str | None:
    """What in the text cannot be seen or would end a line; None where all of it can be."""
    for character in text:
        category = unicodedata.category(character)
        if character in "\r\n\u2028\u2029":
            return "a line break"
        if category in {"Cc", "Cs", "Cn", "Co"}:
            return "a control character"
        # joiners shape letters of some scripts and emoji; what turns the direction of writing has no place in a name
        if category == "Cf" and character not in "\u200c\u200d":
            return "an invisible character"
    return None


def _choice(found: _Check, name: str, value: Any, allowed: Iterable[str], sentence: str) -> str:
    if value not in tuple(allowed):
        found.refuse(name, sentence)
    return str(value)


def _filters(found: _Check, data: Any, organization_id: uuid.UUID) -> dict[str, Any] | None:
    try:
        return parse_filters(data, organization_id).to_json()
    except FilterError as error:
        found.refuse(f"filters.{error.field}", error.sentence)
        return None


def _when(found: _Check, data: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    place = found.read("timezone", lambda: zone(str(data.get("timezone", ""))), ZoneError)
    try:
        rule = parse_rule(data.get("rule", {}))
    except RuleError as error:
        found.refuse(f"rule.{error.field}", error.sentence)
        return None
    if place is not None and next_occurrence(rule, place, now) is None:
        at = "rule.date" if "date" in data.get("rule", {}) else "rule.until"
        found.refuse(at, "There is no moment left to come: choose a later date.")
        return None
    return rule_to_json(rule)


def _grace(found: _Check, value: Any) -> int | None:
    if value is None or (type(value) is int and 0 < value <= LONGEST_GRACE.total_seconds()):
        return value
    found.refuse("grace_seconds", "Choose how late it may still be made, at most 7 days.")
    return None


def _ready_by(found: _Check, value: Any, rule: Any) -> str | None:
    """The latest time, which is of the same day as the rule's and later."""
    if value is None:
        return None
    if not (isinstance(value, str) and _TIME.fullmatch(value)):
        found.refuse("ready_by", "Write the latest time as hours and minutes, such as 12:00.")
        return None
    begins = rule.get("time") if isinstance(rule, Mapping) else None
    if isinstance(begins, str) and _TIME.fullmatch(begins) and value <= begins:
        found.refuse("ready_by", f"The latest time must come after {begins}, on the same day: choose a later one.")
    return value


def _recipients(found: _Check, text: str) -> list[Recipient]:
    recipients, problems = parse_recipients(text)
    for sentence in problems[:10]:
        found.refuse("recipients", sentence)
    if len(problems) > 10:
        found.refuse("recipients", f"{len(problems) - 10} more are not addresses.")
    return recipients


def _folders(found: _Check, text: str) -> list[str]:
    folders: list[str] = []
    for line in filter(str.strip, text.splitlines()):
        folder = found.read("folders", lambda line=line: parse_folder(line), FolderError)  # type: ignore[misc]
        if folder is not None and folder not in folders:
            folders.append(folder)
    if len(folders) > MOST_FOLDERS:
        found.refuse("folders", f"{len(folders)} folders are more than the {MOST_FOLDERS} one schedule may have.")
    return folders


def _contents(found: _Check, data: Mapping[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """(format, its options, column configuration): what the catalogue offers, checked by it."""
    export_type, wanted = str(data.get("export_type")), str(data.get("format"))
    options, columns = dict(data.get("format_options", {})), dict(data.get("column_config", {}))
    if export_type in tuple(OFFERED):
        for ask in (
            lambda: check_format(export_type, wanted),
            lambda: check_format_options(wanted, options),
            lambda: columns_for(export_type, columns),
        ):
            try:
                ask()
            except CatalogueError as error:
                found.refuse(error.field, error.sentence)
    return wanted, options, columns


def _owner(found: _Check, value: Any, organization_id: uuid.UUID) -> uuid.UUID | None:
    try:
        owner_id = value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))
    except ValueError:
        owner_id = None
    known = owner_id and db.session.scalar(
        sa.select(User.id).where(User.id == owner_id, User.organization_id == organization_id, User.active)
    )
    if not known:
        found.refuse("owner_id", "Choose an owner who can sign in.")
        return None
    return owner_id
