"""Pictures as SVG for a PDF, in the typefaces and colours of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from xml.sax.saxutils import escape

from portal.exports import fonts
from portal.exports.board_report.charts.picture import Align, Label, Picture, Tone
from portal.exports.board_report.charts.svg import ELLIPSIS, drawn
from portal.exports.writers.pdf_text import Line, Typesetter


class Lettering:
    """The typefaces of a PDF's charts, and lines cut to the room they have."""

    def __init__(self) -> None:
        self.unknown: Counter[str] = Counter()
        self.shortened: set[str] = set()
        """The texts that had to be cut."""
        self.usual = Typesetter(fonts.table_faces(), self.unknown)
        self.strong = Typesetter(fonts.strong_faces(), self.unknown)

    def line(self, text: str, size: float, room: float | None = None, *, strong: bool = False, whole: str = "") -> Line:
        """One line of the text, cut where it is wider than `room`. `size` and `room` in points."""
        setter = self.strong if strong else self.usual
        flat = " ".join(text.split())
        if room is None:
            return _first(setter.lines(flat, float("inf")))
        units = room * 1000 / size
        lines = setter.lines(flat, units)
        if len(lines) <= 1:
            return _first(lines)
        self.shortened.add(whole or text)
        return self._cut(setter, flat, units)

    def _cut(self, setter: Typesetter, text: str, units: float) -> Line:
        """As many letters as there is room for, and the ellipsis."""
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if len(setter.lines(text[:middle].rstrip() + ELLIPSIS, units)) <= 1:
                low = middle
            else:
                high = middle - 1
        return _first(setter.lines(text[:low].rstrip() + ELLIPSIS, float("inf")))


def for_print(picture: Picture, colours: Mapping[Tone, str], lettering: Lettering) -> str:
    """A document of its own, as wide as the picture in points, with text in the typefaces of the report."""

    def text(label: Label, fill: str) -> str:
        return _text_of_print(label, fill, lettering)

    parts = "".join(drawn(each, colours, text, with_class=False) for each in picture.shapes)
    # a picture without ink at its edges would be taken for a smaller one
    corners = f'<rect x="0" y="0" width="{picture.width:g}" height="{picture.height:g}" fill="none" stroke="none"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{picture.width:g}pt" height="{picture.height:g}pt" '
        f'viewBox="0 0 {picture.width:g} {picture.height:g}">{corners}{parts}</svg>'
    )


def _text_of_print(label: Label, fill: str, lettering: Lettering) -> str:
    line = lettering.line(label.text, label.size, label.room, strong=label.strong, whole=label.whole)
    scale = label.size / 1000
    x = label.x - line.width * scale * {Align.START: 0.0, Align.MIDDLE: 0.5, Align.END: 1.0}[label.align]
    setter = lettering.strong if label.strong else lettering.usual
    parts = []
    for face, piece in line.pieces:
        parts.append(
            f'<text x="{x:.3f}" y="{label.y:.2f}" font-family="{face}" font-size="{label.size:g}" fill="{fill}" '
            f'xml:space="preserve">{escape(piece)}</text>'
        )
        x += setter.width(piece) * scale
    return "".join(parts)


def _first(lines: list[Line]) -> Line:
    return lines[0] if lines else Line((), 0.0)
