"""The board report as a PDF: what is in it, and what is never read to make it (C11; attacks 35 and 36)."""

from __future__ import annotations

import io
import sys
import tempfile
import threading
import unicodedata
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pypdf
import pytest
from PIL import Image

from portal.config import ROOT
from portal.exports.board_report import pdf
from portal.exports.board_report.definitions import DEFINITIONS
from portal.exports.board_report.look import Look
from portal.exports.board_report.sections import key_figures
from portal.exports.board_report.words import summary
from portal.exports.errors import ExportError
from tests.exports.board_report.sample import FACTS, figures

LONG = "Regional office for procurement and everything that belongs to it " * 5
NAMES = (
    "مكتب القاهرة", "北京合规办公室", "東京オフィス", "서울 사무소", "Ελληνικό γραφείο", "Отдел контроля",
    LONG.strip()[:300], "w" * 300, "Sp\x00re \ud800 \u202etxt.exe", "🔥 unit",
)  # fmt: skip


@pytest.fixture(scope="module")
def document() -> bytes:
    made = figures()
    return pdf.board_pdf(made, summary(made), FACTS, Look())


@pytest.fixture
def plain(document: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(document))


def _text(reader: pypdf.PdfReader) -> str:
    """As one line, letters in their plain forms."""
    return " ".join(unicodedata.normalize("NFKC", "\n".join(page.extract_text() for page in reader.pages)).split())


def test_every_figure_sentence_and_definition_is_in_it(plain: pypdf.PdfReader) -> None:
    made, text = figures(), _text(plain)
    for each in key_figures(made):
        assert each.kpi.label in text
        assert each.number in text
        assert each.change in text
    for breakdown in made.breakdowns:
        for row in breakdown.rows:
            assert row.label in text
            assert f"{row.count.text} {row.share.text}" in text
    for month in made.trend.months:
        assert f"{month.month.label} {month.opened} {month.closed}" in text
    for band in made.aging.bands:
        assert " ".join([band.label, *(str(number) for _, number in band.by_priority), str(band.count)]) in text
    for due in (*made.service_levels.rows, made.service_levels.all, made.clocks.acknowledgement, made.clocks.feedback):
        assert f"{due.label} {due.rate.text} {due.rate.base_text}" in text
    for said in (*(each.text for each in summary(made)), *(each.words for each in DEFINITIONS.values()), *made.notes):
        assert " ".join(said.split()) in text


def test_it_says_what_it_is_on_every_page_and_to_programs(plain: pypdf.PdfReader) -> None:
    """Title, language, bookmarks and contents that lead to their pages, every letter embedded."""
    assert plain.metadata.title == "Board report on integrity cases, October 2026"
    assert plain.metadata.author == "Lakeside Health"
    assert str(plain.root_object["/Lang"]) == "en"
    last = len(plain.pages)
    for number, page in enumerate(plain.pages, start=1):
        text = " ".join(page.extract_text().split())
        assert FACTS.run_reference in text
        assert "Confidential" in text
        if number > 1:
            assert f"Page {number} of {last}" in text
            assert "October 2026" in text
        resources: Any = page["/Resources"]
        fonts = [each.get_object() for each in resources.get("/Font", {}).values()]
        # Helvetica is named at the head of each text, and nothing is drawn with it
        assert all("/FontFile2" in each["/FontDescriptor"] for each in fonts if each["/BaseFont"] != "/Helvetica")
    marks = {
        mark.title: (plain.get_destination_page_number(mark) or 0) + 1
        for mark in plain.outline
        if not isinstance(mark, list)
    }
    contents = " ".join(plain.pages[1].extract_text().split())
    assert list(marks)[:3] == ["Key figures", "Summary", "Opened and closed"]
    for title, number in marks.items():
        assert f"{number} {title}" in contents
        assert str(title) in plain.pages[number - 1].extract_text()


def test_names_of_every_script_and_length_are_found_in_it() -> None:
    """Cut ones in full at the end; letters that no file can hold are replaced, pictures named."""
    made = figures(NAMES, organization="Ελληνική مكتب 北京")
    reader = pypdf.PdfReader(io.BytesIO(pdf.board_pdf(made, summary(made), FACTS, Look("#7a1f3d", _logo()))))
    text = _text(reader)
    for name in ("北京合规办公室", "東京オフィス", "서울 사무소", "Ελληνικό γραφείο", "Отдел контроля", "[fire] unit"):
        assert name in text
    assert "ةرهاقلا بتكم" in text or "مكتب القاهرة" in text  # in the order in which it is drawn
    joined = "".join(text.split())
    assert "".join(LONG.strip()[:300].split()) in joined
    assert "w" * 300 in joined
    assert "\u202e" not in text
    for page in reader.pages:
        assert float(page.mediabox.width) == pytest.approx(595.28, abs=1)


def test_nothing_is_read_while_it_is_set_and_markup_is_text(tmp_path, document: bytes) -> None:
    """Attack 35. A server and every opening of a file are the witnesses; what the renderer itself lays aside in a
    temporary file is no reading."""
    asked: list[str] = []

    class Canary(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)

        log_message = do_GET  # type: ignore[assignment]

    server = HTTPServer(("127.0.0.1", 0), Canary)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    secret = tmp_path / "secret.png"
    Image.new("RGB", (9, 9), "red").save(secret)
    address = f"http://127.0.0.1:{server.server_port}"
    hostile = (
        f"<img src='{address}/a.png'>", f"<img src='file://{secret}'/>", f"<style>@import url({address}/b);</style>",
        f"<pdf:insertpdf src='{address}/c.pdf'/><pdf:toc/>", f"<svg><image href='{address}/d.svg'/></svg>",
        f"</style></table><link rel=stylesheet href={address}/e.css>", "<font color='[[[getattr(pow,Word)]]]'>x</font>",
        "{{7*7}}{% include '/etc/passwd' %}", f"@font-face {{ src: url({address}/f.ttf) }}", "<!-- ]]> &#0; &x; -->",
    )  # fmt: skip
    made = figures(hostile, organization=hostile[0], title=hostile[2] + hostile[1])
    made = replace(made, filters=hostile[3], notes=(*made.notes, *hostile))
    assert document  # whatever is loaded the first time is loaded now
    opened: list[str] = []
    watching = [True]
    sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" and watching[0] else None)
    try:
        reader = pypdf.PdfReader(io.BytesIO(pdf.board_pdf(made, summary(made), FACTS, Look())))
    finally:
        watching[0] = False
        server.shutdown()
    assert asked == []
    ours = (str(ROOT / "templates" / "pdf"), f"{tempfile.gettempdir()}/tmp")
    assert {each for each in opened if not each.startswith(ours)} <= {tempfile.gettempdir()}
    joined = "".join(_text(reader).split())
    for text in hostile:
        assert "".join(text.split()) in joined
    assert "Board report" not in (reader.metadata.title or "")
    assert sum(len(page.images) for page in reader.pages) == 0


def test_the_same_report_is_the_same_file(document: bytes, plain: pypdf.PdfReader) -> None:
    """Of the same figures and the same moment, which is the one in its properties."""
    made = figures()
    assert pdf.board_pdf(made, summary(made), FACTS, Look()) == document
    assert plain.metadata.creation_date == FACTS.generated_at


def test_what_the_renderer_warns_of_is_a_failure_in_words() -> None:
    with pytest.raises(ExportError, match="could not be set as a PDF"):
        pdf._set("<p style='font-family: unheard'>text</p>")


def _logo() -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (300, 90), (120, 30, 60, 255)).save(out, "PNG")
    return out.getvalue()
