"""How a value of a form becomes a typed one: one rule for each type, never a guess.

What could mean two things ("1,234", "03/04/2026") fits only where the tag's pattern says which. The regular
expressions are such as Python and PostgreSQL read alike: `tag_sql` builds its conditions from the same rules, so that a
filter finds what the file shows.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import Any

from portal.models import TagDataType

BLANKS = " \t\n\r\v\f\u00a0\u2009\u202f\u3000"
"""What may stand around a value and says nothing."""
MOST_DIGITS = 15
"""What a number of the usual programs keeps exactly: a longer one would come out as another."""
BEYOND = 10**MOST_DIGITS
LONGEST_PATTERN = 64

_GAP = "[ \u00a0\u2009\u202f]{0,2}"
_SPACED = "[ '’\u00a0\u2009\u202f]"
_SIGN = "[-−]"
_CODES = (
    "AED|ARS|AUD|BDT|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|GHS|HKD|HUF|IDR|ILS|INR|ISK|JPY|KES|KRW|KWD|MAD|"
    "MXN|MYR|NGN|NOK|NZD|PEN|PHP|PKR|PLN|QAR|RON|RSD|SAR|SEK|SGD|THB|TND|TRY|TWD|UAH|USD|UYU|VND|ZAR"
)
_ANY_CURRENCY = f"(?:{_CODES}|[A-Z]{{0,2}}[$€£¥₹₩₽₺₴₦₱฿₫₪]|kr|zł|Kč|Ft|Fr|Rs)"
_SAME_CURRENCY = ({"$", "US$", "USD"}, {"€", "EUR"}, {"£", "GBP"}, {"¥", "JPY"}, {"₹", "Rs", "INR"}, {"Fr", "CHF"})
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_ENDS = ("uary", "ruary", "ch", "il", "", "e", "y", "ust", "tember", "ober", "ember", "ember")
_MONTH_NAME = "(?:" + "|".join(f"{a}(?:{b})?" if b else a for a, b in zip(MONTHS, _MONTH_ENDS, strict=True)) + ")"
_TIME = (
    "(?:,?[ t]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?: ?[ap]m)?"
    "(?: ?(?:z|utc|gmt|[+-][0-9]{2}:?[0-9]{2}))?)?"
)
_YES = ("true", "yes", "y", "t", "on", "1")
_NO = ("false", "no", "n", "f", "off", "0")
_ASCII_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


class TagError(ValueError):
    """A tag that no value can be read by; the text is one sentence."""


class PatternError(TagError):
    """A format pattern that says nothing that can be read."""


class Unfit(Enum):
    """In the place of a value: what is there does not fit the type."""

    UNFIT = auto()


UNFIT = Unfit.UNFIT
Typed = str | int | float | bool | Unfit | None
"""A value as the file shows it, a date as `2026-11-02`; None where there is nothing."""


def is_nothing(raw: Any) -> bool:
    """Whether a field was left out or left empty."""
    if isinstance(raw, str):
        return not raw.strip(BLANKS)
    return raw is None or (isinstance(raw, list | dict) and not raw)


@dataclass(frozen=True)
class TextRule:
    """Text as it is, numbers plainly, yes or no as true or false, several answers joined by "; "."""

    def read(self, raw: Any) -> Typed:
        if is_nothing(raw):
            return None
        if isinstance(raw, list):
            parts = [_plain_text(each) for each in raw if each is not None]
            return UNFIT if None in parts else "; ".join(part for part in parts if part is not None) or None
        text = _plain_text(raw)
        return UNFIT if text is None else text


@dataclass(frozen=True)
class NumberRule:
    """A number, or a text that is one. A share is kept as a part of one: 45 % is 0.45."""

    point: str
    """A regular expression of texts in which a point is before the decimals; empty where none can be."""
    comma: str
    """The same of a comma."""
    per_cent: bool = False
    """A `%` may follow, and stands for a division by a hundred."""
    in_hundredths: bool = False
    """Without a `%`, too, 45 means 45 %."""
    picture: str = ""
    """The number format of a workbook."""

    def read(self, raw: Any) -> Typed:
        if is_nothing(raw):
            return None
        if isinstance(raw, str):
            return self._text(raw.strip(BLANKS))
        if not _is_number(raw):
            return UNFIT
        if isinstance(raw, float) and raw.is_integer():
            raw = int(raw)
        return _number(Decimal(repr(raw)).scaleb(-2)) if self.in_hundredths else raw

    def _text(self, text: str) -> Typed:
        if self.point and _compiled(self.point).fullmatch(text):
            digits = re.sub("[^0-9.]", "", text)
        elif self.comma and _compiled(self.comma).fullmatch(text):
            digits = re.sub("[^0-9,]", "", text).replace(",", ".")
        else:
            return UNFIT
        if len(re.sub("[^0-9]", "", digits).lstrip("0")) > MOST_DIGITS:
            return UNFIT
        number = Decimal(digits)
        if re.search("[-−(]", text):
            number = -number
        return _number(number.scaleb(-2) if self.in_hundredths or "%" in text else number)


@dataclass(frozen=True)
class DateForm:
    """One way to write a date: a regular expression with three groups, and which of them are year, month and day."""

    expression: str
    year: int
    month: int
    day: int
    named_month: bool = False


@dataclass(frozen=True)
class DateRule:
    """A date as it is written; a time behind it is left out, and no zone moves it."""

    forms: tuple[DateForm, ...]
    of_digits: bool = False
    """The pattern has nothing between the parts: a number may be meant."""

    def read(self, raw: Any) -> Typed:
        if is_nothing(raw):
            return None
        if self.of_digits and _is_number(raw):
            raw = _plain_text(raw)
        if not isinstance(raw, str):
            return UNFIT
        text = lowered(raw.strip(BLANKS))
        for form in self.forms:
            if found := _compiled(form.expression).fullmatch(text):
                return _date(form, found)
        return UNFIT


@dataclass(frozen=True)
class BooleanRule:
    """True or false, 1 or 0, or one of these words, whatever the case of their ASCII letters."""

    yes: tuple[str, ...] = _YES
    no: tuple[str, ...] = _NO

    def read(self, raw: Any) -> Typed:
        if is_nothing(raw):
            return None
        if isinstance(raw, bool):
            return raw
        if isinstance(raw, int | float):
            return raw == 1 if raw in (0, 1) else UNFIT
        if not isinstance(raw, str):
            return UNFIT
        word = lowered(raw.strip(BLANKS))
        return True if word in self.yes else False if word in self.no else UNFIT


Rule = TextRule | NumberRule | DateRule | BooleanRule


@functools.lru_cache(maxsize=1_024)
def rule_of(data_type: TagDataType, pattern: str | None) -> Rule:
    """The rule of a type under a format pattern. Raises PatternError."""
    pattern = (pattern or "").strip(BLANKS)
    if len(pattern) > LONGEST_PATTERN or not pattern.isprintable():
        raise PatternError(f"A pattern is one line of at most {LONGEST_PATTERN} characters.")
    match data_type:
        case TagDataType.TEXT:
            if pattern:
                raise PatternError("Text has no pattern: leave it empty.")
            return TextRule()
        case TagDataType.DATE:
            return _date_rule(pattern)
        case TagDataType.BOOLEAN:
            return _boolean_rule(pattern)
    return _number_rule(data_type, pattern)


def lowered(text: str) -> str:
    """ASCII letters in lower case, as PostgreSQL's collation "C" does it."""
    return text.translate(_ASCII_LOWER)


