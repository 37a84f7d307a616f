"""The board report as a PDF: a template of HTML set by xhtml2pdf, its charts drawn as vectors.

While it is set nothing is read: typefaces are registered before, pictures stand in the document itself, and the
renderer's policy names neither a folder nor a host.
"""

from __future__ import annotations

import functools
import hashlib
import io
import re
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from reportlab.lib.fonts import addMapping
from svglib.fonts import register_font
from xhtml2pdf import default, pisa
from xhtml2pdf.config.resources import ResourceAccessPolicy

from portal.config import ROOT
from portal.exports import fonts
from portal.exports.board_report.charts.print_svg import Lettering
from portal.exports.board_report.figures import BoardFigures
from portal.exports.board_report.look import Look
from portal.exports.board_report.print_context import context
from portal.exports.board_report.sections import Facts
from portal.exports.board_report.words import Sentence
from portal.exports.errors import ExportError

_LONGEST_SECONDS = 60
_DATE = re.compile(rb"(/(?:CreationDate|ModDate) \()D:\d{14}[+-]\d\d'\d\d'\)")
_ID = re.compile(rb"/ID\s*\[<([0-9a-f]{32})><([0-9a-f]{32})>\]")
_FAMILIES = {"text": (fonts.SANS, *fonts.OTHERS), "title": (fonts.SERIF, *fonts.OTHERS)}


def board_pdf(figures: BoardFigures, sentences: list[Sentence], facts: Facts, look: Look) -> bytes:
    """The whole document. The same arguments give the same pages. Raises ExportError where it cannot be set."""
    _make_known()
    lettering = Lettering()
    names = {kind: ", ".join(face.name for face in faces) for kind, faces in _FAMILIES.items()}
    environment = _environment(lettering)
    css = environment.get_template("board_report.css").render(colours=look.colours, families=names, paper=look.paper)
    html = environment.get_template("board_report.html").render(
        context(figures, sentences, facts, look, lettering),
        css=Markup(css),  # noqa: S704 - made of our own values alone
    )
    return _stamped(_set(html), facts.generated_at)


def _set(html: str) -> bytes:
    out = io.BytesIO()
    policy = ResourceAccessPolicy.server(None, allow_remote=False, max_render_seconds=_LONGEST_SECONDS)
    done = pisa.CreatePDF(html, out, encoding="utf-8", resource_policy=policy)
    if done.err or done.warn:
        told = "; ".join(str(message) for _, _, message, _ in done.log[:3])
        raise ExportError(f"The board report could not be set as a PDF: {told[:300]}", permanent=True)
    return out.getvalue()


def _stamped(document: bytes, moment: datetime) -> bytes:
    """With the report's moment in place of the renderer's, and an id made from the contents; nothing moves."""
    when = moment.astimezone(UTC).strftime("D:%Y%m%d%H%M%S+00'00'").encode()
    dated = _DATE.sub(lambda found: found[1] + when + b")", document)
    contents = _ID.sub(b"", dated)
    digest = hashlib.sha256(contents).hexdigest()[:32].encode()
    return _ID.sub(lambda found: found[0].replace(found[1], digest).replace(found[2], digest), dated)


@functools.cache
def _make_known() -> None:
    """Tells xhtml2pdf and svglib the names of our typefaces, so that neither looks for a file."""
    fonts.table_faces(), fonts.strong_faces(), fonts.title_faces()
    for face in (fonts.SANS, fonts.STRONG, fonts.SERIF, *fonts.OTHERS):
        default.DEFAULT_FONT[face.name.lower()] = face.name
        register_font(face.name, str(face.file), rlgFontName=face.name)
        for bold in (0, 1):
            drawn = fonts.STRONG if bold and face is fonts.SANS else face
            for italic in (0, 1):
                addMapping(face.name, bold, italic, drawn.name)


def _environment(lettering: Lettering) -> Environment:
    def settable(value: Any) -> Any:
        """Every text of the template on its way out."""
        if isinstance(value, str) and not isinstance(value, Markup):
            return " ".join(lettering.usual.paragraphs(value))
        return value

    return Environment(
        loader=FileSystemLoader(ROOT / "templates" / "pdf"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=settable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
