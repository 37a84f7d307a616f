"""From a request for a board report to its file (C11, C20)."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pypdf
import pytest
from PIL import Image
from pptx import Presentation

from portal import audit, clock
from portal.exports.make_file import make_file
from portal.people.branding import change_branding
from portal.people.organization_settings import change_settings
from tests.exports.small_register import fill
from tests.exports.test_rows import request_of
from tests.support.cast import Cast


@pytest.mark.parametrize("format_name", ["PDF", "PPTX"])
def test_a_report_is_made_in_the_organizations_look(cast: Cast, tmp_path: Path, format_name: str) -> None:
    """Its accent, logo and paper, the run's id, zipped where that is chosen; rows are the cases of the period."""
    fill(cast.lakeside, 4)
    logo = io.BytesIO()
    Image.new("RGB", (200, 80), "#7a1f3d").save(logo, "JPEG")
    change_branding(cast.lakeside, accent="#7a1f3d", new_logo=logo.getvalue(), now=clock.now(), actor=audit.operator)
    change_settings(cast.lakeside, "numbers", {"locale": "en_US"}, now=clock.now(), actor=audit.operator)
    request = request_of(
        cast.lakeside, export_type="BOARD_REPORT", format=format_name, column_config={}, format_options={"zip": True}
    )
    made = make_file(request, tmp_path / "report.zip", run_reference="run-of-a-test")
    assert (made.rows, made.columns, made.cells_changed) == (4, (), 0)
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        data = archive.read(archive.namelist()[0])
    if format_name == "PDF":
        first = pypdf.PdfReader(io.BytesIO(data)).pages[0]
        assert (float(first.mediabox.width), float(first.mediabox.height)) == (612, 792)  # the paper of that place
        assert "run-of-a-test" in first.extract_text()
        assert [image.image.size for image in first.images] == [(200, 80)]
        assert b".478431 .121569 .239216 rg" in first.get_contents().get_data()
    else:
        first_slide = Presentation(io.BytesIO(data)).slides[0]
        assert [shape.image.size for shape in first_slide.shapes if hasattr(shape, "image")] == [(200, 80)]
        with zipfile.ZipFile(io.BytesIO(data)) as deck:
            assert b"7A1F3D" in deck.read("ppt/theme/theme1.xml")
