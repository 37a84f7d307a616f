"""Text on the pages of a PDF: which typeface has a letter, how wide it is, where lines break, what is drawn.

All text is text: nothing in it is read as markup. Widths are in thousandths of the type's size, so that they hold for
every size.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Self

from reportlab.pdfbase import pdfmetrics

from portal.exports import fonts
from portal.exports.text_guard import REPLACEMENT, clean

_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
# letters that stand for themselves: a line may break between any two
_WIDE = "\u1100-\u11ff\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_AFTER = r"\-@./_,;:&=?+"
_WORDS = re.compile(r"\s+|\S+")
_PARTS = re.compile(rf"[{_WIDE}]|[^{_WIDE}{_AFTER}]*[{_AFTER}]+|[^{_WIDE}{_AFTER}]+")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe]")
_INVISIBLE = (
    *(0xAD, 0x34F, 0x61C, 0xFEFF), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400), *range(0xE0000, 0xE01F0),
)  # fmt: skip
"""Marks that steer other letters and have no ink of their own, skin colours of pictures among them."""
_AS_SET = dict.fromkeys(_INVISIBLE, "") | {ord("\t"): "    ", 0xA0: " "}
_MOST_REMEMBERED = 20_000
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One line: (typeface, letters) from left to right, and its width."""

    pieces: tuple[tuple[str, str], ...]
    width: float
    right_to_left: bool = False


class Typesetter:
    """Sets text in the typefaces at hand, the first that has a letter; counts the letters that none has."""

    def __init__(self, faces: Sequence[str], unknown: Counter[str]) -> None:
        """`faces` are names of registered TrueType fonts; letters in none of them are added to `unknown`."""
        self._unknown = unknown
        self._main = faces[0]
        known: dict[str, Any] = {name: pdfmetrics.getFont(name).face for name in faces}
        self._face_of = _Faces(known)
        self._widths = _Widths(known, self._face_of)
        self._of_main = frozenset(map(chr, known[self._main].charToGlyph))
        self._words: dict[str, float] = {}

    def width(self, text: str) -> float:
        """Of a text as `paragraphs` gives it."""
        return sum(map(self._widths.__getitem__, text))

    def paragraphs(self, text: str) -> list[str]:
        """The text as it can be set, where it has line ends: without what no file can hold, letters joined as their
        script wants, those that no typeface has in other words."""
        if text.isascii() and text.isprintable():
            return [text]
        return [self._settable(each) for each in _LINE_END.split(clean(text))]

    def lines(self, text: str, room: float) -> list[Line]:
        """Lines no wider than `room`. Words that are wider break after hyphens and the like, or else anywhere."""
        return [self._line(line) for each in self.paragraphs(text) for line in self._broken(each, room)]

    def longest_word(self, text: str) -> float:
        """The width of the widest word of a text as `paragraphs` gives it."""
        return max(map(self._word, text.split()), default=0)

    def longest_part(self, text: str) -> float:
        """The width of what is widest of it once words are broken after hyphens and the like."""
        return max([self._word(part) for word in text.split() for part in _PARTS.findall(word)], default=0)

    def _settable(self, text: str) -> str:
        if _RIGHT_TO_LEFT.search(text):
            text = fonts.joined(text)
        text = text.translate(_AS_SET)
        if self._of_main.issuperset(text):
            return text
        return "".join([letter if self._face_of[letter] else self._otherwise(letter) for letter in text])

    def _otherwise(self, letter: str) -> str:
        self._unknown[letter] += 1
        name = unicodedata.name(letter, "")
        return f"[{name.lower()}]" if name and unicodedata.category(letter) in ("So", "Sk") else REPLACEMENT

    def _word(self, word: str) -> float:
        width = self._words.get(word)
        if width is None:
            if len(self._words) >= _MOST_REMEMBERED:
                self._words.clear()
            width = self._words[word] = self.width(word)
        return width

    def _broken(self, text: str, room: float) -> Iterator[str]:
        """One paragraph's lines; the blanks at which it is broken are left out."""
        if self.width(text) <= room:
            yield text
            return
        line: list[str] = []
        used = 0.0
        for part, width in self._parts(text, room):
            if used + width <= room:
                line.append(part)
                used += width
                continue
            if line:
                yield "".join(line).rstrip(" ")
            line, used = ([], 0.0) if part.isspace() else ([part], width)
        if line:
            yield "".join(line)

    def _parts(self, text: str, room: float) -> Iterator[tuple[str, float]]:
        """Words and the blanks between them, and of words too wide for a line the parts that are not."""
        for word in _WORDS.findall(text):
            width = self._word(word)
            if width <= room or word.isspace():
                yield word, width
                continue
            for part in _PARTS.findall(word):
                if (width := self._word(part)) <= room:
                    yield part, width
                else:
                    yield from self._cut(part, room)

    def _cut(self, word: str, room: float) -> Iterator[tuple[str, float]]:
        """A word without a place to break it, in pieces as wide as a line; at least a letter each."""
        start, used = 0, 0.0
        for position, width in enumerate(map(self._widths.__getitem__, word)):
            if used + width > room and position > start:
                yield word[start:position], used
                start, used = position, 0.0
            used += width
        yield word[start:], used

    def _line(self, text: str) -> Line:
        right_to_left = False
        if _RIGHT_TO_LEFT.search(text):
            text, right_to_left = fonts.as_drawn(text)
        if self._of_main.issuperset(text):
            return Line(((self._main, text),), self.width(text), right_to_left)
        pieces = [(face or self._main, "".join(run)) for face, run in groupby(text, key=self._face_of.__getitem__)]
        return Line(tuple(pieces), self.width(text), right_to_left)


class _Faces(dict[str, str]):
    """The typeface of each letter, empty where none has it."""

    def __init__(self, faces: dict[str, Any]) -> None:
        super().__init__()
        self._faces = faces

    def __missing__(self, letter: str) -> str:
        code = ord(letter)
        face = self[letter] = next((name for name, each in self._faces.items() if code in each.charToGlyph), "")
        return face


class _Widths(dict[str, float]):
    """The width of each letter."""

    def __init__(self, faces: dict[str, Any], face_of: _Faces) -> None:
        super().__init__()
        self._faces = faces
        self._face_of = face_of

    def __missing__(self, letter: str) -> float:
        face = self._faces.get(self._face_of[letter])
        width = self[letter] = float(face.getCharWidth(ord(letter))) if face else 0.0
        return width


@dataclass(frozen=True)
class Typesetters:
    """The three of a document: for its text, for what stands out, for its title."""

    text: Typesetter
    strong: Typesetter
    title: Typesetter
    _unknown: Counter[str]

    @classmethod
    def load(cls) -> Self:
        unknown: Counter[str] = Counter()
        faces = fonts.table_faces(), fonts.strong_faces(), fonts.title_faces()
        text, strong, title = (Typesetter(each, unknown) for each in faces)
        return cls(text, strong, title, unknown)

    def unknown_letters(self) -> list[str]:
        """One sentence on letters that could not be set; none where all could."""
        count = self._unknown.total()
        if not count:
            return []
        named = ", ".join(f"U+{ord(letter):04X}" for letter in sorted(self._unknown)[:_MOST_NAMED])
        more = " and others" if len(self._unknown) > _MOST_NAMED else ""
        verb = "letter is" if count == 1 else "letters are"
        return [
            (
                f"{count:,} {verb} in none of the typefaces of this PDF ({named}{more}): pictures are named in "
                f"brackets, others stand as {REPLACEMENT}. CSV and XLSX hold them."
            )
        ]
