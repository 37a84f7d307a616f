"""Pictures as SVG for a page, whose letters and colours are the browser's; `print_svg` makes those of PDFs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from xml.sax.saxutils import escape

from markupsafe import Markup

from portal.exports.board_report.charts.palette import palette
from portal.exports.board_report.charts.picture import Align, Dot, Label, Path, Picture, Rect, Shape, Tone
from portal.exports.text_guard import clean

ELLIPSIS = "…"
_LETTER = 0.53
"""Of the type's size: how wide a letter is where the browser chooses the typeface."""


def for_page(picture: Picture, *, css: str = "") -> Markup:
    """An element for a page: classes and attributes, no inline style; `css` is one more class for the whole."""
    colours = palette()
    parts = "".join(drawn(each, colours, _text_of_page, with_class=True) for each in picture.shapes)
    return Markup(  # noqa: S704 - every text in it went through `escape`
        f'<svg class="chart{" " + escape(css) if css else ""}" viewBox="0 0 {picture.width:g} {picture.height:g}" '
        f'role="img" aria-label="{_attribute(picture.said)}">{parts}</svg>'
    )


SetText = Callable[[Label, str], str]


def drawn(shape: Shape, colours: Mapping[Tone, str], text: SetText, *, with_class: bool) -> str:
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
        shown = text[: max(int(label.room / label.size / _LETTER) - 1, 1)].rstrip() + ELLIPSIS
    whole = f"<title>{escape(clean(label.whole or text))}</title>" if shown != text else ""
    anchor = f' text-anchor="{label.align}"' if label.align is not Align.START else ""
    weight = ' font-weight="600"' if label.strong else ""
    return (
        f'<text x="{label.x:.2f}" y="{label.y:.2f}" class="text-{label.tone}" fill="{fill}" '
        f'font-size="{label.size:g}"{anchor}{weight}>{whole}{escape(shown)}</text>'
    )


def _attribute(text: str) -> str:
    return escape(clean(text), {'"': "&quot;", "\n": " "})
