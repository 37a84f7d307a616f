"""The typefaces of PDFs, and text in the order and shapes in which it is drawn.

The files come with dependencies; none is committed, and none is taken from the system by chance. All are TrueType,
which ReportLab can cut down to the letters that are used.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import arabic_reshaper
from bidi import get_base_level, get_display
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

_SOURCE_SANS = "font_source_sans_pro"


@dataclass(frozen=True)
class Face:
    """A typeface: ReportLab's name of it, and the package and file that hold it."""

    name: str
    package: str
    path: str

    @property
    def file(self) -> Path:
        return Path(str(files(self.package).joinpath(self.path)))


SANS = Face("DuepostSans", _SOURCE_SANS, "files/SourceSansPro-Regular.ttf")
STRONG = Face("DuepostStrong", _SOURCE_SANS, "files/SourceSansPro-Semibold.ttf")
SERIF = Face("DuepostSerif", "fontpkg_source_serif_4", "files/SourceSerif4[opsz,wght].ttf")
OTHERS = (
    Face("DuepostOther", "fontpkg_noto_sans", "files/NotoSans[wdth,wght].ttf"),
    Face("DuepostArabic", "fontpkg_noto_sans_arabic", "files/NotoSansArabic[wdth,wght].ttf"),
    Face("DuepostHebrew", "fontpkg_heebo", "files/Heebo[wght].ttf"),
    Face("DuepostEastAsian", "paperang_p2_fonts_cjk", "fonts/wqy-microhei.ttc"),
)
"""For the letters that the three above lack: more of Latin, Arabic, Hebrew, and Chinese, Japanese and Korean."""


def table_faces() -> tuple[str, ...]:
    """Names of typefaces in ReportLab for running text: the first that has a letter is to draw it. Figures are all of
    one width."""
    return _registered(SANS)


def strong_faces() -> tuple[str, ...]:
    """As `table_faces`, for what stands out."""
    return _registered(STRONG)


def title_faces() -> tuple[str, ...]:
    """As `table_faces`, for titles."""
    return _registered(SERIF)


@functools.cache
def _registered(first: Face) -> tuple[str, ...]:
    faces = (first, *OTHERS)
    for face in faces:
        if face.name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(face.name, str(face.file)))
    return tuple(face.name for face in faces)


def joined(text: str) -> str:
    """Arabic letters in the shapes that they have beside their neighbours, still in the order of reading."""
    shaped: str = arabic_reshaper.reshape(text)
    return shaped


def as_drawn(line: str) -> tuple[str, bool]:
    """One line from left to right, as it is drawn, and whether it is read from right to left."""
    return str(get_display(line)), get_base_level(line) == 1
