"""The tables of docs/reliability.md: each promise, its mechanisms, and what was seen with each taken out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tests.sabotage.mutant import NONE, ROOT, Mutant, Promise
from tests.sabotage.trial import Finding

DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- written by make mutants: begin -->\n", "<!-- written by make mutants: end -->\n"
LONGEST = 90


def _moment(found: re.Match[str]) -> str:
    year, month, day, hour, minute = (int(each) for each in found.groups())
    return f"{year}-{month:02}-{day:02} {hour:02}:{minute:02}"


SHORTER = (
    (r"<\w+\.(\w+): '[^']*'>", r"\1"),
    (r"UUID\('[0-9a-f-]{36}'\)", "id"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "id"),
    (r"datetime\.datetime\((\d+), (\d+), (\d+), (\d+), (\d+)[^()]*\)", _moment),
    (r" at 0x[0-9a-f]+", ""),
    (r"(/[\w.-]+)+/(?=[\w.-]+)", "…/"),
)
HEAD = (
    "| mechanism (mutant) | without it | check | SQLite | PostgreSQL |",
    "|---|---|---|---|---|",
)


def write(findings: Sequence[Finding]) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    DOCUMENT.write_text(f"{before}{BEGIN}{tables(findings)}{END}{after}", encoding="utf-8")


def tables(findings: Iterable[Finding]) -> str:
    seen: dict[str, dict[str, Finding]] = {}
    for finding in findings:
        seen.setdefault(finding.mutant.name, {})[finding.database] = finding
    lines: list[str] = []
    for promise in Promise:
        rows = [each for each in seen.values() if next(iter(each.values())).mutant.promise is promise]
        if rows:
            lines += [f"### {promise}", *HEAD, *(_row(each) for each in rows), ""]
    return "\n".join(lines)


def _row(seen: Mapping[str, Finding]) -> str:
    mutant = next(iter(seen.values())).mutant
    if tuple(mutant.on) == NONE:
        cells = [_words(seen["none"]), "no database takes part"]
    else:
        cells = [_words(seen[each]) if each in seen else "–" for each in ("sqlite", "postgresql")]
    if cells[0] == cells[1]:
        cells[1] = "the same"
    check = "<br>".join(dict.fromkeys(_checks(mutant, seen)))
    return f"| {_cell(mutant.mechanism)} (`{mutant.name}`) | {_cell(mutant.breach)} | {check} | {' | '.join(cells)} |"


def _checks(mutant: Mutant, seen: Mapping[str, Finding]) -> Iterator[str]:
    """The test that told it, linked to its file; further ones of the mutant are not needed to tell it."""
    for finding in seen.values():
        path, _, name = (finding.test or mutant.tests[0]).partition("::")
        yield f"[{name.removeprefix('test_').replace('_', ' ')}](../{path})"


def _words(finding: Finding) -> str:
    """The first line of the failure as code, short, and without what differs from one run to the next."""
    line = finding.words
    for pattern, instead in SHORTER:
        line = re.sub(pattern, instead, line)
    line = line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…"
    return f"`{_cell(line).replace('`', chr(39))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
