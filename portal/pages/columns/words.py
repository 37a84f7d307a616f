"""Columns and masking in an officer's words."""

from __future__ import annotations

from portal.exports.columns import ColumnType
from portal.exports.masking import Profile, Treatment

PROFILE_WORDS = {
    Profile.NONE.value: "Everything",
    Profile.INTERNAL.value: "Masked for inside",
    Profile.EXTERNAL.value: "Masked for outside",
}
TREATMENT_WORDS = {
    Treatment.SHOW: "Shown",
    Treatment.SMALL: "Masked in small groups",
    Treatment.MASK: "Masked",
    Treatment.OMIT: "Left out",
}
TYPE_WORDS = {
    ColumnType.TEXT: "Text",
    ColumnType.INTEGER: "Whole number",
    ColumnType.NUMBER: "Number",
    ColumnType.DATE: "Date",
    ColumnType.DATETIME: "Date and time",
    ColumnType.BOOLEAN: "Yes or no",
    ColumnType.JSON: "JSON",
}
