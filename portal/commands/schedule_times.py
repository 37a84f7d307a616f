"""`flask schedule-times`: the next moments of a rule, without a schedule or a database row."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NoReturn

import click

from portal import clock
from portal.moments import MomentError, instant_text, parse_instant
from portal.schedules.rule import Occurrence, Rule, RuleError, next_occurrences, parse_rule, rule_to_json
from portal.schedules.words import occurrence_note, rule_in_words
from portal.zones import ZoneError, zone

MOST = 1000


@click.command("schedule-times")
@click.argument("rule")
@click.option("--timezone", "zone_name", required=True, help="IANA name, such as America/New_York.")
@click.option("--after", "after_text", metavar="INSTANT", help="Such as 2026-11-25T09:00:00Z; now unless told.")
@click.option("--count", "count_text", metavar="N", default="10", show_default=True, help=f"1 to {MOST}.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object in place of one instant a line.")
def schedule_times(rule: str, zone_name: str, after_text: str | None, count_text: str, as_json: bool) -> None:
    """The next moments of RULE (JSON) in a time zone, one UTC instant a line; fewer when the rule ends before."""
    try:
        wanted = parse_rule(rule)
        in_zone = zone(zone_name)
        after = parse_instant(after_text) if after_text is not None else clock.now()
    except (RuleError, ZoneError, MomentError) as problem:
        _refuse(str(problem))
    moments = next_occurrences(wanted, in_zone, after, _count(count_text))
    if as_json:
        click.echo(json.dumps(_answer(wanted, zone_name, after, moments), indent=1))
        return
    for moment in moments:
        click.echo(instant_text(moment.instant))


def _count(text: str) -> int:
    # isdecimal also takes the figures of other scripts, as int does; the length keeps int cheap.
    if not (text.isdecimal() and len(text) <= len(str(MOST)) and 1 <= int(text) <= MOST):
        _refuse(f"The count must be a whole number from 1 to {MOST}.")
    return int(text)


def _answer(rule: Rule, zone_name: str, after: datetime, moments: list[Occurrence]) -> dict[str, Any]:
    before: list[Occurrence | None] = [None, *moments]
    return {
        "rule": rule_to_json(rule),
        "timezone": zone_name,
        "in_words": rule_in_words(rule, zone_name),
        "after": instant_text(after),
        "times": [
            {
                "utc": instant_text(moment.instant),
                "local": moment.local.isoformat(timespec="seconds"),
                "planned": moment.key_part(),
                "note": occurrence_note(moment, previous),
            }
            for moment, previous in zip(moments, before, strict=False)
        ],
    }


def _refuse(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(2)
