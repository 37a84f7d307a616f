"""What goes wrong while a file is made ends in a sentence that says whether trying again helps, and in no file."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.exports.errors import ExportError
from portal.exports.make_file import make_file
from portal.exports.request import ExportRequest
from portal.exports.writers import TABLE_FORMATS
from portal.models import Case, write_session
from tests.exports.small_register import fill
from tests.exports.test_rows import request_of
from tests.support.cast import Cast


def test_progress_is_told_and_may_stop_the_work(app: Flask, cast: Cast, tmp_path: Path) -> None:
    """B9, B10: what the callback raises passes through, and no half file stays."""
    fill(cast.lakeside, 60)
    told: list[tuple[int, int]] = []
    make_file(request_of(cast.lakeside), tmp_path / "whole", on_rows=lambda *rows: told.append(rows))
    assert told[-1] == (60, 60)

    class LostError(Exception):
        pass

    def stop(*_: int) -> None:
        raise LostError

    with pytest.raises(LostError):
        make_file(request_of(cast.lakeside), tmp_path / "half", on_rows=stop)
    assert not (tmp_path / "half").exists()


def test_only_its_owner_may_read_the_file(app: Flask, cast: Cast, tmp_path: Path) -> None:
    make_file(request_of(cast.lakeside), tmp_path / "file")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_a_full_disk_is_said_and_worth_another_try(app: Flask, cast: Cast) -> None:
    """A device that is always full takes the first byte as a full disk does."""
    with pytest.raises(ExportError, match="disk") as failed:
        make_file(request_of(cast.lakeside), _FullDisk("/dev/full"))
    assert not failed.value.permanent


class _FullDisk(type(Path())):  # type: ignore[misc]  # the class that Path makes here
    """/dev/full, which is no file of ours to remove."""

    def unlink(self, missing_ok: bool = False) -> None:
        pass


@pytest.mark.parametrize(
    "more",
    [
        {"export_type": "BOARD_REPORT"}, {"format": "PPTX"}, {"filters": {"category": ["Gone"]}}, {"zone": "Mars"},
        {"column_config": {"columns": ["nope"]}}, {"format_options": {"delimiter": "\t"}},
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_had_is_not_tried_again(
    app: Flask, cast: Cast, tmp_path: Path, more: dict[str, Any]
) -> None:
    """B7."""
    with pytest.raises(ExportError) as failed:
        make_file(request_of(cast.lakeside, **more), tmp_path / "file")
    assert failed.value.permanent
    assert not (tmp_path / "file").exists()


def test_a_request_survives_being_frozen(app: Flask, cast: Cast) -> None:
    """G1."""
    request = request_of(cast.lakeside, filters={"status": ["OPEN"]}, format_options={"bom": True}, title="Weekly")
    assert ExportRequest.from_json(request.to_json()) == request


@pytest.mark.parametrize(("setting", "cell"), [("yes", "'=1+1"), ("no", "=1+1")])
def test_the_guard_is_a_setting(
    make_app: Callable[..., Flask], cast: Cast, tmp_path: Path, setting: str, cell: str
) -> None:
    """C13."""
    fill(cast.lakeside, 1)
    with write_session() as db:
        db.execute(sa.update(Case).values(outcome_reason="=1+1"))
    with make_app(DUEPOST_CSV_GUARD=setting).app_context():
        make_file(request_of(cast.lakeside, column_config={"columns": ["outcome_reason"]}), tmp_path / "file")
    assert (tmp_path / "file").read_text().splitlines()[1] == cell


@pytest.mark.parametrize("format_name", TABLE_FORMATS)
def test_a_zip_holds_the_same_file_and_the_same_rows_make_the_same_zip(
    app: Flask, cast: Cast, tmp_path: Path, format_name: str
) -> None:
    """C8: compressed by choice, in every format; size and hash are the zip's."""
    fill(cast.lakeside, 20)
    plain = request_of(cast.lakeside, export_type="CASES_ONLY", format=format_name, title="Weekly report")
    zipped = replace(plain, format_options={"zip": True})
    make_file(plain, tmp_path / "plain")
    made = [make_file(zipped, tmp_path / name) for name in ("zip", "again")]
    data = (tmp_path / "zip").read_bytes()
    assert made[0] == made[1]
    assert (made[0].bytes, made[0].sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (zipped.file_type.extension, zipped.file_type.media_type) == ("zip", "application/zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (entry,) = archive.infolist()
        assert entry.filename == f"Weekly-report-2026-11-02.{plain.file_type.extension}"
        assert entry.date_time == (2026, 11, 2, 8, 0, 0)
        same = archive.read(entry) == (tmp_path / "plain").read_bytes()
    # the cover says how the file was asked for
    assert same or format_name in ("XLSX", "PDF")
