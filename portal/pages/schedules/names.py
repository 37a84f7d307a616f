"""What ids, codes and keys are called: asked for once a request, and only what is needed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from flask import g

from portal.exports.case_filters import KnownNames
from portal.pages.access import current_person


@dataclass(frozen=True)
class Names:
    """People by their id as text; categories, units and tagged fields as the register calls them."""

    people: Mapping[str, str]
    register: KnownNames

    @property
    def tags(self) -> Mapping[str, str]:
        """Labels of tagged fields by their column."""
        return {tag.column_name: tag.label for tag in self.register.tags}


def register_names(organization_id: uuid.UUID) -> KnownNames:
    """The organization's, as the signed-in person may know them, for this request."""
    if "register_names" not in g:
        g.register_names = KnownNames(organization_id, reader=current_person())
    names: KnownNames = g.register_names
    return names
