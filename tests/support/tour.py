"""Every page of the running product, as a person meets it: for pictures, and for what holds on every page."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy

from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.whole_product import Product, sign_in, wait_until

PARTIAL = "Weekly case file for the board"
SENT = "Audit committee, closed cases"
WAITING = "Open cases for the dashboard"
PAUSED = "Billing cases for outside counsel"
INVITED = "noor@lakeside.example.org"


@dataclass
class Tour:
    """The demo's own runs, made by its workers, and the two people who look; addresses by what they are."""

    product: Product
    chromium: Browser
    cookies: dict[str, list[object]] = field(default_factory=dict)

    def begin(self) -> None:
        """Signs both people in, invites a third, and awaits the demo's first runs."""
        for role in ("admin", "officer"):
            context = self.chromium.new_context()
            page = context.new_page()
            sign_in(page, self.product, "Lakeside", role)
            self.cookies[role] = list(context.cookies())
            if role == "admin":
                page.goto(f"{self.product.url}/people/invite")
                page.get_by_label("E-mail address").fill(INVITED)
                page.get_by_label("Name").fill("Noor Haddad")
                page.get_by_role("button", name="Send invitation").click()
                page.wait_for_url(re.compile("/people/?$"))
            context.close()
        open_runs = "SELECT 1 FROM runs WHERE state IN ('QUEUED', 'RUNNING')"
        wait_until("the demo's first runs are made", lambda: not self.product.rows(open_runs), seconds=120)
        wait_until("those of them that can be sent are", self._sent, seconds=120)

    def context(self, who: str | None, **options: object) -> BrowserContext:
        """A window of that person, or of a stranger."""
        context = self.chromium.new_context(base_url=self.product.url, **options)  # type: ignore[arg-type]
        if who:
            context.add_cookies(self.cookies[who])  # type: ignore[arg-type]
        return context

    def schedule(self, name: str) -> str:
        ((identity,),) = self.product.rows("SELECT id FROM schedules WHERE name = ?", name)
        return f"/schedules/{uuid.UUID(str(identity))}"

    def run(self, name: str) -> str:
        """The address of the schedule's first run."""
        ((identity,),) = self.product.rows(
            "SELECT runs.id FROM runs JOIN schedules ON schedules.id = schedule_id"
            " WHERE name = ? ORDER BY planned_for LIMIT 1",
            name,
        )
        return f"/runs/{uuid.UUID(str(identity))}"

    def case(self) -> str:
        """One that an investigation was made of."""
        ((identity,),) = self.product.rows("SELECT case_id FROM investigations ORDER BY started_at DESC LIMIT 1")
        return f"/cases/{uuid.UUID(str(identity))}"

    def person(self) -> str:
        ((identity,),) = self.product.rows("SELECT id FROM users WHERE email LIKE 'otto@lakeside%'")
        return f"/people/{uuid.UUID(str(identity))}"

    def link_in_mail(self, recipient: str, path: str) -> str:
        """The address below `path` in the newest mail to the recipient."""
        for file in sorted((self.product.var / "outbox").glob("*.eml"), reverse=True):
            message = message_from_bytes(file.read_bytes(), policy=policy.default)
            text = message.get_body(("plain",)).get_content()
            if recipient in str(message["To"]) and (found := re.search(rf"{path}/\S+", text)):
                return found[0]
        raise AssertionError(f"no mail to {recipient} holds an address below {path}")

    def mail(self) -> str:
        """The newest mail with a file in it."""
        for file in sorted((self.product.var / "outbox").glob("*.eml"), reverse=True):
            if b"attachment" in file.read_bytes():
                return f"/outbox/{file.stem}"
        raise AssertionError("no mail carries a file")

    def _sent(self) -> bool:
        statement = (
            "SELECT name, runs.state FROM runs JOIN schedules ON schedules.id = schedule_id ORDER BY queued_at DESC"
        )
        states = {str(row[0]): row[1] for row in self.product.rows(statement)}
        return states[PARTIAL] == "PARTIAL" and states[SENT] == "SUCCEEDED" and states[WAITING] != "QUEUED"


@dataclass(frozen=True)
class Stop:
    """One page: who looks, how it is reached, and the status it answers with."""

    name: str
    who: str | None
    go: Callable[[Tour, Page], object]
    status: int = 200


def _at(path: str | Callable[[Tour], str]) -> Callable[[Tour, Page], object]:
    return lambda tour, page: page.goto(path if isinstance(path, str) else path(tour))


