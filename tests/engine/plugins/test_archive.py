"""Zips that want to do harm, made byte by byte: all are refused, and none leaves anything behind."""

import os
import random
import shutil
import stat
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from engine.errors import PluginRefusedError
from engine.plugins.install import install_into

MANIFEST = b"""id = "shout"
name = "Shout"
version = "1.0.0"
api = "1.0"
summary = "Writes in capitals."
provides = ["task:shout"]
"""
ZIP64_EXTRA = struct.pack("<2H2Q", 1, 16, 5, 5)
LINK, DEVICE, PIPE = (kind | 0o777 for kind in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO))


def deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry, and every lie that can be told about it; None is the truth."""

    name: str | bytes
    content: bytes = b"hello"
    packed: bytes | None = None
    method: int = 0
    flags: int = 0x0800
    mode: int = 0
    dos: int = 0
    crc: int | None = None
    size: int | None = None
    packed_size: int | None = None
    local_name: bytes | None = None
    local_size: int | None = None
    local_flags: int | None = None
    local_method: int | None = None
    offset: int | None = None
    extra: bytes = b""
    local_extra: bytes = b""
    before: bytes = b""
    descriptor: bytes = b""
    disk: int = 0

    def raw_name(self) -> bytes:
        return self.name if isinstance(self.name, bytes) else self.name.encode()

    def packed_content(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return deflate(self.content) if self.method == 8 else self.content

    def numbers(self) -> tuple[int, int, int]:
        packed_size = len(self.packed_content()) if self.packed_size is None else self.packed_size
        size = len(self.content) if self.size is None else self.size
        return zlib.crc32(self.content) if self.crc is None else self.crc, packed_size, size

    def local(self) -> bytes:
        crc, packed_size, size = self.numbers()
        name = self.raw_name() if self.local_name is None else self.local_name
        flags = self.flags if self.local_flags is None else self.local_flags
        method = self.method if self.local_method is None else self.local_method
        size = size if self.local_size is None else self.local_size
        lengths = (len(name), len(self.local_extra))
        head = struct.pack("<4s5H3I2H", b"PK\3\4", 20, flags, method, 0, 0, crc, packed_size, size, *lengths)
        return head + name + self.local_extra + self.packed_content() + self.descriptor

    def central(self, offset: int) -> bytes:
        name = self.raw_name()
        offset = offset if self.offset is None else self.offset
        head = struct.pack(
            "<4s6H3I5H2I", b"PK\1\2", 0x314, 20, self.flags, self.method, 0, 0, *self.numbers(), len(name),
            len(self.extra), 0, self.disk, 0, (self.mode << 16) | self.dos, offset,
        )  # fmt: skip
        return head + name + self.extra


@dataclass(frozen=True, kw_only=True)
class Zip:
    """A whole zip, and every lie about it."""

    entries: Sequence[Entry] = field(default_factory=tuple)
    prefix: bytes = b""
    suffix: bytes = b""
    before_table: bytes = b""
    after_table: bytes = b""
    count: int | None = None
    disk: int = 0
    table: int | None = None
    table_size: int | None = None
    comment: bytes = b""
    end: bool = True

    def bytes(self) -> bytes:
        body, central = self.prefix, b""
        for entry in self.entries:
            body += entry.before
            central += entry.central(len(body))
            body += entry.local()
        body += self.before_table
        table = len(body) if self.table is None else self.table
        count = len(self.entries) if self.count is None else self.count
        size = len(central) + len(self.after_table) if self.table_size is None else self.table_size
        end = struct.pack("<4s4H2IH", b"PK\5\6", self.disk, 0, count, count, size, table, len(self.comment))
        return body + central + self.after_table + (end + self.comment if self.end else b"") + self.suffix


GOOD = Entry(name="plugin.toml", content=MANIFEST)
CODE = Entry(name="__init__.py", content=b"def register(registrar): ...\n", method=8)
FINE = Entry(name="data.txt")


def with_entry(**lies: object) -> Zip:
    """An honest plugin and one entry that is not honest."""
    return Zip(entries=(GOOD, CODE, replace(FINE, **lies)))


def named(*names: str | bytes) -> Zip:
    return Zip(entries=(GOOD, CODE, *(Entry(name=name, content=b"" if name[-1:] == "/" else b"x") for name in names)))


def overlapping() -> Zip:
    """A bomb of the kind of Fifield's: two entries of the table share the same content."""
    first = Entry(name="a.txt", content=b"x" * 1000)
    start = len(GOOD.local() + CODE.local())
    return Zip(entries=(GOOD, CODE, first, Entry(name="b.txt", content=b"x" * 1000, offset=start)))


