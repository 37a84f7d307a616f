"""`make screenshots`: every page of the demo, light, dark and as wide as a phone, and one sheet of all pictures."""

from __future__ import annotations

import argparse
import sys
from html import escape
from pathlib import Path

from playwright.sync_api import Page, Response

from portal.config import ROOT
from tests.support.tour import STOPS, Stop, Tour
from tests.support.whole_product import CHROMIUM, browser, running_product

MODES = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}},
    "phone": {"color_scheme": "light", "viewport": {"width": 320, "height": 640}},
}


def take(tour: Tour, stop: Stop, mode: str, path: Path) -> str | None:
    """The picture of one page; what is wrong with it at once, None when nothing is."""
    context = tour.context(stop.who, **MODES[mode])
    page = context.new_page()
    answers: list[int] = []

    def note(answer: Response) -> None:
        if answer.request.is_navigation_request() and answer.frame == page.main_frame:
            answers.append(answer.status)

    page.on("response", note)
    stop.go(tour, page)
    page.wait_for_load_state("networkidle")
    for frame in page.locator("iframe").all():
        frame.scroll_into_view_if_needed()  # what was never in sight is not drawn
    # a dialog lies over the window, not over the whole page
    page.screenshot(path=path, full_page=not page.locator("dialog[open]").count())
    wider = _wider_than_the_window(page)
    context.close()
    if answers[-1] != stop.status:
        return f"{stop.name}, {mode}: answered {answers[-1]}, not {stop.status}"
    return f"{stop.name}, {mode}: {wider} px wider than the window" if wider else None


def _wider_than_the_window(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def contact_sheet(folder: Path) -> None:
    rows = "".join(
        f"<h2>{escape(stop.name)}</h2><p>"
        + "".join(
            f'<a href="{name}.png"><img src="{name}.png" alt="{name}"></a> '
            for name in (f"{stop.name}-{mode}" for mode in MODES)
        )
        + "</p>"
        for stop in STOPS
    )
    style = "body{font:15px system-ui;margin:2rem}img{height:22rem;vertical-align:top;border:1px solid #999}"
    (folder / "index.html").write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Every page</title><style>{style}</style>'
        f"<h1>Every page</h1>{rows}</html>",
        encoding="utf-8",
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("--into", type=Path, default=ROOT / "var" / "screenshots")
    parser.add_argument("names", nargs="*", help="only these pages")
    asked = parser.parse_args()
    if not Path(CHROMIUM).exists():
        print(f"Chromium is not at {CHROMIUM}; install the package chromium.", file=sys.stderr)
        return 2
    asked.into.mkdir(parents=True, exist_ok=True)
    wrong = []
    with running_product() as product, browser() as chromium:
        tour = Tour(product, chromium)
        tour.begin()
        for stop in STOPS:
            if not asked.names or stop.name in asked.names:
                wrong += [take(tour, stop, mode, asked.into / f"{stop.name}-{mode}.png") for mode in MODES]
    contact_sheet(asked.into)
    for sentence in filter(None, wrong):
        print(sentence, file=sys.stderr)
    print(f"{len(wrong)} pictures; all of them: {asked.into / 'index.html'}")
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