def month_number(name: str) -> int:
    """1 for "jan" or "january"."""
    return MONTHS.index(name[:3]) + 1


@functools.lru_cache(maxsize=1_024)
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


def _is_number(raw: Any) -> bool:
    """Whether it is one that can be kept exactly: true and false are none, and neither are NaN and 1e999."""
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return False
    return not (isinstance(raw, float) and not math.isfinite(raw)) and abs(raw) < BEYOND


def _number(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)


def _plain_text(raw: Any) -> str | None:
    """A single value as text: numbers without an exponent or zeros at their end; None where it is no single value."""
    match raw:
        case str():
            return raw
        case bool():
            return "true" if raw else "false"
        case float() if math.isfinite(raw):
            text = format(Decimal(repr(raw)), "f")
            return "0" if raw == 0 else text.rstrip("0").rstrip(".") if "." in text else text
        case int() if abs(raw) < 10**400:
            return str(raw)
    return None


def _date(form: DateForm, found: re.Match[str]) -> Typed:
    month = month_number(found[form.month]) if form.named_month else int(found[form.month])
    year, day = int(found[form.year]), int(found[form.day])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    if year < 1 or not 1 <= month <= len(lengths) or not 1 <= day <= lengths[month - 1]:
        return UNFIT
    return f"{year:04}-{month:02}-{day:02}"


