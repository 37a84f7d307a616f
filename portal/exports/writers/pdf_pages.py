"""The pages of a table in a PDF: a head on the first, the columns' labels on each, rows that go on where they must.

Rows come one by one and each page is packed when it is full, so that memory holds little more than one page.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFStream
from reportlab.pdfgen.canvas import Canvas

from portal.exports.writers.base import ByteSink, WriteOptions
from portal.exports.writers.pdf_layout import GAP, MARGIN, Layout
from portal.exports.writers.pdf_text import Line, Typesetter, Typesetters

CREATOR = "Duepost"

_INK, _QUIET, _RULE, _BAND = "#1b2430", "#5b6675", "#d5dae1", "#1f3a5f"
_PAD = 2.5
_FOOT, _RIGHT_FOOT = 30.0, 62.0
_NAME, _SMALL = 15.0, 6.5
_TOTAL = "pages"
_FEWEST_LINES = 3
"""A row that is higher than a page begins where so many of its lines fit."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell's lines; `to_the_right` as numbers stand."""

    lines: Sequence[Line]
    to_the_right: bool = False


class TablePages:
    """A PDF being written: `add` rows, then `close`."""

    def __init__(
        self, out: ByteSink, layout: Layout, labels: Sequence[Cell], setters: Typesetters, options: WriteOptions
    ) -> None:
        words = options.page_words
        self._layout = layout
        self._labels = labels
        self._setter, self._title_setter = setters.text, setters.title
        self._title = options.title
        self._words = words
        self._lefts = [MARGIN + sum(layout.columns[:position]) for position in range(len(layout.columns))]
        self._canvas = _canvas(out, layout, options)
        self._text: Any = None
        self._pages = 0
        self.rows_continued = 0
        """Rows higher than a page, which go on on the next."""
        self._begin_page()

    def add(self, row: Sequence[Cell]) -> None:
        """One row; on the next page if it does not fit on this one, on as many as it needs if it fits on none."""
        height = max(len(cell.lines) for cell in row)
        if height > self._room() and (height <= self._full or self._room() < _FEWEST_LINES):
            self._turn()
        begin = 0
        if height > self._room():
            self.rows_continued += 1
        while True:
            end = min(height, begin + self._room())
            self._draw(row, begin, end)
            if end == height:
                break
            begin = end
            self._turn()
        self._rule()

    def close(self, facts: Sequence[tuple[str, str]]) -> None:
        """Ends the table; `facts` are labels and texts that say what the file is, on a page of their own."""
        self._end_page()
        self._about(facts)
        self._end_page()
        canvas = self._canvas
        canvas.beginForm(_TOTAL)
        canvas.setFillColor(_QUIET)
        self._put(f"{self._pages}", 0, 0, _SMALL)
        canvas.endForm()
        canvas.save()

    def _room(self) -> int:
        """Lines that fit on what is left of the page."""
        return int((self._y - MARGIN - _FOOT - 2 * _PAD) / self._layout.leading)

    def _turn(self) -> None:
        self._end_page()
        self._begin_page()

    def _begin_page(self) -> None:
        self._pages += 1
        self._y = self._layout.height - MARGIN
        if self._pages == 1:
            self._head()
            self._canvas.bookmarkPage("table")
            self._canvas.addOutlineEntry(self._title, "table")
        self._band()
        self._full = self._room() if self._pages > 1 else self._room_of_a_further_page()

    def _room_of_a_further_page(self) -> int:
        head = self._layout.height - MARGIN - self._y - self._band_height()
        return int((self._y + head - MARGIN - _FOOT - 2 * _PAD) / self._layout.leading)

    def _head(self) -> None:
        """What the file is, over the table on the first page."""
        width = self._layout.width - 2 * MARGIN
        self._canvas.setFillColor(_QUIET)
        self._paragraph(self._words.organization, _SMALL + 1.5, width)
        self._canvas.setFillColor(_INK)
        self._paragraph(self._title, _NAME, width, self._title_setter)
        self._canvas.setFillColor(_QUIET)
        for line in self._words.lead:
            self._paragraph(line, _SMALL + 1, width)
        self._y -= 8

    def _paragraph(self, text: str, size: float, width: float, setter: Typesetter | None = None) -> None:
        if not text:
            return
        for line in (setter or self._setter).lines(text, width / size * 1000):
            self._y -= size * 1.3
            self._put_line(line, MARGIN, self._y, size)
        self._y -= size * 0.25

    def _band_height(self) -> float:
        return max(len(label.lines) for label in self._labels) * self._layout.leading + 2 * _PAD + 2

    def _band(self) -> None:
        """The columns' labels."""
        layout, height = self._layout, self._band_height()
        canvas = self._canvas
        canvas.setFillColor(_BAND)
        canvas.rect(MARGIN, self._y - height, layout.width - 2 * MARGIN, height, stroke=0, fill=1)
        canvas.setFillColor("#ffffff")
        self._y -= 1
        self._draw(self._labels, 0, max(len(label.lines) for label in self._labels))
        self._y -= 1
        canvas.setFillColor(_INK)
        canvas.setStrokeColor(_RULE)
        canvas.setLineWidth(0.4)

    def _draw(self, row: Sequence[Cell], begin: int, end: int) -> None:
        """Lines `begin` to `end` of each cell, and the place they take."""
        layout = self._layout
        size, leading = layout.size, layout.leading
        top = self._y - _PAD - size * 0.95
        text = self._canvas.beginText()
        font = ""
        for cell, left, width in zip(row, self._lefts, layout.columns, strict=True):
            for number, line in enumerate(cell.lines[begin:end]):
                x = left + GAP
                if cell.to_the_right or line.right_to_left:
                    x = left + width - GAP - line.width * size / 1000
                text.setTextOrigin(x, top - number * leading)
                for face, letters in line.pieces:
                    if face != font:
                        font = face
                        text.setFont(font, size)
                    text.textOut(letters)
        self._canvas.drawText(text)
        self._y -= (end - begin) * leading + 2 * _PAD

    def _rule(self) -> None:
        self._canvas.line(MARGIN, self._y, self._layout.width - MARGIN, self._y)

    def _about(self, facts: Sequence[tuple[str, str]]) -> None:
        """The last page."""
        self._pages += 1
        self._y = self._layout.height - MARGIN
        canvas, size = self._canvas, 7.5
        canvas.bookmarkPage("about")
        canvas.addOutlineEntry("About this file", "about")
        canvas.setFillColor(_INK)
        self._paragraph("About this file", _NAME, self._layout.width - 2 * MARGIN, self._title_setter)
        self._y -= 6
        indent = 130.0
        for label, value in facts:
            lines = self._setter.lines(value, (self._layout.width - 2 * MARGIN - indent) / size * 1000)
            for number, line in enumerate(lines):
                if self._y - 1.4 * size < MARGIN + _FOOT:
                    self._end_page()
                    self._pages += 1
                    self._y = self._layout.height - MARGIN
                self._y -= 1.4 * size
                if number == 0:
                    canvas.setFillColor(_QUIET)
                    self._put(label, MARGIN, self._y, size)
                    canvas.setFillColor(_INK)
                self._put_line(line, MARGIN + indent, self._y, size)
            self._y -= 2.5

    def _put(self, text: str, x: float, y: float, size: float) -> float:
        """One line of text; returns its width."""
        line = self._setter.lines(text, inf)[0]
        self._put_line(line, x, y, size)
        return line.width * size / 1000

    def _put_line(self, line: Line, x: float, y: float, size: float) -> None:
        text = self._canvas.beginText(x, y)
        for face, letters in line.pieces:
            text.setFont(face, size)
            text.textOut(letters)
        self._canvas.drawText(text)

    def _end_page(self) -> None:
        self._foot()
        self._canvas.showPage()
        _pack(self._canvas)

    def _foot(self) -> None:
        canvas, words, right = self._canvas, self._words, self._layout.width - MARGIN
        y = MARGIN + 12
        canvas.setStrokeColor(_RULE)
        canvas.line(MARGIN, y + 11, right, y + 11)
        canvas.setFillColor(_QUIET)
        x = right - _RIGHT_FOOT
        ends = x + self._put(f"Page {self._pages} of ", x, y, _SMALL)
        # the total is drawn by every page and said once, at the end
        canvas.saveState()
        canvas.translate(ends, y)
        canvas.doForm(_TOTAL)
        canvas.restoreState()
        self._put("Confidential", x, y - 10, _SMALL)
        room = self._layout.width - 2 * MARGIN - _RIGHT_FOOT - 12
        for offset, parts in ((0, (words.organization, self._title)), (10, (words.period, words.zone, words.run))):
            self._put(self._shortened(" · ".join(filter(None, parts)), room), MARGIN, y - offset, _SMALL)

    def _shortened(self, text: str, room: float) -> str:
        """For the foot alone, which says what the first page and the last say whole."""
        limit = room / _SMALL * 1000
        if self._setter.width(text) <= limit:
            return text
        while text and self._setter.width(text + "…") > limit:
            text = text[:-1]
        return text + "…"


def _canvas(out: ByteSink, layout: Layout, options: WriteOptions) -> Canvas:
    canvas = Canvas(out, pagesize=(layout.width, layout.height), invariant=1, pageCompression=1, lang="en")
    canvas.setTitle(options.title)
    canvas.setAuthor(options.page_words.organization)
    canvas.setSubject(options.page_words.period)
    canvas.setCreator(CREATOR)
    canvas.setProducer(CREATOR)
    return canvas


def _pack(canvas: Canvas) -> None:
    """Compress the page that was ended: until the file is saved, all pages are held."""
    page = canvas._doc.Pages.pages[-1]  # noqa: SLF001  # the library compresses when it saves
    packed = zlib.compress(page.stream.encode("latin-1"), 6)
    page.Contents = PDFStream(PDFDictionary({"Filter": PDFArray([PDFName("FlateDecode")])}), packed, [])
    page.stream = None
