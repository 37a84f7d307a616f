"""To whom it goes: addresses, those that have rows of their own, the backup, and folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.exports.case_filters import KnownNames
from portal.schedules.folders import FolderError, parse_folder
from portal.schedules.inputs.contents import checked_filters
from portal.schedules.inputs.problems import Check
from portal.schedules.recipients import MOST_RECIPIENTS, Recipient, parse_recipients

MOST_FOLDERS = 10
MOST_OWN_ROWS = 20
_MOST_SENTENCES = 10


@dataclass(frozen=True)
class OwnRows:
    """Recipients that get what fits `filters` beside the schedule's own ones; both must fit."""

    recipients: tuple[Recipient, ...]
    filters: dict[str, Any]


def checked_recipients(found: Check, text: str, at: str = "recipients") -> list[Recipient]:
    recipients, problems = parse_recipients(text)
    for sentence in problems[:_MOST_SENTENCES]:
        found.refuse(at, sentence)
    if len(problems) > _MOST_SENTENCES:
        found.refuse(at, f"{len(problems) - _MOST_SENTENCES} more are not addresses.")
    return recipients


def checked_own_rows(found: Check, data: Any, names: KnownNames) -> list[OwnRows]:
    """Each {"addresses": text, "filters": {…}}; problems stand at "own_rows.0.addresses", "own_rows.0.filters".

    What is wholly empty is left out. Nobody may stand in two of them: which rows would be theirs?
    """
    groups: list[OwnRows] = []
    seen: set[str] = set()
    given = data if isinstance(data, Sequence) and not isinstance(data, str) else []
    if len(given) > MOST_OWN_ROWS:
        found.refuse("own_rows", f"{len(given)} groups are more than the {MOST_OWN_ROWS} that one schedule may have.")
    for number, each in enumerate(given[:MOST_OWN_ROWS]):
        at = f"own_rows.{number}"
        text, filters = (str(each.get("addresses", "")), each.get("filters")) if isinstance(each, Mapping) else ("", {})
        if not text.strip() and not filters:
            continue
        group = _own_rows(found, text, filters, names, at)
        if group is None:
            continue
        for twice in [one for one in group.recipients if one.address.casefold() in seen]:
            found.refuse(f"{at}.addresses", f"{twice.address} stands in another group too: name each person once.")
        seen |= {one.address.casefold() for one in group.recipients}
        groups.append(group)
    return groups


def _own_rows(found: Check, text: str, filters: Any, names: KnownNames, at: str) -> OwnRows | None:
    recipients = checked_recipients(found, text, f"{at}.addresses")
    if not text.strip():
        found.refuse(f"{at}.addresses", "Name who gets these rows, or remove the group.")
    if not filters:
        found.refuse(f"{at}.filters", "Choose which rows they get, or move them to the recipients above.")
        return None
    checked = checked_filters(found, filters, names, f"{at}.filters")
    return OwnRows(tuple(recipients), checked) if checked is not None else None


def everyone(recipients: Sequence[Recipient], groups: Sequence[OwnRows]) -> list[Recipient]:
    """All of them, once each: who has own rows need not stand among the others."""
    found = {one.address.casefold(): one for group in groups for one in group.recipients}
    found = {one.address.casefold(): one for one in recipients} | found
    return list(found.values())


def checked_backup(found: Check, text: str, recipients: Sequence[Recipient]) -> str | None:
    """One address that is no recipient: it gets what all of those are kept from."""
    if not text.strip():
        return None
    backups = checked_recipients(found, text, "backup_address")
    if len(backups) > 1:
        found.refuse("backup_address", "Name one person as backup.")
    if not backups:
        return None
    [backup, *_] = backups
    if backup.address.casefold() in {one.address.casefold() for one in recipients}:
        found.refuse("backup_address", f"{backup.address} is a recipient already: name somebody else as backup.")
    return backup.address


def checked_folders(found: Check, text: str) -> list[str]:
    folders: list[str] = []
    for line in filter(str.strip, text.splitlines()):
        folder = found.read("folders", lambda line=line: parse_folder(line), FolderError)  # type: ignore[misc]
        if folder is not None and folder not in folders:
            folders.append(folder)
    if len(folders) > MOST_FOLDERS:
        found.refuse("folders", f"{len(folders)} folders are more than the {MOST_FOLDERS} one schedule may have.")
    return folders


def check_number(found: Check, recipients: Sequence[Recipient]) -> None:
    """With all groups together."""
    if len(recipients) > MOST_RECIPIENTS and not found.found_at("recipients"):
        found.refuse(
            "recipients",
            f"{len(recipients)} recipients are more than the {MOST_RECIPIENTS} one schedule may have.",
        )
