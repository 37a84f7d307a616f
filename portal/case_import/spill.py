"""Reading the files of an import: every row mapped, the good ones staged, the bad ones told."""

from __future__ import annotations

from portal.case_import.errors import BadRow, BadValueError, ImportRefusedError, shortened
from portal.case_import.fields import DISCLOSURES, INTERVIEWS, INVESTIGATIONS
from portal.case_import.files import Reading
from portal.case_import.mapping import Mapping
from portal.case_import.readers import open_rows
from portal.case_import.report import Report
from portal.case_import.row_mapper import Cells, Mapped
from portal.case_import.staging import CASE_SECTION, Staging
from portal.case_import.value_spec import fold


class Spill:
    """Puts rows into the staging, file by file, in the order of the plan."""

    def __init__(self, mapping: Mapping, staging: Staging, report: Report) -> None:
        self.mapping = mapping
        self.report = report
        self._staging = staging
        self._row = 0
        self._longest_blank = max((len(word) for word in mapping.blank), default=0)

    def file(self, reading: Reading) -> None:
        """Read one file through its sections. Raises ImportRefusedError where it is of another encoding."""
        sections = [mapper.section for _, mapper in reading.mappers]
        if sections[0].entity is INTERVIEWS:
            self._staging.index_own_keys()
        counted_with = "cases" if reading.mappers[0][0] == CASE_SECTION else sections[0].entity.name
        read = undecodable = 0
        with open_rows(reading.path, reading.csv) as rows:
            for row in rows:
                read += 1
                self._row += 1
                self.report.rows_read += 1
                undecodable += row.undecodable
                try:
                    if row.problem:
                        raise BadValueError("", row.excerpt, row.problem)
                    self._stage_row(reading, row.line, row.cells)
                except BadValueError as bad:
                    found = BadRow(reading.path.name, row.line, bad.column, shortened(bad.value), bad.reason)
                    self.report.bad(found, counted_with)
        if undecodable * 2 > read:
            raise ImportRefusedError(
                f"The file {reading.path.name} is not {reading.csv.encoding}: {undecodable:,} of its"
                f' {read:,} rows cannot be read; name its encoding in the mapping ([csv] encoding = "cp1252").'
            )

    def _stage_row(self, reading: Reading, line: int, raw: Cells) -> None:
        cells = self._trimmed(raw)
        number, first = reading.mappers[0]
        if first.section.drop_repeats_but is not None and not self._staging.is_new(first.digest(cells, number)):
            self.report.rows_repeated += 1
            return
        notes: list[str] = []
        gave: list[tuple[int, Mapped]] = []
        for number, mapper in reading.mappers:
            given = mapper.map(cells, notes)
            if not given and number == reading.mappers[0][0]:
                self.report.rows_left_out += 1
                return  # the mapping leaves the row out, and with it what hangs on it
            for mapped in given:
                joined = mapped if mapped.case_key or not number else self._joined(number, mapped)
                gave.append((number, joined))
        for number, mapped in gave:
            self._staging.add(number, self._row, reading.file, line, mapped)
        if notes:
            self.report.warnings.update(notes)

    def _trimmed(self, raw: Cells) -> Cells:
        cells = [cell.strip() for cell in raw]
        if not self._longest_blank:
            return cells
        longest, blank = self._longest_blank, self.mapping.blank
        return ["" if cell and len(cell) <= longest and fold(cell) in blank else cell for cell in cells]

    def _joined(self, number: int, mapped: Mapped) -> Mapped:
        """A child row that names no case: a disclosure may stand alone, an interview is found by its investigation."""
        section = self.mapping.sections[number]
        if section.entity is DISCLOSURES:
            return mapped
        names = section.case or section.investigation
        column = ", ".join(names.columns()) if names else ""
        if section.entity is not INTERVIEWS or section.case is not None or not mapped.investigation_key:
            raise BadValueError(column, "", "is empty, so the row belongs to nothing")
        sections = [at for at, each in enumerate(self.mapping.sections) if each.entity is INVESTIGATIONS]
        found = self._staging.cases_of(mapped.investigation_key, sections) if sections else []
        if len(found) != 1:
            whose = "several cases have an investigation" if found else "no case of these files has an investigation"
            raise BadValueError(
                column, mapped.investigation_key, f'{whose} of this key; give the case too, with "case"'
            )
        return Mapped(found[0], mapped.own_key, mapped.investigation_key, mapped.values)
