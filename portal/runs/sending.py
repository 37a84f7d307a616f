"""Whether a file goes out, judged file by file while it is put on record: each recipient's own rows decide for them.

First the schedule's condition for sending, then its choice for a file without rows:

| | mail | folder |
|---|---|---|
| condition not met | nothing | nothing |
| no rows, SEND_EMPTY | the empty file | the empty file |
| no rows, SEND_NOTICE | a notice that there is nothing to report | nothing |
| no rows, SEND_NOTHING | nothing | nothing |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.exports.request import ExportRequest
from portal.exports.scope import scope_of
from portal.models import Artifact, Case, Delivery, DeliveryState, DestinationKind, NoRows, Run, RunState
from portal.runs.delivered import changes_delivered_until

_AS_BEFORE = ("export_type", "format", "format_options", "filters", "column_config", "tags")
"""What of a frozen export makes it another one when it differs: then it is sent whatever the register says."""


@dataclass(frozen=True)
class Addressed:
    """A destination of a file; `name` is the ledger's, empty for one of a file that is only to be seen."""

    kind: DestinationKind
    name: str = ""


@dataclass(frozen=True)
class Sending:
    """What becomes of a file. `why_not` says in words why nobody is sent anything; it tells no number of rows."""

    why_not: str = ""
    notice_only: bool = False

    def takes(self, kind: DestinationKind) -> bool:
        """Whether a destination of that kind is sent something."""
        return not self.why_not and not (self.notice_only and kind is not DestinationKind.EMAIL)


def judge(
    db: Session,
    run: Run,
    request: ExportRequest,
    artifact: Artifact,
    destinations: Sequence[Addressed],
) -> Sending:
    """What the run's schedule asked for, of a file made of `request` for these destinations.

    A file that is only to be seen is judged as if it were sent, to destinations without a name: those who see it are
    told what follows from its rows alone.
    """
    condition = run.configuration.get("send_condition") or {}
    unmet = _unmet(db, run, request, artifact, [each.name for each in destinations if each.name], condition)
    if unmet:
        return Sending(_sentence(unmet))
    if artifact.rows:
        return Sending()
    match NoRows(run.configuration["no_rows"]):
        case NoRows.SEND_EMPTY:
            return Sending()
        case NoRows.SEND_NOTICE:
            if any(each.kind is DestinationKind.EMAIL for each in destinations):
                return Sending(notice_only=True)
            return Sending(_sentence(_no_rows(request)))
        case NoRows.SEND_NOTHING:
            return Sending(_sentence(_no_rows(request)))


def nothing_sent(state: RunState, not_sent: Sequence[str]) -> bool:
    """Whether a run is to be called one that sent nothing, by why its files were not sent, as far as somebody may know
    of them: what others were sent, who are shown another file, is not theirs to learn from the state either."""
    return state is not RunState.CANCELLED and bool(not_sent) and all(not_sent)


def why_unsent(artifacts: Sequence[Artifact]) -> str:
    """The reason of a run that sent nothing; where its files have several, none of them is everybody's to read."""
    reasons = {artifact.not_sent for artifact in artifacts}
    return reasons.pop() if len(reasons) == 1 else _sentence("for nobody is there anything")


def _sentence(why: str) -> str:
    return f"Nothing to report: {why}, so nothing was sent, as the schedule asks."


def _no_rows(request: ExportRequest) -> str:
    return "no case is new or changed" if request.only_changes else "the file has no rows"


def _unmet(
    db: Session,
    run: Run,
    request: ExportRequest,
    artifact: Artifact,
    destinations: Sequence[str],
    condition: Mapping[str, Any],
) -> str:
    """Why the condition is not met, in words; empty where it is, or there is none."""
    match condition:
        case {"kind": "ROWS", "at_least": int(least)} if artifact.rows < least:
            return f"there are fewer than {least:,} rows"
        case {"kind": "ROWS", "at_most": int(most)} if artifact.rows > most:
            return f"there are more than {most:,} rows"
        case {"kind": "CHANGED"} if not _changed(db, run, request, artifact, destinations):
            return "nothing has changed since it was last sent"
        case _:
            return ""


def _changed(db: Session, run: Run, request: ExportRequest, artifact: Artifact, destinations: Sequence[str]) -> bool:
    """Whether the file tells something that these people do not have yet."""
    if request.only_changes or run.configuration["period"] == "since_last_success":
        # it holds nothing but what is new
        return artifact.rows > 0
    if not destinations:
        return _changed_since(db, request, changes_delivered_until(db, run.schedule_id, None))
    last = _last_sent(db, run, destinations)
    if len(last) < len(set(destinations)) or not all(_is_like(row, run, artifact) for row in last):
        return True
    moments = [row.data_as_of for row in last]
    return _changed_since(db, request, min(moments) if all(moments) else None)


def _last_sent(db: Session, run: Run, destinations: Sequence[str]) -> Sequence[Any]:
    """Of each destination the newest file of the schedule that reached it."""
    reached = sa.or_(Delivery.state == DeliveryState.ACCEPTED, Delivery.settled_at.is_not(None))
    newest_first = (Run.data_as_of.is_(None), Run.data_as_of.desc(), Delivery.created_at.desc())
    ranked = (
        sa.select(
            Run.id.label("run_id"),
            Delivery.artifact_id,
            sa.func.row_number().over(partition_by=Delivery.destination, order_by=newest_first).label("place"),
        )
        .join(Run, Run.id == Delivery.run_id)
        .where(
            Delivery.organization_id == run.organization_id,
            Delivery.destination.in_(destinations),
            Run.schedule_id == run.schedule_id,
            Run.id != run.id,
            reached,
        )
        .subquery()
    )
    statement = (
        sa.select(
            Artifact.rows,
            Artifact.masking,
            Artifact.own_filters,
            Run.data_as_of,
            Run.configuration["export"].label("export"),
        )
        .join(ranked, sa.and_(ranked.c.artifact_id == Artifact.id, ranked.c.place == 1))
        .join(Run, Run.id == ranked.c.run_id)
    )
    return db.execute(statement).all()


def _is_like(row: Any, run: Run, artifact: Artifact) -> bool:
    export = run.configuration["export"]
    return (
        row.rows == artifact.rows
        and row.masking == artifact.masking
        and (row.own_filters or None) == (artifact.own_filters or None)
        and all(row.export.get(key) == export.get(key) for key in _AS_BEFORE)
    )


def _changed_since(db: Session, request: ExportRequest, since: datetime | None) -> bool:
    """Whether a case in the file's scope has changed; since None: everything has."""
    if since is None:
        return True
    conditions = scope_of(replace(request, changes_since=since), db.connection()).conditions
    return db.scalar(sa.select(Case.id).where(*conditions).limit(1)) is not None
