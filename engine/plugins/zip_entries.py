"""The structure of a zip, read strictly: every byte of the file belongs to exactly one entry or record.

Readers of zips disagree where the format lets them (which of two tables counts, which of two sizes or names), and that
is what hostile zips live on. Here a zip that leaves room for two readings is refused.

Source: PKWARE, "APPNOTE.TXT", version 6.3.10.
"""

import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.plugins.entry_names import MOST_BYTES, MOST_ENTRIES, BrokenRuleError, EntryNames

STORED: Final = 0
DEFLATED: Final = 8

_END: Final = struct.Struct("<4s4H2IH")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_ENCRYPTED: Final = 0x2041  # plain, strong, and hidden headers
_DESCRIPTOR: Final = 0x0008
_UTF8: Final = 0x0800
_KNOWN_FLAGS: Final = 0x0002 | 0x0004 | _DESCRIPTOR | _UTF8
_ZIP64_EXTRA: Final = 0x0001
_NAME_EXTRA: Final = 0x7075  # the name once more, in Unicode
_DOS_FOLDER: Final = 0x10
_DOS_REFUSED: Final = 0x08 | 0x40 | 0x400  # volume label, device, reparse point
_ZIP64_SIZE: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipEntry:
    """One file or folder in a zip.

    Attributes:
        parts: of its name.
        is_folder: whether it is a folder.
        method: STORED or DEFLATED.
        crc: CRC-32 that its content should have.
        size_bytes: that its content should have.
        start: where its packed content begins in the zip.
        packed_bytes: of its packed content.
    """

    parts: tuple[str, ...]
    is_folder: bool
    method: int
    crc: int
    size_bytes: int
    start: int
    packed_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """An entry as the table at the end of a zip describes it."""

    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed_bytes: int
    size_bytes: int
    attributes: int
    offset: int


def read_entries(data: bytes) -> tuple[ZipEntry, ...]:
    """Read the structure of a zip.

    Raises:
        BrokenRuleError: it is damaged, ambiguous, or breaks a rule about plugins; says which.
    """
    start, end, count = _find_table(data)
    records = _read_table(data, start, end, count)
    if sum(record.size_bytes for record in records) > MOST_BYTES:
        raise BrokenRuleError(f"holds more than {MOST_BYTES >> 20} MiB")
    starts = _check_layout(data, records, start)
    names = EntryNames()
    return tuple(_entry(record, place, names) for record, place in zip(records, starts, strict=True))


def _find_table(data: bytes) -> tuple[int, int, int]:
    """Where the table begins and ends, and how many entries it has."""
    place = data.rfind(b"PK\5\6", max(0, len(data) - _END.size - 0xFFFF))
    if place < 0 or place + _END.size > len(data):
        raise BrokenRuleError("is no zip, or a part of one is missing")
    _, disk, table_disk, count_here, count, size, start, comment = _END.unpack_from(data, place)
    if place + _END.size + comment != len(data):
        raise BrokenRuleError("has something behind its end")
    if disk or table_disk or count_here != count:
        raise BrokenRuleError("is one part of several")
    if count == 0xFFFF or _ZIP64_SIZE in (size, start) or data[max(0, place - 20) : place][:4] == b"PK\6\7":
        raise BrokenRuleError("uses zip64, which no plugin needs")
    if count > MOST_ENTRIES:
        raise BrokenRuleError(f"holds more than {MOST_ENTRIES:,} files and folders")
    if start + size != place:
        raise BrokenRuleError("has a table of contents that lies elsewhere than it says")
    return start, place, count


def _read_table(data: bytes, place: int, end: int, count: int) -> list[_Record]:
    records = []
    for _ in range(count):
        if place + _CENTRAL.size > end or data[place : place + 4] != b"PK\1\2":
            raise BrokenRuleError("has a damaged table of contents")
        (_, _, _, flags, method, _, _, crc, packed, size, name_bytes, extra_bytes, comment_bytes, disk, _, attributes,
         offset) = _CENTRAL.unpack_from(data, place)  # fmt: skip
        name_end = place + _CENTRAL.size + name_bytes
        extra_end = name_end + extra_bytes
        if extra_end + comment_bytes > end or disk:
            raise BrokenRuleError("has a damaged table of contents")
        _check_extra(data[name_end:extra_end])
        if _ZIP64_SIZE in (packed, size, offset):
            raise BrokenRuleError("uses zip64, which no plugin needs")
        raw_name = data[place + _CENTRAL.size : name_end]
        records.append(
            _Record(raw_name=raw_name, flags=flags, method=method, crc=crc, packed_bytes=packed, size_bytes=size,
                    attributes=attributes, offset=offset)
        )  # fmt: skip
        place = extra_end + comment_bytes
    if place != end:
        raise BrokenRuleError("has something behind its table of contents")
    if not records:
        raise BrokenRuleError("is empty")
    return records


