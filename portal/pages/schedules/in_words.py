"""A schedule's configuration as an officer reads it: facts, one sentence, and what a change changed.

It reads the JSON of `portal.schedules.changes.described`, which the audit log holds as well, so old and new states,
and configurations that can no longer be used, are told in the same words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.exports.catalogue import OFFERED
from portal.exports.periods import PeriodError, asked_in_words, parse_period
from portal.exports.register_columns import USUAL_INVESTIGATIONS
from portal.exports.writers import FORMATS
from portal.models import CatchUp, ExportFormat, ExportType, OnBlackout, Schedule
from portal.moments import MomentError, day_in_words, parse_instant
from portal.pages.columns.words import PROFILE_WORDS
from portal.pages.schedules.choices import (
    AS_USUAL,
    CATCH_UP,
    CHANGED,
    DATE_FIELDS,
    FILTERS,
    GRACES,
    HALF_WAY,
    NO_ROWS,
    SEND_WHEN,
    SIDES,
)
from portal.pages.schedules.names import Names
from portal.schedules.change_log import Change
from portal.schedules.changes import described as described_schedule
from portal.schedules.inputs import ScheduleInput
from portal.schedules.recipients import Recipient, parse_recipients
from portal.schedules.rule import parse_rule
from portal.schedules.words import rule_in_words

Described = Mapping[str, Any]
Facts = dict[str, str]
UNREADABLE = "This cannot be read; edit the schedule to put it right"
_LISTED = 5
SEEN = "What they see"
# filters whose values are words of Duepost, not of the register
_OWN_WORDS = frozenset({"status", "priority", "channel", "outcome"})
_WITH_ALL_BELOW = frozenset({"category", "business_unit"})
_DONE = {
    "schedule.created": "created it",
    "schedule.duplicated": "made it as a copy",
    "schedule.edited": "changed it",
    "schedule.paused": "paused it",
    "schedule.resumed": "resumed it",
    "schedule.reassigned": "gave it to another owner",
    "schedule.deleted": "deleted it",
    "schedule.ended": "saw its last run",
    "schedule.changes_started_over": "had it start over: the next run holds everything",
    "schedule.parked": "could not start it; it is tried again after an hour",
}


def described_input(given: ScheduleInput) -> Described:
    """The same as `described` gives for a schedule that is saved."""
    return {
        **{name: getattr(given, name) for name in ScheduleInput.__dataclass_fields__},
        "owner": str(given.owner_id),
        "destinations": given.destinations(),
    }


def described_answers(data: Described) -> Described:
    """The same of what is typed, `answers.data_of`, as far as it can be read."""
    mails: dict[str, dict[str, Any]] = {}
    for text, own_filters in [
        (data["recipients"], None),
        *((each["addresses"], each["filters"]) for each in data["own_rows"]),
    ]:
        for one in parse_recipients(text)[0]:
            mails[one.address.casefold()] = {
                "kind": "EMAIL",
                "target": one.address,
                "name": one.name,
                "own_filters": own_filters,
            }
    folders = [line.strip() for line in data["folders"].splitlines() if line.strip()]
    return {
        **data,
        "delivery_config": data,
        "owner": data["owner_id"],
        "destinations": [*mails.values(), *({"kind": "FOLDER", "target": each, "name": ""} for each in folders)],
    }


def same_answers(given: ScheduleInput, schedule: Schedule) -> bool:
    """Whether saving these answers would change nothing of the schedule."""
    typed = described_input(given)
    return all(typed[name] == value for name, value in described_schedule(schedule).items())


def facts(described: Described, names: Names) -> Facts:
    """Label and words of everything a person configures."""
    mails = [str(Recipient(each["target"], each["name"])) for each in _destinations(described, "EMAIL")]
    found = {
        "Name": described.get("name", ""),
        "Description": described.get("description", ""),
        "Contents": contents_in_words(str(described.get("export_type", ""))),
        "Format": _format(described),
        "Period": period_asked(str(described.get("period", ""))),
        "Cases": cases_in_words(described.get("filters") or {}, names),
        "Of these": "Only those that are new or changed since the last time" if described.get("only_changes") else "",
        "Columns": _columns(described, names),
        "When": when_in_words(described),
        "Time zone": str(described.get("timezone", "")),
        "If it could not run on time": _catch_up(described),
        "Recipients": ", ".join(mails),
        "Mail": _mail(described.get("delivery_config") or {}) if mails else "",
        "Own rows": _own_rows(described, names),
        SEEN: _masking(described.get("masking") or {}) if mails else "",
        "Backup recipient": str(described.get("backup_address") or ""),
        "When there is nothing to report": dict(NO_ROWS).get(str(described.get("no_rows")), "") if mails else "",
        "Sent": _send_condition(described.get("send_condition") or {}),
        "Folders": ", ".join(each["target"] for each in _destinations(described, "FOLDER")),
        "Owner": names.people.get(str(described.get("owner")), "Nobody"),
    }
    return {label: words for label, words in found.items() if words}


def sentence(described: Described) -> str:
    """The schedule in one sentence, for the summary."""
    when = when_in_words(described)
    what = contents_in_words(str(described.get("export_type", ""))).partition(":")[0].lower()
    period = period_asked(str(described.get("period", "")))
    period = period[:1].lower() + period[1:]
    mails, folders = (len(_destinations(described, kind)) for kind in ("EMAIL", "FOLDER"))
    to = [_counted(mails, "recipient")] * bool(mails) + [_counted(folders, "folder")] * bool(folders)
    where = f" to {' and '.join(to)}" if to else ""
    return f"{when}: {what} as {_format_name(described)}{where}, {period}."


def when_in_words(described: Described) -> str:
    """ "Every Monday at 08:00, New York time, skipped on blackout days"."""
    try:
        choice = OnBlackout(described.get("on_blackout") or OnBlackout.RUN)
        timezone, ready_by = str(described.get("timezone", "")), described.get("ready_by")
        return rule_in_words(parse_rule(described.get("rule") or {}), timezone, choice, ready_by)
    except ValueError:
        return UNREADABLE


def when_of(schedule: Schedule) -> str:
    parts = ("rule", "timezone", "on_blackout", "ready_by")
    return when_in_words({name: getattr(schedule, name) for name in parts})


def contents_in_words(export_type: str) -> str:
    offer = OFFERED.get(ExportType(export_type)) if export_type in set(ExportType) else None
    return offer.label if offer else export_type


def period_asked(text: str) -> str:
    """ "Previous complete week, Monday to Sunday"."""
    try:
        return asked_in_words(parse_period(text))
    except PeriodError:
        return text


def cases_in_words(filters: Mapping[str, Any], names: Names) -> str:
    """ "Status: Open, On hold. Anonymous reports only." """
    parts = [f"{name}: {_values(key, filters[key], names)}" for key, name in FILTERS.items() if filters.get(key)]
    parts += [f"{names.tags.get(column, column)}: {_of_tag(wanted)}" for column, wanted in _tags_of(filters).items()]
    if "anonymous" in filters:
        parts.append("Anonymous reports only" if filters["anonymous"] else "Named reports only")
    if (field := filters.get("date_field", "created_at")) != "created_at":
        parts.append(f"The period counts by when a case was {dict(DATE_FIELDS).get(field, field).lower()}")
    return ". ".join(parts) or "All cases"


def word(value: str) -> str:
    """ "On hold" of ON_HOLD."""
    return value.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Told:
    """One change: who, when, what, and line by line what was before and after."""

    at: datetime
    actor: str
    done: str
    lines: Sequence[tuple[str, str, str]]
    """(label, before, after); before or after may be empty."""


def told(change: Change, names: Names) -> Told:
    """The change in words."""
    return Told(change.at, change.actor, _DONE.get(change.action, change.action), _lines(change, names))


def _lines(change: Change, names: Names) -> list[tuple[str, str, str]]:
    body = change.body
    match change.action:
        case "schedule.edited":
            before, after = facts(body.get("before") or {}, names), facts(body.get("after") or {}, names)
            labels = dict.fromkeys([*before, *after])
            pairs = [(label, before.get(label, ""), after.get(label, "")) for label in labels]
            return [(label, old, new) for label, old, new in pairs if old != new]
        case "schedule.paused":
            until = _day_of(body.get("resume_at"))
            lines = [("Reason", "", str(body.get("reason") or "")), ("Resumes by itself", "", until)]
            return [line for line in lines if line[2]]
        case "schedule.reassigned":
            before_owner = names.people.get(str(body.get("before")), "Nobody")
            return [("Owner", before_owner, names.people.get(str(body.get("after")), ""))]
        case "schedule.resumed" if "itself" in str(body.get("why")):
            return [("", "", "The pause ended by itself.")]
    return []


def _day_of(instant: Any) -> str:
    try:
        return day_in_words(parse_instant(str(instant)).date()) if instant else ""
    except MomentError:
        return str(instant)


def _destinations(described: Described, kind: str) -> list[Mapping[str, Any]]:
    return [each for each in described.get("destinations") or () if each.get("kind") == kind]


def _format_name(described: Described) -> str:
    name = str(described.get("format", ""))
    return FORMATS.get(name, name)


def _format(described: Described) -> str:
    name, options = _format_name(described), described.get("format_options") or {}
    packed = ", compressed (zip)" if options.get("zip") else ""
    if name != FORMATS["CSV"]:
        return f"{name}{packed}"
    parts = ["semicolons between the columns" if options.get("delimiter") == ";" else "commas between the columns"]
    parts += ["marked as UTF-8"] * bool(options.get("bom")) + ["headed with words"] * bool(options.get("header_labels"))
    return f"CSV, {', '.join(parts)}{packed}"


def _catch_up(described: Described) -> str:
    """ "Make up for: the latest one, if it is no later than 4 hours"."""
    chosen = str(described.get("catch_up", ""))
    made = dict(CATCH_UP).get(chosen, "")
    if chosen != CatchUp.LATEST:
        return f"Make up for: {made[:1].lower()}{made[1:]}" if made else ""
    seconds = described.get("grace_seconds")
    grace = HALF_WAY if seconds is None else dict(GRACES).get(str(seconds), f"{seconds} seconds")
    return f"Make up for: {made[:1].lower()}{made[1:]}, if it is no later than {grace}"


def headed_by_keys(described: Described) -> bool:
    """Whether the file heads its columns with their keys, whatever headings were chosen."""
    match described.get("format"):
        case ExportFormat.JSON_LINES | ExportFormat.PARQUET:
            return True
        case ExportFormat.CSV:
            return not (described.get("format_options") or {}).get("header_labels")
    return False


def _columns(described: Described, names: Names) -> str:
    export_type, config = str(described.get("export_type", "")), described.get("column_config") or {}
    if chosen := config.get("columns"):
        return f"{_counted(len(chosen), 'chosen column')}: {_some(_headings(described, chosen, names.tags))}"
    if export_type == ExportType.BOARD_REPORT:
        return ""
    if export_type == ExportType.CUSTOM:
        return "None is chosen yet"
    if export_type != ExportType.FLAT_FILE:
        return "All"
    count = config.get("max_investigations", USUAL_INVESTIGATIONS) if config.get("include_investigations", True) else 0
    more = [f"{_counted(count, 'investigation')} per case"]
    more += ["the tagged fields"] * bool(config.get("include_tagged_fields") and names.tags)
    more += ["everything else for programs (JSON)"] * bool(config.get("include_overflow"))
    return f"All, with {' and '.join([', '.join(more[:-1]), more[-1]] if more[1:] else more)}"


def _headings(described: Described, chosen: Sequence[Any], tags: Mapping[str, str]) -> list[str]:
    """What stands at the head of each column; a column that is not known by its key."""
    pairs = [(each.get("key"), each.get("label")) if isinstance(each, Mapping) else (each, None) for each in chosen]
    if headed_by_keys(described):
        return [str(key) for key, _ in pairs]
    export_type = str(described.get("export_type", ""))
    offer = OFFERED.get(ExportType(export_type)) if export_type in set(ExportType) else None
    known = {**tags, **{column.key: column.label for column in offer.choosable()}} if offer else {}
    return [label or known.get(str(key), str(key)) for key, label in pairs]


def _own_rows(described: Described, names: Names) -> str:
    """ "North: region North. South: …" of those that have rows of their own."""
    groups: dict[str, list[str]] = {}
    for each in _destinations(described, "EMAIL"):
        if each.get("own_filters"):
            groups.setdefault(cases_in_words(each["own_filters"], names), []).append(each["target"])
    return "; ".join(f"{_some(people)} only: {words}" for words, people in groups.items())


def _masking(masking: Mapping[str, Any]) -> str:
    seen = {side: PROFILE_WORDS.get(masking.get(side, ""), AS_USUAL) for side in SIDES}
    return ". ".join(f"{name}: {seen[side][:1].lower()}{seen[side][1:]}" for side, name in SIDES.items())


def _send_condition(condition: Mapping[str, Any]) -> str:
    if not condition:
        return ""
    number = condition.get("at_least", condition.get("at_most"))
    bound = "at least" if "at_least" in condition else "at most"
    if condition.get("kind") == "CHANGED":
        return dict(SEND_WHEN)[CHANGED]
    return f"Only if there are {bound} {_counted(number, 'row')}" if isinstance(number, int) else UNREADABLE


def _mail(config: Mapping[str, Any]) -> str:
    parts = ["file attached"] * bool(config.get("attach")) + ["link in the mail"] * bool(config.get("link"))
    asks = ", which asks to sign in first" if config.get("sign_in_to_download") and config.get("link") else ""
    words = " and ".join(parts) + asks
    return words[:1].upper() + words[1:]


def _tags_of(filters: Mapping[str, Any]) -> Mapping[str, Any]:
    tags = filters.get("tags")
    return tags if isinstance(tags, Mapping) else {}


def _of_tag(wanted: Any) -> str:
    """ "from 1000 to 5000", "yes", "Fraud, Theft"."""
    if isinstance(wanted, bool):
        return "yes" if wanted else "no"
    if isinstance(wanted, Mapping):
        return " ".join(f"{word} {wanted[key]}" for word, key in (("from", "min"), ("to", "max")) if key in wanted)
    return _some(wanted if isinstance(wanted, list) else [wanted], most=12)


def _values(key: str, values: Any, names: Names) -> str:
    texts = [values] if isinstance(values, str) else [str(each) for each in values]
    shown = [word(text) if key in _OWN_WORDS else names.register.called(key, text) for text in texts]
    below = ", with all below" if key in _WITH_ALL_BELOW else ""
    return f"{_some(shown, most=12)}{below}"


def _some(names: Sequence[Any], most: int = _LISTED) -> str:
    """The first few, and how many more."""
    shown = ", ".join(str(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
