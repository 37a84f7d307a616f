"""Pictures as SVG: for a page, whose letters and colours are the browser's, and for a PDF, whose are ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from xml.sax.saxutils import escape

from markupsafe import Markup

from portal.exports import fonts
from portal.exports.board_report.charts.palette import palette
from portal.exports.board_report.charts.picture import Align, Dot, Label, Path, Picture, Rect, Shape, Tone
from portal.exports.text_guard import clean
from portal.exports.writers.pdf_text import Line, Typesetter

_ELLIPSIS = "…"
_LETTER = 0.53
"""Of the type's size: how wide a letter is where the browser chooses the typeface."""


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
            if len(setter.lines(text[:middle].rstrip() + _ELLIPSIS, units)) <= 1:
                low = middle
            else:
                high = middle - 1
        return _first(setter.lines(text[:low].rstrip() + _ELLIPSIS, float("inf")))


def for_page(picture: Picture, *, css: str = "") -> Markup:
    """An element for a page: classes and attributes, no inline style; `css` is one more class for the whole."""
    colours = palette()
    parts = "".join(_shape(each, colours, _text_of_page, with_class=True) for each in picture.shapes)
    return Markup(  # noqa: S704 - every text in it went through `escape`
        f'<svg class="chart{" " + escape(css) if css else ""}" viewBox="0 0 {picture.width:g} {picture.height:g}" '
        f'role="img" aria-label="{_attribute(picture.said)}">{parts}</svg>'
    )


def for_print(picture: Picture, colours: Mapping[Tone, str], lettering: Lettering) -> str:
    """A document of its own, as wide as the picture in points, with text in the typefaces of the report."""

    def text(label: Label, fill: str) -> str:
        return _text_of_print(label, fill, lettering)

    parts = "".join(_shape(each, colours, text, with_class=False) for each in picture.shapes)
    # a picture without ink at its edges would be taken for a smaller one
    corners = f'<rect x="0" y="0" width="{picture.width:g}" height="{picture.height:g}" fill="none" stroke="none"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{picture.width:g}pt" height="{picture.height:g}pt" '
        f'viewBox="0 0 {picture.width:g} {picture.height:g}">{corners}{parts}</svg>'
    )


_SetText = Callable[[Label, str], str]


def _shape(shape: Shape, colours: Mapping[Tone, str], text: _SetText, *, with_class: bool) -> str:
    def paint(kind: str, tone: Tone | None) -> str:
        return f' {kind}="{colours[tone]}"' if tone else f' {kind}="none"'

    def classes(fill: Tone | None, stroke: Tone | None) -> str:
        names = [*([f"fill-{fill}"] if fill else []), *([f"line-{stroke}"] if stroke else [])]
        return f' class="{" ".join(names)}"' if with_class and names else ""

    match shape:
        case Label():
            return text(shape, colours[shape.tone])
        case Rect():
            inset = 0.4 if shape.outline and min(shape.width, shape.height) > 0.8 else 0
            return (
                f'<rect x="{shape.x + inset:.2f}" y="{shape.y + inset:.2f}" width="{shape.width - 2 * inset:.2f}" '
                f'height="{shape.height - 2 * inset:.2f}"{classes(shape.fill, shape.outline)}'
                f'{paint("fill", shape.fill)}{paint("stroke", shape.outline)} stroke-width="0.8"/>'
            )
        case Dot():
            return (
                f'<circle cx="{shape.x:.2f}" cy="{shape.y:.2f}" r="{shape.radius:g}"'
                f"{classes(shape.fill, shape.outline)}{paint('fill', shape.fill)}{paint('stroke', shape.outline)}/>"
            )
        case Path():
            points = " ".join(f"{x:.2f},{y:.2f}" for x, y in shape.points)
            dashes = f' stroke-dasharray="{" ".join(f"{each:g}" for each in shape.dashes)}"' if shape.dashes else ""
            return (
                f'<{"polygon" if shape.fill else "polyline"} points="{points}"{classes(shape.fill, shape.stroke)}'
                f"{paint('fill', shape.fill)}{paint('stroke', shape.stroke)} "
                f'stroke-width="{shape.thickness:g}"{dashes}/>'
            )


def _text_of_page(label: Label, fill: str) -> str:
    text = " ".join(clean(label.text).split())
    shown = text
    if label.room is not None and len(text) * label.size * _LETTER > label.room:
        shown = text[: max(int(label.room / label.size / _LETTER) - 1, 1)].rstrip() + _ELLIPSIS
    whole = f"<title>{escape(clean(label.whole or text))}</title>" if shown != text else ""
    anchor = f' text-anchor="{label.align}"' if label.align is not Align.START else ""
    weight = ' font-weight="600"' if label.strong else ""
    return (
        f'<text x="{label.x:.2f}" y="{label.y:.2f}" class="text-{label.tone}" fill="{fill}" '
        f'font-size="{label.size:g}"{anchor}{weight}>{whole}{escape(shown)}</text>'
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


def _attribute(text: str) -> str:
    return escape(clean(text), {'"': "&quot;", "\n": " "})