def _check_layout(data: bytes, records: Sequence[_Record], table: int) -> list[int]:
    """Where the content of each entry begins; entries must lie one behind the other, from byte 0 to the table."""
    order = sorted(range(len(records)), key=lambda index: records[index].offset)
    starts = [0] * len(records)
    place = 0
    for index, following in zip(order, [*order[1:], -1], strict=True):
        record = records[index]
        end = table if following < 0 else records[following].offset
        if record.offset != place:
            raise BrokenRuleError("holds entries that overlap, or something between them")
        starts[index] = _check_local(data, record, end)
        place = end
    return starts


def _check_local(data: bytes, record: _Record, end: int) -> int:
    """Compare the header before an entry's content with the table; return where the content begins."""
    if record.offset + _LOCAL.size > end or data[record.offset : record.offset + 4] != b"PK\3\4":
        raise BrokenRuleError("holds entries that overlap, or are not where the table of contents says")
    _, _, flags, method, _, _, crc, packed, size, name_bytes, extra_bytes = _LOCAL.unpack_from(data, record.offset)
    name_end = record.offset + _LOCAL.size + name_bytes
    start: int = name_end + extra_bytes
    content_end = start + record.packed_bytes
    if content_end > end:
        raise BrokenRuleError("holds entries that overlap, or are longer than the file")
    _check_extra(data[name_end:start])
    says = (crc, packed, size)
    meant = (record.crc, record.packed_bytes, record.size_bytes)
    has_descriptor = bool(flags & _DESCRIPTOR)
    if (
        data[name_end - name_bytes : name_end] != record.raw_name
        or (flags, method) != (record.flags, record.method)
        or any(
            said not in ((number, 0) if has_descriptor else (number,)) for said, number in zip(says, meant, strict=True)
        )
    ):
        raise BrokenRuleError("says one thing about an entry before it and another in its table of contents")
    behind = data[content_end:end]
    descriptor = struct.pack("<3I", *meant)
    if behind not in ((descriptor, b"PK\7\x08" + descriptor) if has_descriptor else (b"",)):
        raise BrokenRuleError("holds entries that overlap, or something between them")
    return start


def _check_extra(extra: bytes) -> None:
    place = 0
    while place < len(extra):
        if place + 4 > len(extra):
            raise BrokenRuleError("has a damaged table of contents")
        kind, size = struct.unpack_from("<2H", extra, place)
        place += 4 + size
        if place > len(extra):
            raise BrokenRuleError("has a damaged table of contents")
        if kind == _ZIP64_EXTRA:
            raise BrokenRuleError("uses zip64, which no plugin needs")
        if kind == _NAME_EXTRA:
            raise BrokenRuleError("gives an entry two names")


def _entry(record: _Record, start: int, names: EntryNames) -> ZipEntry:
    name = _name(record)
    is_folder = name.endswith("/")
    _check_kind(record, name, is_folder=is_folder)
    return ZipEntry(
        parts=names.add(name.removesuffix("/"), is_folder=is_folder),
        is_folder=is_folder,
        method=record.method,
        crc=record.crc,
        size_bytes=record.size_bytes,
        start=start,
        packed_bytes=record.packed_bytes,
    )


def _name(record: _Record) -> str:
    try:
        return record.raw_name.decode("utf-8")  # also without the flag that says so, which `zip` on Linux leaves out
    except UnicodeDecodeError as error:
        raise BrokenRuleError(f"holds a name that is not UTF-8: {record.raw_name[:80]!a}") from error


def _check_kind(record: _Record, name: str, *, is_folder: bool) -> None:
    shown = ascii(name[:80])
    if record.flags & _ENCRYPTED:
        raise BrokenRuleError(f"holds something encrypted: {shown}")
    if record.flags & ~_KNOWN_FLAGS:
        raise BrokenRuleError(f"uses a part of the zip format that no plugin needs: {shown}")
    if record.method not in (STORED, DEFLATED):
        raise BrokenRuleError(f"is compressed in a way other than deflate: {shown}")
    mode = record.attributes >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFDIR if is_folder else stat.S_IFREG):
        raise BrokenRuleError(f"holds a link, a device, or another thing that is neither file nor folder: {shown}")
    if record.attributes & _DOS_REFUSED or (record.attributes & _DOS_FOLDER and not is_folder):
        raise BrokenRuleError(f"holds a link, a device, or another thing that is neither file nor folder: {shown}")
    if is_folder and (record.size_bytes or record.packed_bytes or record.crc):
        raise BrokenRuleError(f"holds a folder with content of its own: {shown}")
    if record.method == STORED and record.size_bytes != record.packed_bytes:
        raise BrokenRuleError(f"gives an entry two sizes: {shown}")
