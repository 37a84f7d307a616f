"""Name and description, and what in a text cannot be seen."""

from __future__ import annotations

import unicodedata
from typing import Any

from portal.schedules.inputs.problems import Check

LONGEST_NAME = 120
LONGEST_DESCRIPTION = 2_000


def checked_name(found: Check, value: Any) -> str:
    """On one line, without blanks around it."""
    text = " ".join(str(value).split(" ")).strip()
    if not text:
        found.refuse("name", "Give the schedule a name.")
    elif len(text) > LONGEST_NAME:
        found.refuse("name", f"The name has {len(text)} characters; at most {LONGEST_NAME} fit.")
    elif unseen := hidden(text):
        found.refuse("name", f"The name holds {unseen}; write it on one line, with letters that can be seen.")
    return text


def checked_description(found: Check, value: Any) -> str:
    text = str(value).replace("\r\n", "\n").strip()
    if len(text) > LONGEST_DESCRIPTION:
        found.refuse("description", f"The description has {len(text)} characters; at most {LONGEST_DESCRIPTION} fit.")
    elif unseen := hidden(text.replace("\n", " ").replace("\t", " ")):
        found.refuse("description", f"The description holds {unseen}; leave it out.")
    return text


def hidden(text: str) -> str | None:
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
