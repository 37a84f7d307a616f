"""What is written in the register: titles, accounts, findings, and the small share of text that software trips over."""

from __future__ import annotations

from random import Random

from demo.register.chance import Weighted, one_of
from demo.register.vocabulary import CategoryProfile
from portal.models import Outcome

_TITLES = (
    "{kind} reported at {unit}",
    "{kind}: {unit}",
    "Concern about {kind_low} in {unit}",
    "{unit} – {kind_low}, night shift",
    "{kind} (second report)",
    "Possible {kind_low}, {unit}",
    "{kind} raised by a colleague",
    "{kind} noticed during an audit",
)
_OPENERS = (
    "The reporter says that this has been going on for {n} weeks.",
    "The reporter noticed it on a {day} and spoke to a supervisor first, without result.",
    "According to the report, at least {n} people were present.",
    "The matter came up while another question was being looked into.",
    "The reporter asks not to be contacted at work.",
    "The report was taken down in the reporter's own words and read back.",
)
_DETAILS = {
    "HRW": (
        "Remarks were made in front of the team.",
        "Shifts were changed after a complaint.",
        "A promotion was refused twice.",
    ),
    "PRV": (
        "A chart was opened without a treatment reason.",
        "A letter went to the wrong address.",
        "A laptop was left on a train.",
    ),
    "PAT": ("A call light was not answered.", "A dose was recorded but not given.", "The consent form has no date."),
    "BIL": (
        "The codes do not match the notes.",
        "A visit was billed on a day the clinic was closed.",
        "Notes were added weeks later.",
    ),
    "FRD": (
        "The same receipt was handed in twice.",
        "Hours were booked on days off.",
        "An invoice has no purchase order.",
    ),
    "EHS": (
        "A fire door was wedged open.",
        "Sharps were found in ordinary waste.",
        "Someone was threatened at the desk.",
    ),
    "COI": (
        "A second job was not disclosed.",
        "A relative was hired by the same unit.",
        "A dinner was paid by a supplier.",
    ),
    "BRB": ("A payment was asked for to speed up a permit.", "The winning bid was known before the opening."),
    "RSH": ("Two figures in a paper are the same picture.", "Grant money paid for something else."),
    "QST": ("The reporter asks which form to use.", "The reporter asks whether a gift may be kept."),
}
_CLOSERS = (
    "Documents are attached.", "No document was handed in.", "The reporter offered to name witnesses.",
    "Follow-up was agreed for the next week.", "Local management has been told only what it needs to know.",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

REASONS = {
    Outcome.SUBSTANTIATED: ("Confirmed by documents", "Confirmed by two witnesses", "Admitted by the subject"),
    Outcome.PARTLY_SUBSTANTIATED: ("One of several allegations confirmed", "Confirmed for part of the period"),
    Outcome.UNSUBSTANTIATED: ("Documents show otherwise", "Witnesses did not confirm it", "Conduct was within policy"),
    Outcome.INSUFFICIENT: ("Reporter could not be reached", "No way to verify", "Not enough detail to begin"),
    Outcome.WITHDRAWN: ("Withdrawn by the reporter", "Reporter and manager settled it"),
    Outcome.REFERRED: ("Referred to Human Resources", "Referred to the regulator", "Handed to patient relations"),
    Outcome.OTHER: ("Duplicate of another case", "Answered as a question", "Outside the program's scope"),
}
_FINDINGS = {
    Outcome.SUBSTANTIATED: (
        "The account was confirmed by records of {n} shifts; corrective action is recommended.",
        "Two of {n} witnesses described the same events independently.",
    ),
    Outcome.PARTLY_SUBSTANTIATED: (
        "Of {n} allegations one was confirmed; the others could not be.",
        "The conduct took place, but not over the whole period reported.",
    ),
    Outcome.UNSUBSTANTIATED: (
        "{n} interviews and the records reviewed do not support the report.",
        "The conduct reported is allowed by the policy in force at the time.",
    ),
}
_NO_FINDING = ("The file was closed without a finding.", "Nothing further could be established after {n} attempts.")

# Legal text, each with a trap of its own: formulas, signs, quotes, breaks, direction, code points beyond the first
# 65,536, leading zeros, words that mean nothing to a person and something to a program.
ODD_TEXTS = (
    '=HYPERLINK("https://example.org/","see here")',
    "=1+1",
    "@mention of the policy",
    "+1-555-0100 called twice",
    "-2 hours missing on the sheet",
    "＝SUM(A1) full-width",
    "\tindented by a tab",
    "0012345",
    "1e5",
    "NULL",
    "None",
    "true",
    'He said: "do not; ever, write it down"; then left',
    "Semi;colon, comma and 'quote'",
    "Line one\nline two\nline three",
    "Windows\r\nline break",
    "🚑 patient moved 👩🏽‍⚕️ twice",
    "تقرير عن تأخير في الدوام",
    "דיווח על ציוד חסר",
    "夜勤の記録に誤りがあります",
    "Mixed עברית and English (v2)",
    "Zero\u200bwidth and no\u00a0break",
    "Combining e\u0301 and precomposed é",
    "<b>not bold</b> & <script>alert(1)</script>",
    "{{ 7*7 }} ${HOME} %s %(x)s",
    "Robert'); DROP TABLE cases;--",
    "../../etc/passwd",
    "trailing blanks   ",
    "   leading blanks",
    "𝕌nusual 𝄞 letters",
    "2026-02-30",
    "1/2",
    "\u202eright-to-left override\u202c",
    "a" * 300,
)
IN_OWN_WORDS = {
    "en": ("I saw it myself and wrote it down the same evening.", "I do not want trouble; I want it to stop."),
    "es": ("Lo vi con mis propios ojos y lo anoté ese mismo día.",),
    "de": ("Ich habe es selbst gesehen und am selben Abend aufgeschrieben.",),
    "ar": ("رأيت ذلك بنفسي وكتبته في المساء نفسه.",),
    "hi": ("मैंने इसे स्वयं देखा और उसी शाम लिख लिया।",),
    "ja": ("自分の目で見て、その晩に書き留めました。",),
}
_FILES = Weighted(
    [
        ("statement-{n}.pdf", 30), ("photo-{n}.jpg", 20), ("e-mail thread {n}.eml", 15), ("schedule {n}.xlsx", 12),
        ("access-log-{n}.csv", 8), ("invoice {n} (copy).pdf", 8), ("voice-note-{n}.m4a", 3), ("résumé-{n}.docx", 2),
        ("証拠 {n}.pdf", 1), ("=cmd {n}.txt", 0.5), ("long name " + "x" * 120 + " {n}.pdf", 0.5),
    ]
)  # fmt: skip
ODD_SHARE = 0.012


def title(rng: Random, kind: str, unit: str) -> str:
    if rng.random() < ODD_SHARE:
        return one_of(rng, ODD_TEXTS)
    return one_of(rng, _TITLES).format(kind=kind, kind_low=kind.lower(), unit=unit)


def description(rng: Random, category: CategoryProfile | None) -> str | None:
    chance = rng.random()
    if chance < 0.03:
        return None
    opener = one_of(rng, _OPENERS).format(n=2 + int(rng.random() * 9), day=one_of(rng, _DAYS))
    details = _DETAILS[category.code] if category else _CLOSERS
    text = f"{opener} {one_of(rng, details)} {one_of(rng, _CLOSERS)}"
    if chance < 0.03 + ODD_SHARE:
        return f"{one_of(rng, ODD_TEXTS)}\n{text}"
    if chance < 0.10:
        return f"{text}\n\n{one_of(rng, _OPENERS).format(n=3, day='Monday')} {one_of(rng, details)}"
    if chance < 0.101:
        return " ".join([text] * 40)  # somebody pasted a whole thread
    return text


def finding(rng: Random, outcome: Outcome) -> str:
    if rng.random() < ODD_SHARE:
        return one_of(rng, ODD_TEXTS)
    return one_of(rng, _FINDINGS.get(outcome, _NO_FINDING)).format(n=2 + int(rng.random() * 6))


def file_name(rng: Random) -> str:
    return _FILES.pick(rng).format(n=1 + int(rng.random() * 40))