def _answered(_: Tour, page: Page, recipients: str = "priya@board.example.org") -> None:
    page.goto("/schedules/new")
    page.get_by_label("Name", exact=True).fill("Conduct cases for the people committee")
    page.get_by_label("Excel (XLSX)").check()
    page.locator("[name=period]").select_option("previous_month")
    page.get_by_label("Monthly", exact=True).check()
    page.get_by_label("Recipients").fill(recipients)
    page.get_by_role("button", name="Check your answers").click()
    page.wait_for_load_state("load")


def _with_errors(tour: Tour, page: Page) -> None:
    _answered(tour, page, "priya@board.example.org, tomas@, nobody")


def _wrong_password(_: Tour, page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill("otto@lakeside.example.org")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state("load")


def _filters_open(_: Tour, page: Page) -> None:
    page.goto("/schedules/new")
    page.get_by_label("Monthly", exact=True).check()
    page.locator("#fold-more-filters > summary").click()
    for summary in page.locator(".case-filters summary").all():
        summary.click()


def _columns_chosen(_: Tour, page: Page) -> None:
    page.goto("/schedules/new")
    page.locator("#fold-columns > summary").click()
    page.get_by_label("Those that I choose").check()
    for key in ("case_number", "case_status", "case_priority"):
        page.locator(f"[name=columns][value={key}]").check()
    page.locator("#fold-own-rows > summary").click()
    page.get_by_role("button", name="Add a group").click()
    page.locator("#fold-sending > summary").click()


def _asked(tour: Tour, page: Page) -> None:
    page.goto(tour.schedule(PAUSED))
    page.locator("button.btn.danger", has_text="Delete").first.click()


def _holidays_added(_: Tour, page: Page) -> None:
    page.goto("/calendar/holidays?country=US&region=NY")
    page.get_by_role("button", name="Add to the calendar").click()
    page.wait_for_load_state("load")


def _tag_checked(_: Tour, page: Page) -> None:
    page.goto("/field-tags/6")
    page.get_by_role("button", name="Continue").click()
    page.wait_for_load_state("load")


STOPS = (
    Stop("today", "officer", _at("/")),
    Stop("today-admin", "admin", _at("/")),
    Stop("schedules", "officer", _at("/schedules")),
    Stop("schedule", "officer", _at(lambda tour: tour.schedule(PARTIAL))),
    Stop("schedule-paused", "officer", _at(lambda tour: tour.schedule(PAUSED))),
    Stop("schedule-delete", "officer", _asked),
    Stop("build", "officer", _at("/schedules/new")),
    Stop("build-filters", "officer", _filters_open),
    Stop("build-columns", "officer", _columns_chosen),
    Stop("build-edit", "officer", _at(lambda tour: tour.schedule(WAITING) + "/edit")),
    Stop("build-errors", "officer", _with_errors, status=400),
    Stop("build-check", "officer", _answered),
    Stop("calendar", "officer", _holidays_added),
    Stop("calendar-holidays", "officer", _at("/calendar/holidays?country=DE&region=BY")),
    Stop("run-partly-sent", "officer", _at(lambda tour: tour.run(PARTIAL))),
    Stop("run-sent", "admin", _at(lambda tour: tour.run(SENT))),
    Stop("run-waiting", "admin", _at(lambda tour: tour.run(WAITING))),
    Stop("history", "officer", _at("/history")),
    Stop("board-report", "officer", _at("/board-report")),
    Stop("cases", "officer", _at("/cases")),
    Stop("case", "admin", _at(lambda tour: tour.case())),
    Stop("outbox", "officer", _at("/outbox")),
    Stop("mail", "officer", _at(lambda tour: tour.mail())),
    Stop("columns", "officer", _at("/columns")),
    Stop("field-tags", "admin", _at("/field-tags")),
    Stop("field-tag", "admin", _at("/field-tags/1")),
    Stop("field-tag-check", "admin", _tag_checked),
    Stop("settings-masking", "admin", _at("/settings/masking")),
    Stop("settings-numbers", "admin", _at("/settings/numbers")),
    Stop("settings-branding", "admin", _at("/settings/branding")),
    Stop("people", "admin", _at("/people")),
    Stop("person", "admin", _at(lambda tour: tour.person())),
    Stop("invite", "admin", _at("/people/invite")),
    Stop("account", "officer", _at("/account")),
    Stop("not-allowed", "officer", _at("/people"), status=403),
    Stop("no-such-page", "officer", _at("/nowhere"), status=404),
    Stop("sign-in", None, _at("/sign-in")),
    Stop("sign-in-wrong", None, _wrong_password, status=400),
    Stop("invitation", None, _at(lambda tour: tour.link_in_mail(INVITED, "/invitation"))),
    Stop("link", None, _at(lambda tour: tour.link_in_mail("priya@board.example.org", "/d"))),
    Stop("link-not-valid", None, _at("/d/nothing"), status=404),
)
