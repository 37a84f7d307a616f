"""The organization's tagged fields, asked for once a request."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from flask import g

from portal.exports.tagged_fields import Tag, load_tags
from portal.extensions import db


def tags_of(organization_id: uuid.UUID) -> Sequence[Tag]:
    """In the order of their slots."""
    if "schedule_tags" not in g:
        g.schedule_tags = load_tags(db.session.connection(), organization_id)
    tags: Sequence[Tag] = g.schedule_tags
    return tags


def tag_labels(organization_id: uuid.UUID) -> Mapping[str, str]:
    """By column."""
    return {tag.column_name: tag.label for tag in tags_of(organization_id)}
