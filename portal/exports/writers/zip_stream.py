"""A zip archive written forwards only, so that the hash of what was written is the hash of the file.

zipfile takes no compressor but zlib's, and ISA-L deflates a sheet several times as fast, which is half of an XLSX
file's time. No entry and no archive reaches 4 GiB, so that no reader needs ZIP64.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from isal import isal_zlib

from portal.exports.writers.base import ByteSink, ExportLimit

LARGEST = 0xFFFF_FFFF
"""Bytes that an entry, unpacked, and the archive must stay below."""

_LEVEL = 2
_DEFLATED = 8
_SIZES_FOLLOW = 0x08
_VERSION = 20
_LOCAL = struct.Struct("<4s5H3I2H")
_DESCRIPTOR = struct.Struct("<4s3I")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")


@dataclass(slots=True)
class _Entry:
    name: bytes
    offset: int
    flags: int
    crc: int = 0
    packed: int = 0
    unpacked: int = 0


class ZipStream:
    """An archive being written; entries one after another, `close` at the end."""

    def __init__(self, out: ByteSink, stamped_at: datetime, too_large: str) -> None:
        """`stamped_at` is every entry's time, read as it stands, to two seconds, from 1980 on. `too_large` is the
        sentence of ExportLimit, raised where an entry or the archive reaches 4 GiB."""
        at = stamped_at
        self._too_large = too_large
        self._out = out
        self._offset = 0
        self._entries: list[_Entry] = []
        self._time = at.hour << 11 | at.minute << 5 | at.second // 2
        self._date = max(at.year - 1980, 0) << 9 | at.month << 5 | at.day

    def add(self, name: str, data: bytes) -> None:
        """A whole entry; its sizes stand before it, where programs that look at the beginning want them."""
        packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
        packed = packer.compress(data) + packer.flush()
        entry = _Entry(name.encode(), self._offset, 0, isal_zlib.crc32(data), len(packed), len(data))
        self._begin(entry)
        self._put(packed)

    def open(self, name: str) -> "ZipPart":
        """An entry to be written piece by piece and closed before the next."""
        entry = _Entry(name.encode(), self._offset, _SIZES_FOLLOW)
        self._begin(entry)
        return ZipPart(entry, self._put, self._too_large)

    def close(self) -> None:
        """Write the table of entries; without it the archive does not open."""
        start = self._offset
        for entry in self._entries:
            self._put(
                _CENTRAL.pack(
                    b"PK\1\2", _VERSION, _VERSION, entry.flags, _DEFLATED, self._time, self._date, entry.crc,
                    entry.packed, entry.unpacked, len(entry.name), 0, 0, 0, 0, 0, entry.offset,
                )
                + entry.name
            )  # fmt: skip
        count = len(self._entries)
        self._put(_END.pack(b"PK\5\6", 0, 0, count, count, self._offset - start, start, 0))

    def _begin(self, entry: _Entry) -> None:
        self._entries.append(entry)
        self._put(
            _LOCAL.pack(
                b"PK\3\4", _VERSION, entry.flags, _DEFLATED, self._time, self._date, entry.crc, entry.packed,
                entry.unpacked, len(entry.name), 0,
            )
            + entry.name
        )  # fmt: skip

    def _put(self, data: bytes) -> None:
        self._offset += len(data)
        if self._offset >= LARGEST:
            raise ExportLimit(self._too_large)
        self._out.write(data)


class ZipPart:
    """One open entry."""

    def __init__(self, entry: _Entry, put: Callable[[bytes], None], too_large: str) -> None:
        self._entry = entry
        self._put = put
        self._too_large = too_large
        self._packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)

    @property
    def size(self) -> int:
        """Bytes written so far, before packing."""
        return self._entry.unpacked

    def write(self, data: bytes, /) -> int:
        self._entry.crc = isal_zlib.crc32(data, self._entry.crc)
        self._entry.unpacked += len(data)
        if self._entry.unpacked >= LARGEST:
            raise ExportLimit(self._too_large)
        self._pass_on(self._packer.compress(data))
        return len(data)

    def close(self) -> None:
        """Finish the entry: its checksum and sizes follow it."""
        self._pass_on(self._packer.flush())
        self._put(_DESCRIPTOR.pack(b"PK\7\10", self._entry.crc, self._entry.packed, self._entry.unpacked))

    def _pass_on(self, packed: bytes) -> None:
        self._entry.packed += len(packed)
        self._put(packed)
