"""What a person may ask of a schedule, checked as a whole: every problem is found at once and named by its field."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal.exports.case_filters import KnownNames
from portal.exports.catalogue import OFFERED
from portal.exports.periods import PeriodError, parse_period
from portal.extensions import db
from portal.models import CatchUp, DestinationKind, ExportFormat, ExportType, NoRows, OnBlackout, User
from portal.schedules.inputs.contents import checked_contents, checked_filters, checked_masking
from portal.schedules.inputs.moments import checked_grace, checked_ready_by, checked_rule
from portal.schedules.inputs.problems import Check, NotAccepted, Problem
from portal.schedules.inputs.recipients import (
    OwnRows,
    check_number,
    checked_backup,
    checked_folders,
    checked_own_rows,
    checked_recipients,
    everyone,
)
from portal.schedules.inputs.sending import checked_no_rows, checked_send_condition
from portal.schedules.inputs.texts import LONGEST_NAME, checked_description, checked_name
from portal.schedules.recipients import Recipient

__all__ = ["LONGEST_NAME", "NotAccepted", "OwnRows", "Problem", "ScheduleInput", "check"]


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
    """All of them, those with rows of their own too."""
    folders: list[str]
    delivery_config: dict[str, Any]
    catch_up: CatchUp
    grace_seconds: int | None
    on_blackout: OnBlackout
    ready_by: str | None
    owner_id: uuid.UUID
    masking: dict[str, str] = field(default_factory=dict)
    """Profiles for "inside" and "outside"; a side that is missing is left to the organization's rule."""
    no_rows: NoRows = NoRows.SEND_EMPTY
    send_condition: dict[str, Any] = field(default_factory=dict)
    only_changes: bool = False
    backup_address: str | None = None
    own_rows: list[OwnRows] = field(default_factory=list)

    def destinations(self) -> list[dict[str, Any]]:
        """Kind, target, name and own_filters of each, in their order; own_filters None for the schedule's rows."""
        own = {one.address.casefold(): group.filters for group in self.own_rows for one in group.recipients}
        mails = [
            _destination(DestinationKind.EMAIL, one.address, one.name, own.get(one.address.casefold()))
            for one in self.recipients
        ]
        return [*mails, *(_destination(DestinationKind.FOLDER, folder, "", None) for folder in self.folders)]


def _destination(kind: DestinationKind, target: str, name: str, own_filters: dict[str, Any] | None) -> dict[str, Any]:
    return {"kind": kind, "target": target, "name": name, "own_filters": own_filters}


def check(
    data: Mapping[str, Any], *, organization_id: uuid.UUID, now: datetime, names: KnownNames | None = None
) -> ScheduleInput:
    """The input as it may be saved. Raises NotAccepted with every problem.

    `names` are the organization's, where they are read already.

    `data`: name, description, export_type, format, format_options (CSV: {delimiter, bom, header_labels}; any: {zip}),
    filters, period, column_config, rule (a mapping of the rule's vocabulary), timezone, recipients (text),
    folders (text, one a line), attach, link, sign_in_to_download, catch_up, owner_id; and, where they are not the
    usual, grace_seconds (a whole number, None for half the time to the next moment), on_blackout, ready_by ("HH:MM";
    None: it does not wait), masking {"inside", "outside"}, no_rows, send_condition, only_changes, backup_address
    (text), own_rows (a list of {"addresses": text, "filters"}).
    """
    found = Check()
    names = names or KnownNames(organization_id)
    name = checked_name(found, data.get("name", ""))
    description = checked_description(found, data.get("description", ""))
    export_type = found.choose("export_type", data.get("export_type"), tuple(OFFERED), "Choose what to export.")
    file_format, options, columns = checked_contents(found, data, names.tags)
    catch_up = found.choose(
        "catch_up", data.get("catch_up", CatchUp.LATEST), tuple(CatchUp), "Choose what to catch up."
    )
    grace = checked_grace(found, data.get("grace_seconds"))
    on_blackout = found.choose(
        "on_blackout",
        data.get("on_blackout", OnBlackout.RUN),
        tuple(OnBlackout),
        "Choose what happens on days of the blackout calendar.",
    )
    ready_by = checked_ready_by(found, data.get("ready_by"), data.get("rule"))
    filters = checked_filters(found, data.get("filters", {}), names)
    period = str(data.get("period", ""))
    found.read("period", lambda: parse_period(period), PeriodError)
    rule = checked_rule(found, data, now)
    own_rows = checked_own_rows(found, data.get("own_rows", []), names)
    recipients = everyone(checked_recipients(found, str(data.get("recipients", ""))), own_rows)
    check_number(found, recipients)
    folders = checked_folders(found, str(data.get("folders", "")))
    delivery = _delivery(found, data, recipients, folders)
    masking = checked_masking(found, data.get("masking", {}))
    no_rows = checked_no_rows(found, data.get("no_rows", NoRows.SEND_EMPTY))
    send_condition = checked_send_condition(found, data.get("send_condition", {}))
    backup = checked_backup(found, str(data.get("backup_address") or ""), recipients)
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
        masking=masking,
        no_rows=no_rows,
        send_condition=send_condition,
        only_changes=bool(data.get("only_changes")),
        backup_address=backup,
        own_rows=own_rows,
    )


def _delivery(
    found: Check, data: Mapping[str, Any], recipients: list[Recipient], folders: list[str]
) -> dict[str, bool]:
    at_own_rows = any(problem.field.startswith("own_rows") for problem in found.problems)
    if not recipients and not folders and not at_own_rows and not found.found_at("recipients", "folders"):
        found.refuse("recipients", "Name at least one recipient or a folder.")
    delivery = {key: bool(data.get(key)) for key in ("attach", "link", "sign_in_to_download")}
    if recipients and not (delivery["attach"] or delivery["link"]):
        found.refuse("attach", "Choose how recipients get the file: attached, by link, or both.")
    return delivery


def _owner(found: Check, value: Any, organization_id: uuid.UUID) -> uuid.UUID | None:
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
