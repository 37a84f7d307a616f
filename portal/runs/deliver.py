"""Handing the artifact over, one recipient at a time, as long as any is due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from portal import clock, failpoints
from portal.cases.kept_from import Person
from portal.delivery import ledger
from portal.delivery.by_email import Mailer
from portal.delivery.by_storage import FileToStore, folder_for, store_file
from portal.delivery.held_cases import not_for
from portal.delivery.ledger import InHand, Result
from portal.delivery.stored_file import StoredFile
from portal.exports import masking
from portal.extensions import db
from portal.leases import Lease, LeaseLost
from portal.models import Artifact, Delivery, DeliveryState, DestinationKind, Organization, Run, RunKind
from portal.people.insiders import load_insiders
from portal.plumbing.logs import log
from portal.zones import zone

NOT_FOR_THEM = "Held back by the rules for recipients."
logger = log(__name__)


def deliver_all(lease: Lease, check: Callable[[], None]) -> None:
    """Every delivery that is due now. Raises LeaseLost as soon as another worker has taken over."""
    with Mailer(lease) as mailer:
        while deliver_one(lease, mailer, clock.now()):
            check()


def deliver_one(lease: Lease, mailer: Mailer, now: datetime) -> bool:
    """One attempt for the next recipient who is due; False when there was none."""
    delivery = ledger.take_one(lease, now)
    if delivery is None:
        return False
    failpoints.reach("sending-after-commit")
    result = _attempt(mailer, delivery)
    failpoints.reach("answered")
    ledger.finish(lease, delivery, result, clock.now())
    failpoints.reach("finish-after-commit")
    return True


def _attempt(mailer: Mailer, delivery: InHand) -> Result:
    try:
        if delivery.kind is DestinationKind.EMAIL:
            if _not_for_them(delivery):
                return Result(DeliveryState.BLOCKED, NOT_FOR_THEM)
            return mailer.send(Session(db.engine), delivery)
        return store_file(_file_to_store(delivery))
    except LeaseLost:
        raise
    except Exception:
        # whether DATA was begun stands in the ledger; `finish` of a row in DATA must not call it "nothing sent"
        logger.exception("a delivery failed unforeseen", run_id=str(delivery.run_id), delivery_id=str(delivery.id))
        with Session(db.engine) as session:
            begun = ledger.is_begun(session, delivery.id)
        if begun:
            return Result(DeliveryState.UNKNOWN, "Handing the message over broke off; it may have arrived.")
        return Result(DeliveryState.PENDING, "The attempt failed before anything was handed over; it is tried again.")


def _not_for_them(delivery: InHand) -> bool:
    """Whether, since the file was made, they were put on a case's list, or came to be outside the organization."""
    with Session(db.engine) as session:
        row = session.get_one(Delivery, delivery.id)
        artifact = session.get_one(Artifact, delivery.artifact_id)
        person = Person(row.target, row.user_id, row.name)
        return not_for(session, artifact, person) or _shows_too_much(session, artifact, row.target)


def _shows_too_much(session: Session, artifact: Artifact, address: str) -> bool:
    """Whether the file is masked less than one for somebody outside, and the address is outside now."""
    made_as = masking.Profile(artifact.masking)
    if made_as is masking.Profile.EXTERNAL:
        return False
    insiders = load_insiders(session, artifact.organization_id)
    if insiders.hold(address):
        return False
    settings = session.get_one(Organization, artifact.organization_id).settings
    chosen = session.get_one(Run, artifact.run_id).configuration.get("masking", {})
    rules = masking.MaskingRules.of(settings)
    return made_as.hides_less_than(masking.profile_for(DestinationKind.EMAIL, address, chosen, rules, insiders))


def _file_to_store(delivery: InHand) -> FileToStore:
    with Session(db.engine) as session:
        artifact = session.get_one(Artifact, delivery.artifact_id)
        run = session.get_one(Run, delivery.run_id)
        slug = session.get_one(Organization, delivery.organization_id).slug
    local_day = datetime.fromisoformat(run.configuration["local_day"]).date()
    stem = artifact.file_name.rsplit("-", 3)[0]  # the schedule's name without the date and ending
    folder = folder_for(delivery.target, schedule=stem, planned=local_day)
    return FileToStore(StoredFile.of(artifact), f"{slug}/{folder}/{_name_in_folder(run, artifact.file_name)}")


def _name_in_folder(run: Run, file_name: str) -> str:
    """A run now carries its time in the name: nothing in a folder is ever replaced, and the day's planned run has the
    plain name."""
    if run.kind is not RunKind.RUN_NOW:
        return file_name
    local = run.planned_for.astimezone(zone(run.configuration["schedule"]["timezone"]))
    stem, dot, ending = file_name.rpartition(".")
    return f"{stem}-{local:%H%M%S}{dot}{ending}"
