"""The pages: they parse and answer; subjects decide."""

from __future__ import annotations

from flask import Flask

from portal import config
from portal.pages import access, errors, hostile_input, in_time, request_log, security_headers, template_filters
from portal.pages.board_report import views as board_report
from portal.pages.calendar import views as calendar
from portal.pages.cases import views as cases
from portal.pages.columns import views as columns
from portal.pages.downloads import views as downloads
from portal.pages.field_tags import views as field_tags
from portal.pages.health import views as health
from portal.pages.outbox import views as outbox
from portal.pages.people import account, invitation, sign_in
from portal.pages.people import views as people
from portal.pages.runs import views as runs
from portal.pages.schedules import views as schedules
from portal.pages.settings import views as settings_pages
from portal.pages.today import views as today

BLUEPRINTS = (
    health.bp,
    sign_in.bp,
    invitation.bp,
    account.bp,
    people.bp,
    today.bp,
    schedules.bp,
    calendar.bp,
    runs.bp,
    downloads.bp,
    board_report.bp,
    cases.bp,
    columns.bp,
    field_tags.bp,
    settings_pages.bp,
)


def register(app: Flask) -> None:
    """Join every page, error page and template filter to the app."""
    # what comes after a request runs in the opposite order: the log is last and sees what goes out
    in_time.join(app)
    request_log.join(app)
    security_headers.join(app)
    errors.join(app)
    template_filters.join(app)
    hostile_input.join(app)
    health.join(app)
    access.join(app)
    for bp in BLUEPRINTS:
        app.register_blueprint(bp)
    with app.app_context():
        if config.settings().outbox_folder:
            app.register_blueprint(outbox.bp)