# Numbers


def _number_rule(data_type: TagDataType, pattern: str) -> NumberRule:
    shape = _NumberShape.read(pattern)
    if shape.currency and data_type is not TagDataType.CURRENCY:
        raise PatternError("Only an amount of money has a currency in its pattern: choose the type Currency.")
    if shape.percent and data_type is not TagDataType.PERCENTAGE:
        raise PatternError("Only a share has % in its pattern: choose the type Percentage.")
    currency = ""
    if data_type is TagDataType.CURRENCY:
        currency = shape.accepted_currency() if shape.currency else _ANY_CURRENCY
    share = data_type is TagDataType.PERCENTAGE
    point, comma = _written("[.]", "[,]"), _written("[,]", "[.]")
    if shape.decimal == ".":
        point, comma = _written_so("[.]", "[,]"), ""
    elif shape.decimal == ",":
        point, comma = "", _written_so("[,]", "[.]")
    return NumberRule(
        point=_signed(point, currency, per_cent=share) if point else "",
        comma=_signed(comma, currency, per_cent=share) if comma else "",
        per_cent=share,
        in_hundredths=share and bool(pattern) and not shape.percent,
        picture=shape.picture(data_type),
    )


def _written(decimal: str, other: str) -> str:
    """Digits as people write them, where only one reading is possible: "1,234" has two."""
    first = "[1-9][0-9]{0,2}"
    return "(?:" + "|".join(
        (
            "[0-9]+",
            f"0+{decimal}[0-9]+",
            f"[0-9]+{decimal}(?:[0-9]{{1,2}}|[0-9]{{4,}})",
            f"[0-9]{{4,}}{decimal}[0-9]+",
            f"{first}(?:{other}[0-9]{{3}})+{decimal}[0-9]+",
            f"{first}(?:{other}[0-9]{{3}}){{2,}}",
            f"{first}(?:{_SPACED}[0-9]{{3}})+(?:{decimal}[0-9]+)?",
        )
    ) + ")"  # fmt: skip


def _written_so(decimal: str, other: str) -> str:
    """Digits where it is known which sign is before the decimals."""
    grouped = f"[1-9][0-9]{{0,2}}(?:(?:{other}[0-9]{{3}})+|(?:{_SPACED}[0-9]{{3}})+)"
    return f"(?:[0-9]+(?:{decimal}[0-9]+)?|{grouped}(?:{decimal}[0-9]+)?)"


def _signed(core: str, currency: str, *, per_cent: bool) -> str:
    """With a sign before or after, or in brackets as accounts have it, and with its unit."""
    body = core
    if currency:
        body = f"(?:(?:{currency}{_GAP})?{core}|{core}{_GAP}{currency})"
    elif per_cent:
        body = f"{core}(?:{_GAP}%)?"
    forms = [f"[-+−]?{_GAP}{body}", f"[(]{_GAP}{body}{_GAP}[)]", f"{body}{_GAP}{_SIGN}"]
    if currency:
        forms.append(f"{currency}{_GAP}{_SIGN}{_GAP}{core}")
    return f"(?:{'|'.join(forms)})"


_NUMBER_PATTERN = re.compile(
    r"(?P<before>[^#0%]*)(?:#(?P<group>[,. '])##|#*)0(?:(?P<decimal>[.,])(?P<places>0{1,6}))?"
    r"(?P<percent> ?%)?(?P<after>[^#0%]*)"
)


