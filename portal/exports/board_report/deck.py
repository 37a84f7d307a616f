"""An empty deck of our own look, and what slides are made of: texts, tables and charts that can be edited.

Positions and sizes are in points from the upper left corner of a slide of 960 by 540.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from unicodedata import east_asian_width

from lxml import etree
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION, XL_TICK_MARK
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.util import Emu, Pt

from portal.exports.board_report.charts.picture import Tone
from portal.exports.board_report.look import Look
from portal.exports.text_guard import clean, guard

WIDTH, HEIGHT = 960, 540
LEFT, RIGHT, TOP = 48, 912, 120
SERIF, SANS = "Georgia", "Calibri"
_TITLE_ONLY = 5
_NO_STYLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"
"""PowerPoint's name of a table without lines and fills."""
_RULE_EMU = "6350"

Fill = Tone
Cell = str


class Deck:
    """Slides of one report."""

    def __init__(self, look: Look, footer: str) -> None:
        """`footer` stands at the foot of every slide but the first."""
        self._colours = look.colours
        self._footer = footer
        self._deck = Presentation()
        self._deck.slide_width, self._deck.slide_height = Pt(WIDTH), Pt(HEIGHT)
        self._layout = self._deck.slide_layouts[_TITLE_ONLY]
        self._dress()

    @property
    def properties(self) -> Any:
        """Title, author and the like of the file."""
        return self._deck.core_properties

    def save(self) -> bytes:
        out = io.BytesIO()
        self._deck.save(out)
        return out.getvalue()

    def slide(self, title: str, notes: str, *, lead: str = "", first: bool = False) -> Any:
        """A new slide with its title and speaker's notes."""
        slide = self._deck.slides.add_slide(self._layout)
        slide.shapes.title.text = clean(title)
        slide.notes_slide.notes_text_frame.text = clean(notes)
        if lead:
            self.text(slide, lead, LEFT, 84, RIGHT - LEFT, 22, size=13, tone=Tone.MUTED)
        if not first:
            self._foot(slide, len(self._deck.slides))
        return slide

    def text(
        self, slide: Any, text: str, x: float, y: float, width: float, height: float, *, size: float = 14,
        tone: Tone = Tone.INK, serif: bool = False, strong: bool = False, right: bool = False,
    ) -> Any:  # fmt: skip
        """A text of one look; gives its frame."""
        frame = slide.shapes.add_textbox(Pt(x), Pt(y), Pt(width), Pt(height)).text_frame
        frame.word_wrap = True
        frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
        self._run(frame.paragraphs[0], text, size, tone, serif=serif, strong=strong, right=right)
        return frame

    def more(
        self, frame: Any, text: str, *, size: float, tone: Tone = Tone.INK, serif: bool = False, above: float = 0
    ) -> None:
        """One more paragraph of a frame."""
        paragraph = frame.add_paragraph()
        paragraph.space_before = Pt(above)
        self._run(paragraph, text, size, tone, serif=serif)

    def rule(
        self, slide: Any, x: float, y: float, width: float, tone: Tone = Tone.RULE, thickness: float = 0.75
    ) -> None:
        line = slide.shapes.add_connector(1, Pt(x), Pt(y), Pt(x + width), Pt(y))
        line._element.remove(line._element.find(qn("p:style")))  # noqa: SLF001 - no API for a line without a shadow
        line.line.color.rgb, line.line.width = self.colour(tone), Pt(thickness)

    def block(self, slide: Any, x: float, y: float, width: float, height: float, tone: Tone) -> None:
        shape = slide.shapes.add_shape(1, Pt(x), Pt(y), Pt(width), Pt(height))
        shape.fill.solid()
        shape.fill.fore_color.rgb = self.colour(tone)
        if tone is Tone.ACCENT:
            shape.line.fill.background()
        else:
            shape.line.color.rgb, shape.line.width = self.colour(Tone.ACCENT), Pt(0.75)
        shape.shadow.inherit = False

    def picture(self, slide: Any, data: bytes, x: float, y: float, width: float, height: float) -> None:
        """As large as there is room for, in its own proportions."""
        shape = slide.shapes.add_picture(io.BytesIO(data), Pt(x), Pt(y))
        scale = min(Pt(width) / shape.width, Pt(height) / shape.height)
        shape.width, shape.height = Emu(int(shape.width * scale)), Emu(int(shape.height * scale))

    def table(
        self, slide: Any, heads: Sequence[Cell], rows: Sequence[Sequence[Cell]], x: float, y: float,
        widths: Sequence[float], *, size: float = 12, row_height: float = 23,
    ) -> None:  # fmt: skip
        """Thin rules between lines; numbers, which is all but the first column, to the right."""
        shape = slide.shapes.add_table(
            len(rows) + 1, len(heads), Pt(x), Pt(y), Pt(sum(widths)), Pt(row_height * (len(rows) + 1))
        )
        table = shape.table
        shape._element.graphic.graphicData.tbl.tblPr.find(qn("a:tableStyleId")).text = _NO_STYLE  # noqa: SLF001 - no API
        for place, width in enumerate(widths):
            table.columns[place].width = Pt(width)
        for line, cells in enumerate([heads, *rows]):
            table.rows[line].height = Pt(row_height)
            for place, cell in enumerate(cells):
                self._cell(table.cell(line, place), cell, size, head=line == 0, right=place > 0)

    def columns(
        self, slide: Any, labels: Sequence[str], series: Sequence[tuple[str, Sequence[float], Fill]], x: float,
        y: float, width: float, height: float, *, stacked: bool = False, across: bool = False, legend: bool = True,
        labelled: bool = True, bare: bool = False, least: int = 1,
    ) -> Any:  # fmt: skip
        """A chart that PowerPoint can edit: columns, or bars where `across`; `series` are (name, values, fill).

        `bare`: without the names of the categories, where a table beside it has them; numbers below `least` are not
        written, where there is no room for them.
        """
        data = CategoryChartData(number_format="#,##0")  # type: ignore[no-untyped-call]
        data.categories = [_cell_text(label) for label in labels]
        for name, values, _ in series:
            data.add_series(clean(name), values)  # type: ignore[no-untyped-call]
        kind = {
            (False, False): XL_CHART_TYPE.COLUMN_CLUSTERED,
            (True, False): XL_CHART_TYPE.COLUMN_STACKED,
            (False, True): XL_CHART_TYPE.BAR_CLUSTERED,
            (True, True): XL_CHART_TYPE.BAR_STACKED_100,
        }[(stacked, across)]
        chart = slide.shapes.add_chart(kind, Pt(x), Pt(y), Pt(width), Pt(height), data).chart
        self._set_chart(chart, [fill for _, _, fill in series], stacked=stacked, across=across)
        if bare:
            chart.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.NONE
            self._fill_out(chart)
        chart.has_legend = legend
        if legend:
            chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.TOP, False
            chart.legend.font.size, chart.legend.font.color.rgb = Pt(12), self.colour(Tone.INK)
        plot = chart.plots[0]
        plot.has_data_labels = labelled
        if labelled:
            labels_ = plot.data_labels
            labels_.font.size, labels_.number_format, labels_.number_format_is_linked = (
                Pt(11),
                self._shown_from(least),
                False,
            )
            labels_.position = XL_LABEL_POSITION.CENTER if stacked else XL_LABEL_POSITION.OUTSIDE_END
        return chart

    def place(self, shape: Any, x: float, y: float, width: float, height: float, *, size: float) -> None:
        """Puts a title somewhere else than where the layout has it."""
        shape.left, shape.top, shape.width, shape.height = Pt(x), Pt(y), Pt(width), Pt(height)
        shape.text_frame.vertical_anchor = MSO_ANCHOR.BOTTOM
        shape.text_frame.paragraphs[0].font.size = Pt(size)

    def hollow(self, chart: Any, places: Sequence[int]) -> None:
        """The bars at these places without a fill."""
        for place in places:
            fill = chart.plots[0].series[0].points[place].format
            fill.fill.solid()
            fill.fill.fore_color.rgb = self.colour(Tone.PAPER)
            fill.line.color.rgb, fill.line.width = self.colour(Tone.ACCENT), Pt(0.75)

    def light_on_dark(self, chart: Any, fills: Sequence[Fill], least: int) -> None:
        """Numbers on dark layers in white."""
        for one, fill in zip(chart.plots[0].series, fills, strict=True):
            if fill in (Tone.STRONG, Tone.ACCENT):
                labels = one.data_labels
                labels.show_value, labels.number_format, labels.number_format_is_linked = (
                    True,
                    self._shown_from(least),
                    False,
                )
                labels.font.size, labels.font.color.rgb = Pt(11), self.colour(Tone.PAPER)
                labels.position = XL_LABEL_POSITION.CENTER

    @staticmethod
    def _shown_from(least: int) -> str:
        return f'[>={max(least, 1)}]#,##0;""'

    def colour(self, tone: Tone) -> RGBColor:
        colour: RGBColor = RGBColor.from_string(self._colours[tone].lstrip("#").upper())  # type: ignore[no-untyped-call]
        return colour

    def _set_chart(self, chart: Any, fills: Sequence[Fill], *, stacked: bool, across: bool) -> None:
        chart.has_title = False
        chart.font.name, chart.font.size = SANS, Pt(12)
        chart.font.color.rgb = self.colour(Tone.INK)
        values, categories = chart.value_axis, chart.category_axis
        values.visible = values.has_major_gridlines = False
        categories.has_major_gridlines = False
        categories.major_tick_mark = XL_TICK_MARK.NONE
        categories.tick_label_position = XL_TICK_LABEL_POSITION.LOW
        categories.format.line.color.rgb = self.colour(Tone.FAINT)
        categories.reverse_order = across
        plot = chart.plots[0]
        plot.gap_width, plot.overlap = (45 if across else 60), (100 if stacked else 0 if across else -6)
        for one, fill in zip(plot.series, fills, strict=True):
            one.format.fill.solid()
            one.format.fill.fore_color.rgb = self.colour(fill)
            one.format.line.color.rgb, one.format.line.width = self.colour(Tone.ACCENT), Pt(0.75)
            one.invert_if_negative = False

    def _fill_out(self, chart: Any) -> None:
        """The bars over the whole height of the chart, so that each lies beside its line of a table."""
        area = chart._chartSpace.chart.plotArea  # noqa: SLF001 - no API
        old = area.find(qn("c:layout"))
        if old is not None:
            area.remove(old)
        layout = etree.Element(qn("c:layout"))
        manual = etree.SubElement(layout, qn("c:manualLayout"))
        for name, value in (("layoutTarget", "inner"), ("xMode", "edge"), ("yMode", "edge"),
                            ("x", "0"), ("y", "0"), ("w", "0.86"), ("h", "1")):  # fmt: skip
            etree.SubElement(manual, qn(f"c:{name}"), val=value)
        area.insert(0, layout)

    def _cell(self, cell: Any, text: str, size: float, *, head: bool, right: bool) -> None:
        cell.margin_left = cell.margin_right = Pt(3)
        cell.margin_top = cell.margin_bottom = Pt(2)
        cell.vertical_anchor = MSO_ANCHOR.MIDDLE
        tone = Tone.MUTED if head else Tone.INK
        self._run(cell.text_frame.paragraphs[0], text, size - 1.5 if head else size, tone, strong=head, right=right)
        self._under(cell, Tone.FAINT if head else Tone.RULE)

    def _under(self, cell: Any, tone: Tone) -> None:
        """A thin line under the cell, for which the library has no words."""
        line = etree.SubElement(cell._tc.get_or_add_tcPr(), qn("a:lnB"), w=_RULE_EMU)  # noqa: SLF001 - no API
        paint = etree.SubElement(line, qn("a:solidFill"))
        etree.SubElement(paint, qn("a:srgbClr"), val=str(self.colour(tone)))

    def _run(
        self, paragraph: Any, text: str, size: float, tone: Tone, *, serif: bool = False, strong: bool = False,
        right: bool = False,
    ) -> None:  # fmt: skip
        if right:
            paragraph.alignment = PP_ALIGN.RIGHT
        run = paragraph.add_run()
        run.text = clean(text)
        run.font.size, run.font.bold = Pt(size), strong
        run.font.name = SERIF if serif else SANS
        run.font.color.rgb = self.colour(tone)

    def _foot(self, slide: Any, number: int) -> None:
        self.rule(slide, LEFT, 506, RIGHT - LEFT)
        self.text(slide, self._footer, LEFT, 512, 740, 16, size=9.5, tone=Tone.MUTED)
        self.text(slide, str(number), RIGHT - 60, 512, 60, 16, size=9.5, tone=Tone.MUTED, right=True)

    def _dress(self) -> None:
        """Takes the template's look away: its layouts but one, its fonts and its colours."""
        layouts = self._deck.slide_layouts
        for layout in list(layouts):
            if layout is not self._layout:
                layouts.remove(layout)
        master = self._deck.slide_master
        for holder in (master, self._layout):
            for shape in list(holder.placeholders):
                if shape.placeholder_format.type in (13, 15, 16):  # number, footer, date: set as texts of ours
                    shape._element.getparent().remove(shape._element)  # noqa: SLF001 - no API
                elif shape.placeholder_format.idx == 0:
                    shape.left, shape.top, shape.width, shape.height = Pt(LEFT), Pt(40), Pt(RIGHT - LEFT), Pt(42)
                    shape.text_frame.margin_left = 0
                    shape.text_frame.vertical_anchor = MSO_ANCHOR.MIDDLE
        path = "/".join(qn(name) for name in ("p:txStyles", "p:titleStyle", "a:lvl1pPr"))
        style: Any = master._element.find(path)  # noqa: SLF001 - no API
        style.set("algn", "l")
        properties: Any = style.find(qn("a:defRPr"))
        properties.set("sz", "2800")
        self._theme(master)
        package = self._deck.part.package
        for key, rel in list(package._rels.items()):  # noqa: SLF001 - no API
            if rel.reltype.endswith("/thumbnail"):
                package._rels.pop(key)  # noqa: SLF001 - no API

    def _theme(self, master: Any) -> None:
        part = next(rel.target_part for rel in master.part.rels.values() if rel.reltype.endswith("/theme"))
        tree: Any = etree.fromstring(part.blob)
        space = {"a": "http://schemas.openxmlformats.org/drawingml/2006/main"}
        for kind, face in (("majorFont", SERIF), ("minorFont", SANS)):
            tree.find(f".//a:{kind}/a:latin", space).set("typeface", face)
        tones = {"dk1": Tone.INK, "dk2": Tone.INK, "accent1": Tone.ACCENT, "accent2": Tone.MID, "accent3": Tone.STRONG,
                 "accent4": Tone.SOFT, "accent5": Tone.MUTED, "accent6": Tone.FAINT}  # fmt: skip
        scheme = tree.find(".//a:clrScheme", space)
        scheme.set("name", "Board report")
        for name, tone in tones.items():
            entry = scheme.find(f"a:{name}", space)
            for child in list(entry):
                entry.remove(child)
            etree.SubElement(entry, qn("a:srgbClr"), val=str(self.colour(tone)))
        part._blob = etree.tostring(tree, xml_declaration=True, encoding="UTF-8", standalone=True)  # noqa: SLF001 - no API


def _cell_text(label: str) -> str:
    """A category for the workbook in a chart, where a blank keeps it from being taken for a formula or an address."""
    text = clean(label)
    return f" {text}" if ":" in text or text.startswith("{") or guard(text) != text else text


def shortened(text: str, most: int = 44) -> str:
    """For the axis of a chart, which cuts nothing by itself; a letter as wide as it is high counts as two."""
    flat, used = " ".join(text.split()), 0
    for place, letter in enumerate(flat):
        used += 2 if east_asian_width(letter) in "WF" else 1
        if used > most:
            return flat[: max(place - 1, 1)].rstrip() + "…"
    return flat
