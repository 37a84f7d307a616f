"""`python -m demo.register --organization SLUG --cases N --seed S`: fill an organization's empty register."""

from __future__ import annotations

import argparse
import sys
from datetime import date, datetime

import sqlalchemy as sa

from demo.register import RegisterError, generate_register
from portal import clock, create_app
from portal.config import SettingsError
from portal.extensions import db
from portal.models import Organization
from portal.zones import zone


def main(arguments: list[str] | None = None) -> int:
    """0 when the register was made, 2 with a sentence on standard error when it was not."""
    parser = argparse.ArgumentParser(prog="python -m demo.register", description=__doc__)
    parser.add_argument("--organization", required=True, metavar="SLUG")
    parser.add_argument("--cases", required=True, type=int, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--today", type=date.fromisoformat, metavar="DATE", help="the register ends the day before")
    asked = parser.parse_args(arguments)
    try:
        with create_app().app_context():
            found = db.session.scalar(sa.select(Organization).where(Organization.slug == asked.organization))
            if found is None:
                raise RegisterError(f"There is no organization “{asked.organization}”.")
            today = asked.today or _today(clock.now(), found.timezone)
            made = generate_register(found.id, asked.cases, asked.seed, today, on_progress=_show)
    except (RegisterError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(f"{table:20} {count:>10,}" for table, count in made.items()))
    return 0


def _today(now: datetime, timezone: str) -> date:
    return now.astimezone(zone(timezone)).date()


def _show(done: int, asked: int) -> None:
    print(f"\r{done:,} of {asked:,} cases", end="\n" if done == asked else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