def two_tables() -> bytes:
    """The comment of a zip holds the end of another one, with a table of its own."""
    inner = Zip(entries=(GOOD, replace(CODE, content=b"evil"))).bytes()
    return Zip(entries=(GOOD, CODE), comment=inner).bytes()


def behind_a_link() -> Zip:
    return Zip(entries=(GOOD, CODE, Entry(name="d", content=b"..", mode=LINK), Entry(name="d/evil")))


def beside_the_top_folder() -> Zip:
    return Zip(entries=(replace(GOOD, name="shout/plugin.toml"), Entry(name="shout/../../x")))


def inside_another() -> Zip:
    nest = Entry(name="nest", content=FINE.local())
    return Zip(entries=(GOOD, CODE, nest, replace(FINE, offset=len(GOOD.local() + CODE.local()) + 34)))


def small_bombs() -> Zip:
    """Each is small enough to be honest; together they are not."""
    return Zip(entries=(GOOD, CODE, *(Entry(name=f"{i}", content=b"\0" * 65_000, method=8) for i in range(40))))


BOMB = deflate(b"\0" * (20 << 20))
HELLO = struct.pack("<3I", zlib.crc32(b"hello"), 5, 5)

HOSTILE: dict[str, Callable[[], Zip | bytes]] = {
    # names that lead out
    "absolute": lambda: named("/etc/cron.d/evil"),
    "parent": lambda: named("../evil.txt"),
    "parent in the middle": lambda: named("a/../../evil.txt"),
    "parent of the top folder": beside_the_top_folder,
    "this folder": lambda: named("./evil.txt"),
    "backslash": lambda: named("..\\evil.txt"),
    "drive": lambda: named("C:/evil.txt"),
    "drive without slash": lambda: named("C:evil.txt"),
    "share": lambda: named("//server/share/evil.txt"),
    "device path": lambda: named("\\\\?\\C:\\evil.txt"),
    "empty part": lambda: named("a//evil.txt"),
    "stream of a file": lambda: named("data.txt:evil"),
    # names that are something else elsewhere
    "NUL": lambda: named("evil.txt\0.py"),
    "control character": lambda: named("evil\x1b[2J.txt"),
    "direction": lambda: named("evil\u202eyp.txt"),
    "zero width": lambda: named("da\u200bta.txt"),
    "windows device": lambda: named("aux.py"),
    "windows port": lambda: named("sub/COM1"),
    "windows console": lambda: named("conin$.txt"),
    "trailing dot": lambda: named("evil.py."),
    "trailing space": lambda: named("evil.py "),
    "wildcard": lambda: named("evil*.py"),
    "empty name": lambda: named(""),
    "only a slash": lambda: named("/"),
    "not UTF-8": lambda: named(b"evil\xff.py"),
    "code page": lambda: with_entry(name=b"\x81.txt", flags=0),
    "long part": lambda: named("a" * 150),
    "long path": lambda: named("/".join(["abcdefghij" * 4] * 7)),
    "too deep": lambda: named("/".join("abcdefghijkl")),
    # names that clash
    "duplicate": lambda: named("a.txt", "a.txt"),
    "case twins": lambda: named("a.txt", "A.txt"),
    "case twins of folders": lambda: named("a/x.txt", "A/y.txt"),
    "sharp s": lambda: named("straße.txt", "STRASSE.txt"),
    "unicode twins": lambda: named("\u00e9.txt", "e\u0301.txt"),
    "ligature twins": lambda: named("\ufb01le.txt", "file.txt"),
    "file and folder": lambda: named("a", "a/b.txt"),
    "folder and file": lambda: named("a/b.txt", "a"),
    "second manifest": lambda: named("Plugin.toml"),
    # things that are no files
    "link": lambda: with_entry(content=b"/etc/passwd", mode=LINK),
    "link to write through": behind_a_link,
    "device": lambda: with_entry(mode=DEVICE),
    "pipe": lambda: with_entry(mode=PIPE),
    "reparse point": lambda: with_entry(dos=0x400),
    "volume label": lambda: with_entry(dos=0x08),
    "folder without a slash": lambda: with_entry(mode=stat.S_IFDIR | 0o755),
    "folder with content": lambda: with_entry(name="d/", content=b"hello"),
    "encrypted": lambda: with_entry(flags=0x0801),
    "strongly encrypted": lambda: with_entry(flags=0x0841),
    "patch": lambda: with_entry(flags=0x0820),
    "LZMA": lambda: with_entry(method=14),
    "bzip2": lambda: with_entry(method=12),
    # sizes
    "bomb": lambda: with_entry(method=8, content=b"\0" * (20 << 20), packed=BOMB),
    "bomb that says 5 bytes": lambda: with_entry(method=8, packed=BOMB),
    "bombs together": small_bombs,
    "more than 50 MiB": lambda: with_entry(method=8, size=51 << 20),
    "2001 entries": lambda: named(*(f"{i}.txt" for i in range(1999))),
    "size too small": lambda: with_entry(method=8, content=b"x" * 50, size=20, crc=zlib.crc32(b"x" * 50)),
    "size too large": lambda: with_entry(method=8, content=b"x" * 50, size=70),
    "two sizes": lambda: with_entry(size=3),
    "local size differs": lambda: with_entry(local_size=6),
    "wrong CRC": lambda: with_entry(crc=1),
    "damaged deflate": lambda: with_entry(method=8, packed=b"\xff" * 12),
    "cut deflate": lambda: with_entry(method=8, content=b"hello" * 50, packed=deflate(b"hello" * 50)[:-2]),
    "something behind the deflate": lambda: with_entry(method=8, packed=deflate(b"hello") + b"hidden"),
    # structure
    "zip64 sizes": lambda: with_entry(size=0xFFFFFFFF, packed_size=0xFFFFFFFF, extra=ZIP64_EXTRA),
    "zip64 in the table": lambda: with_entry(extra=ZIP64_EXTRA),
    "zip64 before the content": lambda: with_entry(local_extra=ZIP64_EXTRA),
    "zip64 end": lambda: Zip(entries=(GOOD, CODE), after_table=struct.pack("<4sIQI", b"PK\6\7", 0, 0, 1)),
    "zip64 count": lambda: Zip(entries=(GOOD, CODE), count=0xFFFF),
    "overlapping": overlapping,
    "entry inside another": inside_another,
    "name differs": lambda: with_entry(local_name=b"evil.txt"),
    "flags differ": lambda: with_entry(local_flags=0),
    "method differs": lambda: with_entry(local_method=8),
    "second name": lambda: with_entry(extra=struct.pack("<2HBI", 0x7075, 13, 1, 0) + b"evil.txt"),
    "damaged extra": lambda: with_entry(extra=struct.pack("<2H", 0x5455, 400)),
    "gap between entries": lambda: with_entry(before=b"hidden"),
    "gap before the table": lambda: Zip(entries=(GOOD, CODE), before_table=b"hidden"),
    "gap behind the table": lambda: Zip(entries=(GOOD, CODE), after_table=b"hidden"),
    "wrong descriptor": lambda: with_entry(flags=0x0808, descriptor=b"PK\7\x08" + struct.pack("<3I", 1, 2, 3)),
    "descriptor without a flag": lambda: with_entry(descriptor=b"PK\7\x08" + HELLO),
    "program before it": lambda: Zip(entries=(GOOD, CODE), prefix=b"#!/bin/sh\n"),
    "something behind it": lambda: Zip(entries=(GOOD, CODE), suffix=b"hidden"),
    "two tables": two_tables,
    "two zips in a row": lambda: Zip(entries=(GOOD, CODE)).bytes() * 2,
    "table elsewhere": lambda: Zip(entries=(GOOD, CODE), table=0),
    "table past the end": lambda: Zip(entries=(GOOD, CODE), table=1 << 30),
    "fewer entries than it says": lambda: Zip(entries=(GOOD, CODE), count=9),
    "more entries than it says": lambda: Zip(entries=(GOOD, CODE, FINE), count=2),
    "entry past the end": lambda: with_entry(offset=1 << 30),
    "one disk of several": lambda: Zip(entries=(GOOD, CODE), disk=1),
    "entry on another disk": lambda: with_entry(disk=1),
    "no end": lambda: Zip(entries=(GOOD, CODE), end=False),
    "empty": lambda: Zip(),
    "no bytes": lambda: b"",
    "half": lambda: Zip(entries=(GOOD, CODE)).bytes()[:200],
    "another format": lambda: b"Rar!\x1a\7\0" + bytes(500),
    # what it holds
    "no manifest": lambda: Zip(entries=(CODE,)),
    "two top folders": lambda: Zip(entries=(replace(GOOD, name="shout/plugin.toml"), Entry(name="other/x.py"))),
    "nested twice": lambda: Zip(entries=(replace(GOOD, name="a/shout/plugin.toml"),)),
    "bundled id": lambda: Zip(entries=(replace(GOOD, content=MANIFEST.replace(b'"shout"', b'"chat"')), CODE)),
}  # fmt: skip


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything below a folder: kind, and content or target."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (mode, content)
    return found


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A folder of plugins with things around it that must not be touched."""
    (tmp_path / "home" / "plugins").mkdir(parents=True)
    (tmp_path / "evil.txt").write_text("mine")
    (tmp_path / "home" / "evil.txt").write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    if sys.platform != "win32":
        (tmp_path / "home" / "plugins" / "d").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "home" / "plugins" / "data.txt").symlink_to(tmp_path / "evil.txt")
    return tmp_path


def install(world: Path, data: bytes) -> Path:
    source = world / "source.zip"
    source.write_bytes(data)
    return install_into(world / "home" / "plugins", source)


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_zip_is_refused_and_leaves_nothing(world: Path, kind: str):
    made = HOSTILE[kind]()
    data = made if isinstance(made, bytes) else made.bytes()
    (world / "source.zip").write_bytes(data)
    before = everything(world)
    with pytest.raises(PluginRefusedError) as refused:
        install(world, data)
    assert everything(world) == before
    assert refused.value.cause.endswith(".")
    assert len(str(refused.value).splitlines()) == 1
    assert str(refused.value).isprintable()


def test_a_file_that_is_too_large_is_not_even_read(world: Path, tmp_path_factory: pytest.TempPathFactory):
    source = tmp_path_factory.mktemp("large") / "large.zip"
    with source.open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(PluginRefusedError, match="50 MiB"):
        install_into(world / "home" / "plugins", source)


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes in folders there")
def test_a_pipe_is_not_waited_for(world: Path):
    os.mkfifo(world / "pipe.zip")
    with pytest.raises(PluginRefusedError, match="no zip"):
        install_into(world / "home" / "plugins", world / "pipe.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("top", ["", "shout/", "shout-main/"])
def test_honest_zips_are_accepted(world: Path, method: int, top: str):
    path = world / "made.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.comment = b"0123456789abcdef"  # GitHub writes the commit there
        if top:
            archive.mkdir(top)
        archive.writestr(f"{top}plugin.toml", MANIFEST)
        archive.writestr(f"{top}__init__.py", CODE.content)
        archive.writestr(f"{top}data/größe.txt", "ü" * 5000)
    folder = install_into(world / "home" / "plugins", path)
    assert folder == world / "home" / "plugins" / "shout"
    assert (folder / "plugin.toml").read_bytes() == MANIFEST
    assert (folder / "data" / "größe.txt").read_text(encoding="utf-8") == "ü" * 5000
    assert not list((world / "home" / "plugins").glob(".*"))


def test_a_zip_written_to_a_pipe_is_accepted(world: Path):
    crc, packed, size = CODE.numbers()
    for mark, local_size in ((b"", 0), (b"PK\7\x08", size)):
        descriptor = mark + struct.pack("<3I", crc, packed, size)
        streamed = replace(CODE, flags=0x0808, descriptor=descriptor, local_size=local_size)
        folder = install(world, Zip(entries=(GOOD, streamed, Entry(name="größe", flags=0))).bytes())
        assert (folder / "__init__.py").read_bytes() == CODE.content
        assert (folder / "größe").exists()


def test_what_is_no_part_of_a_plugin_is_left_out(world: Path):
    noise = (".git/config", "__MACOSX/._plugin.toml", ".DS_Store", "__PYCACHE__/x.cpython-311.pyc", "x.PYC")
    folder = install(world, named(*noise, "kept.txt").bytes())
    assert sorted(path.name for path in folder.rglob("*")) == ["__init__.py", "kept.txt", "plugin.toml"]


@pytest.mark.skipif(os.name == "nt", reason="files have no mode there")
def test_nothing_in_a_zip_becomes_a_program(world: Path):
    folder = install(world, with_entry(mode=stat.S_IFREG | 0o4777).bytes())
    assert (folder / "data.txt").stat().st_mode & 0o7111 == 0


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bytes_never_do_anything_but_refuse(world: Path, seed: int):
    numbers = random.Random(seed)
    good = Zip(entries=(GOOD, CODE, FINE, Entry(name="sub/", content=b""), Entry(name="sub/a.txt", method=8))).bytes()
    refused = 0
    before = everything(world)
    for _ in range(150):
        data = bytearray(good)
        for _ in range(numbers.choice((1, 1, 2, 8))):
            data[numbers.randrange(len(data))] ^= 1 << numbers.randrange(8)
        if numbers.random() < 0.1:
            del data[numbers.randrange(len(data)) :]
        try:
            shutil.rmtree(install(world, bytes(data)))  # a flip in a date harms nobody
        except PluginRefusedError:
            refused += 1
        (world / "source.zip").unlink()
        assert everything(world) == before
    assert refused > 100