@dataclass(frozen=True)
class _NumberShape:
    """What a pattern such as "€ #.##0,00" says."""

    decimal: str = ""
    grouped: bool = False
    places: int = 0
    currency: str = ""
    currency_first: bool = True
    percent: bool = False
    told: bool = False

    @classmethod
    def read(cls, pattern: str) -> _NumberShape:
        if not pattern:
            return cls()
        found = _NUMBER_PATTERN.fullmatch(pattern)
        group, decimal = (found["group"], found["decimal"]) if found else (None, None)
        if found is None or (group and group == decimal):
            raise PatternError(f"“{pattern}” is no pattern of a number; write it like #,##0.00, #.##0,00, 0.0 or 0.0%.")
        before, after = (part.strip(BLANKS).strip('"') for part in (found["before"], found["after"]))
        currency = before or after
        if (before and after) or (currency and not re.fullmatch(_ANY_CURRENCY, currency)):
            raise PatternError(
                f"“{currency}” is no currency; write one such as €, $ or CHF before or after the number."
            )
        return cls(
            decimal=decimal or {",": ".", ".": ","}.get(group or "", ""),
            grouped=bool(group),
            places=len(found["places"] or ""),
            currency=currency,
            currency_first=bool(before),
            percent=bool(found["percent"]),
            told=True,
        )

    def accepted_currency(self) -> str:
        names = next((same for same in _SAME_CURRENCY if self.currency in same), {self.currency})
        return f"(?:{'|'.join(name.replace('$', '[$]') for name in sorted(names))})"

    def picture(self, data_type: TagDataType) -> str:
        """As workbooks write it: in English signs, whatever the pattern's own are."""
        if not self.told:
            return {TagDataType.CURRENCY: "#,##0.00", TagDataType.PERCENTAGE: "0.0%"}.get(data_type, "")
        number = ("#,##0" if self.grouped else "0") + (f".{'0' * self.places}" if self.places else "")
        if data_type is TagDataType.PERCENTAGE:
            return f"{number}%"
        if not self.currency:
            return number
        return f'"{self.currency}" {number}' if self.currency_first else f'{number} "{self.currency}"'


# Dates and words

_DATE_TOKEN = re.compile("yyyy|mmmm|mmm|mm|m|dd|d|[ ./,-]+")
_ISO = DateForm(f"([0-9]{{4}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{1,2}}){_TIME}", 1, 2, 3)


def _date_rule(pattern: str) -> DateRule:
    if not pattern:
        return DateRule((_ISO,))
    tokens = _DATE_TOKEN.findall(pattern.lower())
    parts = [token for token in tokens if token[0] in "ymd"]
    if "".join(tokens) != pattern.lower() or sorted(part[0] for part in parts) != ["d", "m", "y"]:
        raise PatternError(
            f"“{pattern}” is no pattern of a date; write it like dd.mm.yyyy, mm/dd/yyyy or d mmm yyyy, with a year of "
            "four digits."
        )
    apart = len(tokens) > len(parts)
    expression = "".join(_date_token(token, apart=apart) for token in tokens)
    positions: Mapping[str, int] = {part[0]: place for place, part in enumerate(parts, 1)}
    named = any(part.startswith("mmm") for part in parts)
    form = DateForm(f"{expression}{_TIME}", positions["y"], positions["m"], positions["d"], named)
    # a year that comes first leaves no doubt, unless the pattern itself puts the day behind it
    return DateRule((form,) if positions["y"] == 1 and apart else (form, _ISO), of_digits=not apart)


def _date_token(token: str, *, apart: bool) -> str:
    match token[0]:
        case "y":
            return "([0-9]{4})"
        case "m" | "d":
            return f"({_MONTH_NAME})" if token.startswith("mmm") else "([0-9]{1,2})" if apart else "([0-9]{2})"
    return "".join(f"[{sign}]" for sign in token)


def _boolean_rule(pattern: str) -> BooleanRule:
    if not pattern:
        return BooleanRule()
    words = [lowered(word.strip(BLANKS)) for word in pattern.split("/")]
    if len(words) != 2 or not all(words) or words[0] == words[1] or words[0] in _NO or words[1] in _YES:
        raise PatternError(f"“{pattern}” is no pattern of yes or no; write the two words like Confirmed/Not confirmed.")
    return BooleanRule((*_YES, words[0]), (*_NO, words[1]))
