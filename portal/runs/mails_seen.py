"""Which kept mails of the demo's sink a viewer may read: they hold files, and tell of other people's."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.cases.kept_from import Person, kept_cases
from portal.models import Delivery, Notice
from portal.runs.backup import KIND
from portal.runs.viewer import Viewer


class MailsSeen:
    """Whoever is kept from any case reads mails to themselves alone; what shows that something was withheld from
    everybody is for those who manage such lists."""

    def __init__(self, db: Session, viewer: Viewer) -> None:
        self._db = db
        self._viewer = viewer
        self._only_own = bool(kept_cases(db.connection(), viewer.organization_id, viewer.person))

    def are_to_them(self, recipients: Collection[str]) -> bool:
        """Whether mail to these addresses is the viewer's, or anybody's that they may see."""
        return not self._only_own or self._own(recipients)

    def hidden(self, message_ids: Collection[str]) -> set[str]:
        """Those of them that are not for this viewer, unless they are mailed to them."""
        if self._viewer.manages_conflicts:
            return set()
        told = sa.select(Notice.message_id).where(Notice.message_id.in_(message_ids), Notice.kind == KIND)
        sent = sa.select(Delivery.message_id).where(Delivery.message_id.in_(message_ids), Delivery.backup)
        return {each for each in self._db.scalars(sa.union_all(told, sent)) if each is not None}

    def _own(self, recipients: Collection[str]) -> bool:
        return self._viewer.person.key in {Person(each).key for each in recipients}
